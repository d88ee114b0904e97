"""Everything that is said of a camera in one table: label, value, what Enter does with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Literal

from proxyd.api.models import Camera, Certificate

from ..widgets.camera_lines import SWITCHES, discovery_words, rights_words, stream_words, switch_words
from ..widgets.line import plain
from ..words import Look, Tone, format_time

Does = Literal["copy", "switch", "discovery", "account", "diagnose", "snapshot", "certificate", "rights", ""]
# Rows that come and go keep their number, so that the cursor stays where it stands.
_TABLE = """
    Address User Password ONVIF Snapshot Picture Adopted Main main Sub sub NVR MAC Interface Discovery Sound H.265
    Metadata Settings Sharing HTTPS Certificate RTSPSmain RTSPSsub PTZ Speaker Clock Notifies Accounts Event UUID Serial
"""
_RIGHTS = frozenset({"Clock", "Notifies", "Accounts"})  # can be changed
_ORDER = {name: number for number, name in enumerate(_TABLE.split())}


@dataclass(frozen=True, slots=True)
class Field:
    """`copies`: what goes to the clipboard, "" for nothing; `link`: where a click leads."""

    name: str
    label: str
    value: str
    tone: Tone = Tone.TEXT
    does: Does = "copy"
    copies: str = ""
    link: str = ""

    @property
    def key(self) -> int:
        return _ORDER[self.name]


def camera_fields(
    camera: Camera,
    nvr: str,
    look: Look,
    *,
    password: str = "",
    may_change: bool = True,
    certificate: Certificate | None = None,
    zone: tzinfo | None = None,
) -> list[Field]:
    """`password` is "" while it is hidden; `may_change`: the user may see and change it."""
    hidden = f"{look.hidden}   {'p shows it, Enter changes it' if may_change else 'for operators'}"
    fields = [
        _text("Address", camera.address, "none yet", Tone.STRONG),
        Field("User", "User", camera.username, Tone.STRONG, "account", camera.username),
        Field("Password", "Password", password or hidden, Tone.STRONG if password else Tone.MUTED, "account"),
        _url("ONVIF", "ONVIF", camera.onvif_url or ""),
        _url("Snapshot", "Snapshot", camera.snapshot_url or ""),
        Field("Picture", "Picture", camera.picture or "no snapshot so far: o fetches one", Tone.MUTED, "snapshot"),
        _adopted(camera),
    ]
    for stream in camera.streams:
        label = stream.name.capitalize()
        fields.append(_url(label, label, stream.url))
        fields.append(Field(stream.name, "", stream_words(stream, look), Tone.MUTED, ""))
    fields += [
        Field("NVR", "NVR", f"{nvr}, channel {camera.channel}", does=""),
        _text("MAC", camera.mac),
        _text("Interface", camera.interface),
        Field("Discovery", "Discovery", *discovery_words(camera), "discovery"),
    ]
    fields += [Field(label, label, words, tone, "switch") for label, words, tone in switch_words(camera)]
    if camera.https and certificate is not None:
        fields.append(Field("Certificate", "Certificate", certificate_words(certificate), does="certificate"))
    fields += [_url(f"RTSPS{one.name}", "RTSPS", one.rtsps_url) for one in camera.streams if one.rtsps_url]
    fields += [
        Field(label, label, words, tone, "rights" if label in _RIGHTS else "")
        for label, words, tone in rights_words(camera)
    ]
    fields += [
        _event(camera, zone),
        _text("UUID", camera.uuid, tone=Tone.MUTED),
        _text("Serial", camera.serial, tone=Tone.MUTED),
    ]
    return fields


def _text(name: str, value: str | None, missing: str = "none yet", tone: Tone = Tone.TEXT) -> Field:
    return Field(name, name, value or missing, tone if value else Tone.WARNING, copies=value or "")


def _url(name: str, label: str, url: str) -> Field:
    return Field(name, label, url, copies=url, link=url)


def _adopted(camera: Camera) -> Field:
    words = camera.adopted_by or "nobody yet: x says why"
    return Field("Adopted", "Adopted by", words, Tone.TEXT if camera.adopted_by else Tone.MUTED, "diagnose")


def _event(camera: Camera, zone: tzinfo | None) -> Field:
    if not camera.last_event or not camera.last_event_at:
        return Field("Event", "Event", "none yet", Tone.MUTED, "")
    return Field("Event", "Event", f"{camera.last_event}, {format_time(camera.last_event_at, zone)}", does="")


def certificate_words(certificate: Certificate) -> str:
    """ "self-made, until 2027-11-22, for yard, 192.0.2.7" """
    if certificate.origin == "none":
        return "none yet: it is made when somebody comes by HTTPS"
    parts: list[str] = [certificate.origin]
    parts += [f"until {certificate.not_after[:10]}"] if certificate.not_after else []
    parts += [f"for {', '.join(map(plain, certificate.names))}"] if certificate.names else []
    return f"{', '.join(parts)}{'; see Enter' if certificate.warnings else ''}"


def setting_of(label: str) -> str:
    """The camera's field behind a switch."""
    return SWITCHES[label][0]


def copyable(camera: Camera) -> list[tuple[str, str]]:
    """What `y` offers: what it is, and the text. Addresses first, since they are what recorders want."""
    return [(what, text) for what, text in _offered(camera) if text]


def _offered(camera: Camera) -> Iterator[tuple[str, str]]:
    yield "address", camera.address or ""
    yield "ONVIF address", camera.onvif_url or ""
    for stream in camera.streams:
        yield f"{stream.name} stream", stream.url
    yield "snapshot address", camera.snapshot_url or ""
    yield "HTTPS address", camera.https_url or ""
    for stream in camera.streams:
        yield f"{stream.name} stream by TLS", stream.rtsps_url or ""
    yield "user", camera.username
    yield "MAC", camera.mac or ""
    yield "UUID", camera.uuid
    yield "serial number", camera.serial
