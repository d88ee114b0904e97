"""A camera that is known by its stream addresses alone, before and after it is in the store: frozen, pure.

It is a channel like one of an NVR: its `nvrs` row (of kind rtsp) is the host, port and account of its main stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxyd.camera.spec import StreamName, StreamSpec
from proxyd.nvr.result import FALLBACK_FPS, FALLBACK_KBPS, ScannedChannel, ScannedStream

from .address import Address, BadAddress, parse_picture_address, parse_stream_address, same_device


class BadSource(ValueError):
    """`part` is main, sub or snapshot; the text says what is wrong with it and holds no secret."""

    def __init__(self, part: str, words: str) -> None:
        super().__init__(words)
        self.part = part


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody wrote about a stream, kept until the stream itself says better. 0: nothing."""

    width: int = 0
    height: int = 0
    fps: int = 0
    bitrate_kbps: int = 0


@dataclass(frozen=True, slots=True)
class NewSource:
    """One camera to be. `username` "" when the device asks for none."""

    name: str
    main: Address
    sub: Address | None = None
    snapshot: Address | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    stated: tuple[Stated, Stated] = (Stated(), Stated())  # of main and sub

    @property
    def place(self) -> tuple[str, int, str]:
        """Sources with the same are one row of NVRs: host, port, user name."""
        return self.main.host, self.main.port, self.username

    @property
    def key(self) -> str:
        return self.main.key

    def channel(self, number: int, name: str) -> ScannedChannel:
        """As it is stored before its streams were read: without a picture, so that nothing is known of it yet."""
        both: tuple[tuple[StreamName, Address | None], ...] = (("main", self.main), ("sub", self.sub))
        streams = tuple(
            ScannedStream(_unread(stream, address.url, stated), stream)
            for (stream, address), stated in zip(both, self.stated, strict=True)
            if address is not None
        )
        return ScannedChannel(self.key, number, name, False, streams, self.snapshot.url if self.snapshot else None)


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source in the store. `streams` as they were last read, main first; `ignored`: its camera was removed."""

    key: str
    number: int
    name: str
    streams: tuple[ScannedStream, ...]
    snapshot_uri: str | None = field(default=None, repr=False)
    ignored: bool = False


def new_source(
    *,
    main: str,
    sub: str | None = None,
    snapshot: str | None = None,
    username: str | None = None,
    password: str | None = None,
    name: str = "",
    stated: tuple[Stated, Stated] = (Stated(), Stated()),
) -> NewSource:
    """From what was typed. `username` and `password` count more than an account in an address; an account in one
    address serves all. Raises BadSource."""
    first = _read("main", main)
    others = {part: _read(part, text) for part, text in (("sub", sub), ("snapshot", snapshot)) if text}
    account = Address("", first.host, first.port, username, password or "") if username else first
    for part, address in others.items():
        if address.host != first.host:
            raise BadSource(part, f"is on another host ({address.host}) than the main stream ({first.host})")
        if not username and not same_device(account, address):
            raise BadSource(part, "has another account than the main stream; one account serves all of a camera")
        account = account if account.username else address
    return NewSource(name, first, others.get("sub"), others.get("snapshot"), account.username, account.password, stated)


def _read(part: str, text: str) -> Address:
    try:
        return parse_picture_address(text) if part == "snapshot" else parse_stream_address(text)
    except BadAddress as error:
        raise BadSource(part, str(error)) from None


def _unread(name: StreamName, url: str, stated: Stated) -> StreamSpec:
    return StreamSpec(
        name=name,
        codec="H264",
        width=stated.width,
        height=stated.height,
        fps=stated.fps or FALLBACK_FPS,
        bitrate_kbps=stated.bitrate_kbps or FALLBACK_KBPS[name],
        upstream_url=url,
    )
