"""Reads one stream by RTSP: DESCRIBE, and when that does not tell the size, the first packets that do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from proxyd.camera.spec import Codec, NvrAccess, StreamSpec
from proxyd.camera.urls import TLS_PORT, rtsp_url, rtsps_url
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError
from proxyd.nvr.result import FALLBACK_FPS
from proxyd.rtsp.client import RtspClient, UpstreamTimeouts
from proxyd.rtsp.messages import Interleaved
from proxyd.rtsp.upstream import Upstream

from .description import Described, NoUsableVideo, described
from .in_band import shape_in_packet
from .shape import VideoShape

_UNKNOWN_SIZE = (1280, 720)
_KEY_FRAME_S = 12.0  # "smart" codecs send one in ten seconds


@dataclass(frozen=True, slots=True)
class ProbeTimeouts:
    """`packets_s`: how long to wait for the packets that tell the size."""

    rtsp: UpstreamTimeouts = field(default_factory=UpstreamTimeouts)
    packets_s: float = _KEY_FRAME_S


DEFAULT_TIMEOUTS = ProbeTimeouts()


@dataclass(frozen=True, slots=True)
class ReadStream:
    """`warning` is a sentence part about what the stream does not tell, "" when all is known."""

    spec: StreamSpec
    warning: str = ""


async def read_stream(known: StreamSpec, access: NvrAccess, timeouts: ProbeTimeouts = DEFAULT_TIMEOUTS) -> ReadStream:
    """`known` with what its stream says now. Raises UpstreamError; a refused password is sent once."""
    upstream = Upstream(known.upstream_url or "", access, timeouts.rtsp)
    await upstream.open()
    try:
        try:
            facts = described(upstream.media)
        except NoUsableVideo as error:
            raise UpstreamProtocolError(
                f"The stream of {access.host} {error}.", "Choose H.264 for this stream on the device."
            ) from None
        shape = facts.shape or await _shape_in_packets(upstream, facts, timeouts.packets_s)
    finally:
        await upstream.close()
    return _result(known, facts, shape)


async def check_alive(access: NvrAccess, timeout_s: float = 5) -> None:
    """Does its RTSP server answer, with TLS or without? Without credentials, so that no lock-out counter moves. Raises
    UpstreamError."""
    likely = access.port == TLS_PORT
    try:
        await _ask_if_alive(access, timeout_s, tls=likely)
    except _NotThisWay as first:
        try:
            await _ask_if_alive(access, timeout_s, tls=not likely)
        except (UpstreamError, _NotThisWay):
            raise first.error from None


class _NotThisWay(Exception):
    """Somebody listens, and does not answer in this way."""

    def __init__(self, error: UpstreamError) -> None:
        super().__init__(str(error))
        self.error = error


async def _ask_if_alive(access: NvrAccess, timeout_s: float, *, tls: bool) -> None:
    stranger = NvrAccess(access.host, access.port, "", "")
    timeouts = UpstreamTimeouts(connect_s=timeout_s, answer_s=timeout_s, close_s=1)
    client = RtspClient(stranger, access.port, timeouts, on_frames=_ignore, on_lost=_ignore, tls=tls)
    address = rtsps_url if tls else rtsp_url
    try:
        await client.connect()
        await client.request("OPTIONS", address(access.host, access.port, "/"))
    except UpstreamAuthError:
        return  # it answers, and wants to know who asks
    except UpstreamError as error:
        if client.was_connected or isinstance(error, UpstreamProtocolError):
            raise _NotThisWay(error) from None
        raise
    finally:
        await client.close()


async def _shape_in_packets(upstream: Upstream, facts: Described, timeout_s: float) -> VideoShape | None:
    """None when none came in time, or the stream ended before."""
    found: asyncio.Future[VideoShape | None] = asyncio.get_running_loop().create_future()

    def packets_came(frames: list[Interleaved]) -> None:
        for frame in frames:
            if found.done():
                return
            if frame.channel == 2 * facts.track and (shape := shape_in_packet(facts.codec, frame.payload)):
                found.set_result(shape)

    def lost(error: UpstreamError) -> None:
        if not found.done():
            found.set_result(None)

    upstream.on_frames, upstream.on_lost = packets_came, lost
    await upstream.setup(facts.track)
    await upstream.play()
    try:
        async with asyncio.timeout(timeout_s):
            return await found
    except TimeoutError:
        return None


def _result(known: StreamSpec, facts: Described, shape: VideoShape | None) -> ReadStream:
    """What the stream says counts more than what was known, that more than a guess."""
    size = (shape.width, shape.height) if shape else (known.width, known.height)
    warning = ""
    if not all(size):
        size = _UNKNOWN_SIZE
        warning = f"does not tell its size: recorders are told {size[0]}×{size[1]}"
    elif shape is None:
        warning = f"does not tell its size: {size[0]}×{size[1]} stays"
    fps = facts.fps or (shape.fps if shape else None) or known.fps or FALLBACK_FPS
    spec = replace(
        known,
        codec=facts.codec,
        width=size[0],
        height=size[1],
        fps=max(round(fps), 1),
        bitrate_kbps=facts.bitrate_kbps or known.bitrate_kbps,
        codec_profile=shape.profile if shape else _plain_profile(known, facts.codec),
        audio=facts.audio,
    )
    return ReadStream(spec, warning)


def _plain_profile(known: StreamSpec, codec: Codec) -> str:
    return known.codec_profile if known.codec == codec else "Main"


def _ignore(_: object) -> None:
    pass
