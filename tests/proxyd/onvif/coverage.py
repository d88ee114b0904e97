"""Which operation of the official WSDLs a running camera answers, and with which fault it refuses the others.

Asked over a real socket, of a camera with all that a camera can have, and of one with nothing but a picture. Every
answer is held against the official schemas on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from lxml import etree

from proxyd.camera.events import TopicSpec
from proxyd.camera.features import ChannelFeatures
from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.namespaces import (
    ANALYTICS,
    DEVICE,
    DEVICEIO,
    EVENTS,
    IMAGING,
    MEDIA,
    MEDIA2,
    NOTIFICATION,
    PREFIXES,
    PTZ,
    clark,
)
from proxyd.tls.certificate import self_signed

from . import optics
from .builders import ANALYTICS as WITH_ANALYTICS
from .builders import AUDIO, PATHS, camera_spec, main_stream, sub_stream, username_token
from .schemas import Validator
from .valid_requests import RequestMaker, document
from .world import running_camera

Operation = tuple[str, str]  # namespace, name
ANSWERED = "answered"
TITLES = {
    DEVICE: "Device management (ver10)",
    MEDIA: "Media (ver10)",
    MEDIA2: "Media2 (ver20)",
    EVENTS: "Events (ver10)",
    NOTIFICATION: "Events: Web Services Base Notification",
    PTZ: "PTZ (ver20)",
    IMAGING: "Imaging (ver20)",
    DEVICEIO: "DeviceIO (ver10)",
    ANALYTICS: "Analytics (ver20)",
}
# Bound by the WSDL of Events, which takes them from OASIS: its portTypes name no operations of that namespace.
_BASE_NOTIFICATION = [
    *("Subscribe", "GetCurrentMessage", "Renew", "Unsubscribe", "PauseSubscription", "ResumeSubscription"),
    *("GetMessages", "DestroyPullPoint", "CreatePullPoint"),  # and Notify, which consumers answer
]
_AT_A_SUBSCRIPTION = {
    *((EVENTS, name) for name in ("PullMessages", "Seek", "SetSynchronizationPoint")),
    *((NOTIFICATION, name) for name in ("Renew", "Unsubscribe", "PauseSubscription", "ResumeSubscription")),
}
# In this order: what others refer to is made before, and taken away after they were asked.
_PHASES = ("Get|Seek|Pull|Send|Scan", "Create|Add|Set|Goto|Start|Subscribe|Modify", "", "Remove|Delete|Stop|Unsub")
_LAST = ("SetSystemFactoryDefault", "SystemReboot")
_SHORT = {PREFIXES[prefix]: prefix for prefix in PATHS}


def cameras() -> dict[str, CameraSpec]:
    """The two that are asked."""
    audio = (main_stream(audio=AUDIO, upstream_profile="NvrProfile1"), sub_stream(upstream_profile="NvrProfile2"))
    everything = ChannelFeatures(
        optics.TOKENS,
        ptz=optics.PTZ,
        imaging=optics.IMAGING,
        topics=(TopicSpec("tns1:RuleEngine/LineDetector/Crossed", (("Rule", "xsd:string"),), state=False),),
        rules=WITH_ANALYTICS.rules,
        modules=WITH_ANALYTICS.modules,
        speaker=True,
    )
    return {
        "everything": camera_spec(
            streams=audio,
            features=everything,
            settings=CameraSettings(forward=True),
            certificate=self_signed(camera_spec(), datetime.now(UTC)),
        ),
        "only a picture": camera_spec(streams=(main_stream(),)),
    }


def operations(validator: Validator) -> dict[str, list[str]]:
    """By namespace, in the order of the WSDLs."""
    listed = {
        namespace: list(dict.fromkeys(name for name in validator.operations[namespace]))
        for namespace in TITLES
        if namespace in validator.operations
    }
    if EVENTS in listed:
        listed[EVENTS] = [name for name in listed[EVENTS] if name not in _BASE_NOTIFICATION]
        listed[NOTIFICATION] = list(_BASE_NOTIFICATION)
    return {namespace: listed[namespace] for namespace in TITLES if namespace in listed}


@dataclass(frozen=True, slots=True)
class Answer:
    """`words`: "answered", or the innermost subcode of the fault with its code."""

    status: int
    words: str
    body: etree._Element


class Asker:
    """A recorder that asks one camera for anything, and holds every answer against the schemas."""

    def __init__(self, validator: Validator, session: aiohttp.ClientSession, port: int) -> None:
        self.maker = RequestMaker(validator)
        self.maker.known["Address"] = "http://127.0.0.1:9/"  # of who wants notifications; discard (RFC 863)
        self._validator = validator
        self._session = session
        self._base = f"http://127.0.0.1:{port}"
        self._subscription = ""
        self._shown: dict[Operation, etree._Element] = {}

    async def ask(self, operation: Operation, *, full: bool = False) -> Answer:
        namespace = operation[0]
        path = self._subscription if operation in _AT_A_SUBSCRIPTION else PATHS[_SHORT[namespace]]
        body = self._request(operation, full)
        token = etree.fromstring(f"<h {_declared()}>{username_token(created=_now())}</h>")[0]
        async with self._session.post(
            self._base + path, data=document(body, token), headers={"Content-Type": "application/soap+xml"}
        ) as response:
            raw, status = await response.read(), response.status
        answer = self._validator.body(raw)
        assert status == (400 if answer.tag == clark("env:Fault") else 200), (operation, status)
        words = _fault(answer) if status != 200 else ANSWERED
        if words.startswith("ter:ActionNotSupported"):  # Home Assistant tolerates it with these words only
            assert "not implemented" in (answer.findtext(f".//{clark('env:Text')}") or ""), operation
        if words == ANSWERED:
            assert answer.tag == f"{body.tag}Response"
            self._remember(operation, answer)
        return Answer(status, words, answer)

    def _request(self, operation: Operation, full: bool) -> etree._Element:
        namespace, name = operation
        if not self.maker.knows(namespace, name):
            if not shared_message(namespace, name):  # a WSDL may name an operation and no element for it
                return etree.Element(f"{{{namespace}}}{name}")
            namespace = DEVICE
        return self.maker.request(namespace, name, full=full, given=self._given(operation))

    def _given(self, operation: Operation) -> dict[str, etree._Element]:
        """What the camera told of a configuration is what one sets."""
        namespace, name = operation
        made = self._shown.get((DEVICE, "CreateCertificate"))
        if name == "LoadCertificates" and made is not None:
            return {"NVTCertificate": made[0]}
        if name == "LoadCertificateWithPrivateKey":
            return {"CertificateWithPrivateKey": _certificate_with_key()}
        told = re.fullmatch(r"Set(\w*(?:Configuration|Settings))", name)
        for read in (f"Get{told[1]}s", f"Get{told[1]}") if told else ():
            shown = self._shown.get((namespace, read))
            if shown is not None and len(shown):
                return {"Configuration": shown[0], "PTZConfiguration": shown[0], "ImagingSettings": shown[0]}
        return {}

    def _remember(self, operation: Operation, answer: etree._Element) -> None:
        self._shown[operation] = answer
        address = answer.findtext(f".//{clark('wsa:Address')}")
        if address and operation[1] == "CreatePullPointSubscription":
            self._subscription = address.removeprefix(self._base)
        for preset in answer.iter(clark("tptz:Preset")):
            self.maker.known["PresetToken"] = preset.get("token", "")


async def walk(validator: Validator, spec: CameraSpec) -> dict[Operation, str]:
    """Every operation of every WSDL, asked of a running camera: "answered" when a valid request was, else the
    fault of the request that has everything it must have."""
    found: dict[Operation, str] = {}
    async with running_camera(spec) as (server, _), aiohttp.ClientSession() as session:
        asker = Asker(validator, session, server.port)
        await asker.ask((EVENTS, "CreatePullPointSubscription"))
        for operation in _in_order(operations(validator)):
            least = await asker.ask(operation)
            most = least if least.words == ANSWERED else await asker.ask(operation, full=True)
            found[operation] = ANSWERED if most.words == ANSWERED else least.words
    return found


def _in_order(listed: dict[str, list[str]]) -> Iterator[Operation]:
    pairs = [(namespace, name) for namespace, names in listed.items() for name in names]

    def phase(pair: Operation) -> int:
        if pair[1] in _LAST:
            return len(_PHASES)
        return next((at for at, verbs in enumerate(_PHASES) if verbs and re.match(verbs, pair[1])), _PHASES.index(""))

    yield from sorted(pairs, key=phase)


def _certificate_with_key() -> etree._Element:
    made = self_signed(camera_spec(), datetime.now(UTC))
    element = etree.Element("CertificateWithPrivateKey")
    for name, pem in (("Certificate", made.chain), ("PrivateKey", made.key)):
        data = etree.SubElement(etree.SubElement(element, clark(f"tt:{name}")), clark("tt:Data"))
        data.text = "".join(pem.splitlines()[1:-1])
    return element


def _fault(body: etree._Element) -> str:
    values = [value.text or "" for value in body.iter(clark("env:Value"))]
    detail = body.find(f"{clark('env:Detail')}/*")
    if len(values) == 1 and detail is not None:  # Base Notification has faults by their detail
        return etree.QName(detail).localname
    return "/".join(values[1:]) or values[0]


def _declared() -> str:
    return " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shared_message(namespace: str, name: str) -> bool:
    """Whether DeviceIO's WSDL takes the message of this operation from the device service."""
    return namespace == DEVICEIO and name in ("GetRelayOutputs", "SetRelayOutputState")


