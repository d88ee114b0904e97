"""What the daemon and a media process say to each other: one message per packet of a SOCK_SEQPACKET pair.

Pure. A packet is one JSON object, a zero byte, and raw bytes where the message has any; descriptors travel beside it
(SCM_RIGHTS). Both ends are the same version of the same program, so nothing here is lenient.

A *feed* is one stream of an NVR, an *outlet* is one recorder that gets it. A *leg* is `2 * track` for RTP and
`2 * track + 1` for RTCP. Ids are the daemon's and never used twice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

MAX_PACKET_BYTES = 160 * 1024  # below what the kernel takes as one packet with the default buffers
MAX_DESCRIPTORS = 32  # of one message


@dataclass(frozen=True, slots=True)
class Track:
    """`codec` is "h264", "h265", "jpeg", or "" for what has no key frames; `channels` are those of the NVR's
    connection (RTP, RTCP), and are not used when the track comes by UDP. `clock_hz` is that of its time stamps."""

    channels: tuple[int, int]
    codec: str
    clock_hz: int
    video: bool


@dataclass(frozen=True, slots=True)
class Leg:
    """A track as an outlet has it: `channels` inside the recorder's connection; not used over UDP."""

    track: int
    channels: tuple[int, int] = (0, 0)


# From the daemon ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenFeed:
    """Descriptors: the NVR's connection, or (`udp`) two sockets per track, RTP and RTCP, in the order of `tracks`.
    `data`: what the daemon has read of the connection behind the last whole message. With an id that exists it is the
    same stream, connected again: its outlets stay, sequence numbers and time stamps go on, and it begins with a key
    frame. `cname` replaces the NVR's names in reports."""

    feed: int
    tracks: tuple[Track, ...]
    cname: str
    udp: bool = False
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class CloseFeed:
    """The NVR's sockets are closed; outlets stay and wait. `end`: they are ended too, and the feed is forgotten."""

    feed: int
    end: bool = False


@dataclass(frozen=True, slots=True)
class OpenOutlet:
    """Descriptors: the recorder's connection (nothing of ours may be waiting in it), or (`udp`) two connected sockets
    per leg, RTP and RTCP. Stands still until StartOutlet. With an id that exists: has these legs from now on.
    `keep`: what its feed brings before StartOutlet is not dropped but waits for it (an NVR sends the first key frame
    right behind its answer to PLAY, which the daemon has to pass on first); when the backlog is full the feed is not
    read meanwhile."""

    outlet: int
    feed: int
    legs: tuple[Leg, ...]
    udp: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class WriteOutlet:
    """`data` (an RTSP answer) goes out between two packets, after everything that was written before. TCP only."""

    outlet: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StartOutlet:
    """Packets flow; `at_key`: from the next key frame on (all tracks), or from anywhere if none comes for a while."""

    outlet: int
    at_key: bool


@dataclass(frozen=True, slots=True)
class StopOutlet:
    """PAUSE: no more packets after the one under way."""

    outlet: int


@dataclass(frozen=True, slots=True)
class EndOutlet:
    """What WriteOutlet gave still goes out (within a short time), then the descriptors are closed. OutletEnded
    follows in any case."""

    outlet: int


@dataclass(frozen=True, slots=True)
class AskReady:
    """Are you there? Answered by Ready."""


# From the media process ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """A whole RTSP message of the NVR, at most 64 KiB."""

    feed: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FeedLost:
    """The NVR's sockets are closed, as after CloseFeed. `why`: "closed", "reset", or "garbage" when nothing in it can
    be made out any more."""

    feed: int
    why: str


