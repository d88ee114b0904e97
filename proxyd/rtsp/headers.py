"""RTSP header fields (RFC 2326 §12): the multi-dict, and the values we take apart: Transport, Session, RTP-Info.

Pure. Reading is lenient, as devices are; writing is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DEFAULT_SESSION_TIMEOUT_S = 60  # RFC 2326 §12.37


class Headers:
    """Header fields in order; names compare without case, values as sent."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = [(name, value) for name, value in items]

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value."""
        wanted = name.lower()
        return next((value for key, value in self._items if key.lower() == wanted), default)

    def get_all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self._items if key.lower() == wanted]

    def add(self, name: str, value: str) -> None:
        self._items.append((name, value))

    def set(self, name: str, value: str) -> None:
        """Replaces every field of this name."""
        self.remove(name)
        self.add(name, value)

    def remove(self, name: str) -> None:
        wanted = name.lower()
        self._items = [item for item in self._items if item[0].lower() != wanted]

    def copy(self) -> Headers:
        return Headers(self._items)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return [(n.lower(), v) for n, v in self._items] == [(n.lower(), v) for n, v in other._items]

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:  # values may be credentials
        return f"Headers({', '.join(name for name, _ in self._items)})"


Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Transport:
    """One alternative of a Transport header (RFC 2326 §12.39). `tcp` means interleaved in the RTSP connection."""

    tcp: bool = False
    profile: str = "RTP/AVP"
    unicast: bool = True
    interleaved: Pair | None = None
    client_port: Pair | None = None
    server_port: Pair | None = None
    destination: str = ""
    source: str = ""
    ssrc: int | None = None
    mode: str = ""


def parse_transport(value: str) -> list[Transport]:
    """The alternatives in the order of preference; those that make no sense are left out."""
    found = []
    for alternative in _split(value, ","):
        transport = _parse_alternative(alternative)
        if transport is not None:
            found.append(transport)
    return found


def format_transport(transport: Transport) -> str:
    parts = [
        transport.profile + ("/TCP" if transport.tcp else ""),
        "unicast" if transport.unicast else "multicast",
    ]
    for name, pair in (
        ("interleaved", transport.interleaved),
        ("client_port", transport.client_port),
        ("server_port", transport.server_port),
    ):
        if pair is not None:
            parts.append(f"{name}={pair[0]}-{pair[1]}")
    if transport.destination:
        parts.append(f"destination={transport.destination}")
    if transport.source:
        parts.append(f"source={transport.source}")
    if transport.ssrc is not None:
        parts.append(f"ssrc={transport.ssrc:08X}")
    if transport.mode:
        parts.append(f'mode="{transport.mode}"')
    return ";".join(parts)


def parse_session(value: str) -> tuple[str, int]:
    """(session id, timeout in seconds); the default timeout where none or nonsense is given."""
    session, *parameters = (part.strip() for part in value.split(";"))
    timeout_s = DEFAULT_SESSION_TIMEOUT_S
    for parameter in parameters:
        name, _, raw = (part.strip() for part in parameter.partition("="))
        if name.lower() == "timeout" and re.fullmatch(r"[0-9]{1,6}", raw) and int(raw) > 0:
            timeout_s = int(raw)
    return session, timeout_s


def format_session(session: str, timeout_s: int | None = None) -> str:
    return session if timeout_s is None else f"{session};timeout={timeout_s}"


@dataclass(frozen=True, slots=True)
class RtpInfo:
    """Where one stream begins (RFC 2326 §12.33): sequence number and RTP time of the first packet after PLAY."""

    url: str
    seq: int | None = None
    rtptime: int | None = None


def parse_rtp_info(value: str) -> list[RtpInfo]:
    """URLs may hold commas and semicolons: an entry begins where `url=` follows a comma."""
    found = []
    for entry in re.split(r",\s*(?=url\s*=)", value.strip(), flags=re.IGNORECASE):
        match = re.match(r"url\s*=\s*", entry, re.IGNORECASE)
        if match is None:
            continue
        rest = entry[match.end() :]
        numbers: dict[str, int | None] = {}
        while True:
            before, found_one, last = rest.rpartition(";")
            name, has_value, raw = (part.strip() for part in last.partition("="))
            known = bool(found_one and has_value) and name.lower() in ("seq", "rtptime", "ssrc")
            if not known or not re.fullmatch(r"[0-9A-Za-z]*", raw):
                break
            numbers[name.lower()] = int(raw) if re.fullmatch(r"[0-9]{1,10}", raw) else None
            rest = before
        found.append(RtpInfo(rest.strip().strip('"'), numbers.get("seq"), numbers.get("rtptime")))
    return found


def format_rtp_info(entries: Iterable[RtpInfo]) -> str:
    texts = []
    for entry in entries:
        text = f"url={entry.url}"
        if entry.seq is not None:
            text += f";seq={entry.seq}"
        if entry.rtptime is not None:
            text += f";rtptime={entry.rtptime}"
        texts.append(text)
    return ",".join(texts)


def _parse_alternative(text: str) -> Transport | None:
    parts = [part.strip() for part in _split(text, ";")]
    protocol = parts[0].upper().split("/")
    if protocol[0] != "RTP" or len(protocol) not in (2, 3) or not protocol[1]:
        return None
    if len(protocol) == 3 and protocol[2] not in ("TCP", "UDP"):
        return None
    unicast, pairs, texts, ssrc = True, dict[str, Pair](), dict[str, str](), None
    for part in parts[1:]:
        name, has_value, value = part.partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name in ("unicast", "multicast") and not has_value:
            unicast = name == "unicast"
        elif name in ("interleaved", "client_port", "server_port"):
            pair = _parse_pair(value, 255 if name == "interleaved" else 65535)
            if pair is None:
                return None
            pairs[name] = pair
        elif name in ("destination", "source", "mode"):
            texts[name] = value
        elif name == "ssrc" and re.fullmatch(r"[0-9A-Fa-f]{1,8}", value):
            ssrc = int(value, 16)
    return Transport(
        tcp=len(protocol) == 3 and protocol[2] == "TCP",
        profile=f"RTP/{protocol[1]}",
        unicast=unicast,
        interleaved=pairs.get("interleaved"),
        client_port=pairs.get("client_port"),
        server_port=pairs.get("server_port"),
        destination=texts.get("destination", ""),
        source=texts.get("source", ""),
        ssrc=ssrc,
        mode=texts.get("mode", ""),
    )


def _parse_pair(text: str, highest: int) -> Pair | None:
    """ "a-b", or "a" alone, which means a-(a+1)."""
    match = re.fullmatch(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?", text)
    if match is None:
        return None
    first = int(match.group(1))
    second = int(match.group(2)) if match.group(2) else first + 1
    return (first, second) if first <= second <= highest else None


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that are not inside double quotes; empty parts are left out, one is always there."""
    parts = [part for part in re.findall(rf'(?:[^{separator}"]|"[^"]*"?)+', text) if part.strip()]
    return parts or [""]