def rows(text: str) -> dict[Operation, list[str]]:
    """The cells of that page by operation."""
    found: dict[Operation, list[str]] = {}
    for section in text.split("\n## ")[1:]:
        namespace = section.split("`")[1]
        for row in re.findall(r"^\| (\w+) \| (.*) \|$", section, re.MULTILINE)[1:]:
            found[namespace, row[0]] = row[1].split(" | ")
    return found


async def table(validator: Validator, generated: str) -> str:
    """docs/onvif.md: asks both cameras."""
    found = {kind: await walk(validator, spec) for kind, spec in cameras().items()}
    return page(found, operations(validator), generated)


def page(found: dict[str, dict[Operation, str]], listed: dict[str, list[str]], generated: str) -> str:
    """docs/onvif.md."""
    heads = list(found)
    parts = []
    for namespace, names in listed.items():
        rows = [f"| {name} | {' | '.join(_cell(found[head][namespace, name]) for head in heads)} |" for name in names]
        parts.append(
            f"## {TITLES[namespace]}\n`{namespace}`\n\n| operation | {' | '.join(heads)} |\n"
            f"| --- |{' --- |' * len(heads)}\n" + "\n".join(rows) + "\n"
        )
    counts = "\n".join(
        f"| {head} | {sum(words == ANSWERED for words in found[head].values())} | "
        f"{sum(words != ANSWERED for words in found[head].values())} |"
        for head in heads
    )
    return f"""# ONVIF operations
{generated}
What a virtual camera says to each operation of the official ONVIF WSDLs, as asked over HTTP by a test. Two cameras
were asked: one of a channel that has all a channel can have (PTZ, imaging, audio in both directions, analytics, and
settings that may be changed at the NVR), and one that has only a picture. Every answer and every fault here was valid
against the official schemas. "answered" means that a request as the schema wants it got its response; other cells are
the subcodes of the SOAP fault. `ter:ActionNotSupported` is said with HTTP 400 and "not implemented" in its text.

| camera | answered | refused |
| --- | --- | --- |
{counts}

{chr(10).join(parts)}"""


def _cell(words: str) -> str:
    return words if words == ANSWERED else f"`{words}`"