@dataclass(frozen=True, slots=True)
class OutletEnded:
    """Its descriptors are closed, and Stats with its last figures came before. `why`: "" as asked, "feed" when its feed
    ended, "closed" or "reset" by the recorder, "blocked" when the recorder has read nothing for too long."""

    outlet: int
    why: str


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """A sequence parameter set (H.264, H.265; without start code) that differs from the last one seen."""

    feed: int
    track: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FeedStats:
    """Since the feed was first opened; `silent_ms` since its last RTP packet, or since it was opened. `frames`, key
    frames and `key_interval_ms` (0: unknown) are those of the video; `lost` and `jitter_ms` (RFC 3550 §6.4.1) of its
    packets; `garbage` bytes were between packets; `late` packets came by UDP after their turn. `highest`: per track,
    SSRC and extended highest sequence number, for receiver reports."""

    feed: int
    bytes: int = 0
    packets: int = 0
    frames: int = 0
    key_frames: int = 0
    key_interval_ms: int = 0
    lost: int = 0
    late: int = 0
    jitter_ms: float = 0.0
    garbage: int = 0
    silent_ms: int = 0
    highest: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class OutletStats:
    """`backlog` bytes wait in this process; `skips`: how often it was moved on to the next key frame; `dropped` packets
    it did not get; `heard` packets that came from the recorder by UDP."""

    outlet: int
    bytes: int = 0
    packets: int = 0
    backlog: int = 0
    skips: int = 0
    dropped: int = 0
    heard: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """Once a second, in several messages when there are many."""

    feeds: tuple[FeedStats, ...] = ()
    outlets: tuple[OutletStats, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """The process is up, or was asked whether it is. `pid` is its own."""

    pid: int


Command = OpenFeed | CloseFeed | OpenOutlet | WriteOutlet | StartOutlet | StopOutlet | EndOutlet | AskReady
Event = FeedMessage | FeedLost | OutletEnded | ParameterSet | Stats | Ready
_Message = TypeVar("_Message")


@dataclass(slots=True)
class _Kinds:
    """Name → class of one direction, and what its nested parts are."""

    classes: dict[str, type[Any]] = field(default_factory=dict)
    nested: ClassVar[dict[str, type[Any]]] = {"tracks": Track, "legs": Leg, "feeds": FeedStats, "outlets": OutletStats}


_COMMANDS = _Kinds(
    {
        c.__name__: c
        for c in (OpenFeed, CloseFeed, OpenOutlet, WriteOutlet, StartOutlet, StopOutlet, EndOutlet, AskReady)
    }
)
_EVENTS = _Kinds({c.__name__: c for c in (FeedMessage, FeedLost, OutletEnded, ParameterSet, Stats, Ready)})


def _fields(part: Any) -> dict[str, Any]:
    """Of a message or a part of one; `asdict` copies all values, which costs packets their time."""
    return {name: getattr(part, name) for name in part.__slots__}


_to_json = json.JSONEncoder(separators=(",", ":"), default=_fields).encode


def encode(message: Command | Event) -> bytes:
    """One packet. Raises ValueError when it would be larger than MAX_PACKET_BYTES."""
    document = {"is": type(message).__name__, **_fields(message)}
    raw: bytes = document.pop("data", b"")
    packet = _to_json(document).encode() + b"\0" + raw
    if len(packet) > MAX_PACKET_BYTES:
        raise ValueError(f"a message of {len(packet)} bytes is too large")
    return packet


def decode_command(packet: bytes) -> Command:
    """Raises ValueError when it is none."""
    return _decode(packet, _COMMANDS)  # type: ignore[no-any-return]  # one of the classes above


def decode_event(packet: bytes) -> Event:
    """Raises ValueError when it is none."""
    return _decode(packet, _EVENTS)  # type: ignore[no-any-return]  # one of the classes above


def _decode(packet: bytes, kinds: _Kinds) -> Any:
    head, _, raw = packet.partition(b"\0")
    try:
        document = json.loads(head)
        kind = kinds.classes[document.pop("is")]
        if "data" in kind.__slots__:
            document["data"] = raw
        return kind(**{name: _value(name, value) for name, value in document.items()})
    except (AttributeError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"not a message: {error}") from None


def _value(name: str, value: Any) -> Any:
    if nested := _Kinds.nested.get(name):
        return tuple(nested(**{key: _value(key, part) for key, part in one.items()}) for one in value)
    if isinstance(value, list):
        return tuple(tuple(part) if isinstance(part, list) else part for part in value)
    return value
