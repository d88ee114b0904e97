"""Reading all sources of one host and account, with progress and a partial result, as `nvr.scan` does for NVRs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from proxyd.camera.features import ChannelFeatures
from proxyd.camera.spec import SPOKEN_CODEC, NvrAccess, StreamSpec
from proxyd.errors import NotFound, UpstreamAuthError, UpstreamError
from proxyd.nvr.loudspeaker import takes_sound
from proxyd.nvr.result import DeviceIdentity, ScannedChannel, ScannedStream, ScanProgress, ScanResult
from proxyd.nvr.scan import first_leaf

from .probe import DEFAULT_TIMEOUTS, ProbeTimeouts, read_stream
from .source import KnownSource

_PARALLEL = 3
_MAX_WARNINGS = 50
MODEL = "RTSP streams"


async def read_sources(
    access: NvrAccess,
    sources: Sequence[KnownSource],
    *,
    on_progress: Callable[[ScanProgress], None],
    on_channel: Callable[[ScannedChannel], None],
    timeouts: ProbeTimeouts = DEFAULT_TIMEOUTS,
    parallel: int = _PARALLEL,
) -> ScanResult:
    """Read every stream once. A source that cannot be read is offline and keeps what is known of it; the result is
    never complete, since the list is the user's and nothing can be missing from it.

    Raises UpstreamAuthError at the first refused password, UpstreamError when no source could be read."""
    run = _Run(access, sources, on_progress, on_channel, timeouts)
    if not sources:
        raise NotFound("No camera is left at this address.", "Remove it, or scan with --restore.")
    waiting = iter(sources)
    for source in waiting:
        # One at a time until the account is proven: three wrong passwords at once could lock it.
        await run.read(source)
        if run.proven:
            break

    async def work() -> None:
        for source in waiting:
            await run.read(source)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(parallel if run.proven else 0):
                group.create_task(work(), name=f"read sources of {access.host}, worker {number + 1}")
    except* UpstreamError as errors:
        raise first_leaf(errors) from None
    return run.result()


async def probe_source(access: NvrAccess, source: KnownSource, timeouts: ProbeTimeouts = DEFAULT_TIMEOUTS) -> str:
    """What its streams are, in words ("main H264 1920×1080, sub H264 640×360"). Raises UpstreamError."""
    parts = []
    for stream in source.streams:
        if stream.spec.upstream_url is not None:
            spec = (await read_stream(stream.spec, access, timeouts)).spec
            parts.append(f"{spec.name} {SPOKEN_CODEC[spec.codec]} {spec.width}×{spec.height}, {spec.fps} fps")
    return "; ".join(parts)


class _Run:
    """One run: owned by `read_sources`, holds what was read so far."""

    def __init__(
        self,
        access: NvrAccess,
        sources: Sequence[KnownSource],
        on_progress: Callable[[ScanProgress], None],
        on_channel: Callable[[ScannedChannel], None],
        timeouts: ProbeTimeouts,
    ) -> None:
        self._access = access
        self._total = len(sources)
        self._on_progress = on_progress
        self._on_channel = on_channel
        self._timeouts = timeouts
        self._channels: list[ScannedChannel] = []
        self._warnings: list[str] = []
        self._first_error: UpstreamError | None = None
        self.proven = False  # a stream was read with the account

    async def read(self, source: KnownSource) -> None:
        """Raises UpstreamAuthError; other trouble is kept."""
        self._on_progress(ScanProgress(len(self._channels), self._total, f"{source.name}: streams"))
        offered = [stream for stream in source.streams if stream.spec.upstream_url is not None]
        streams = [read for stream in offered if (read := await self._read_stream(source, stream))]
        self.proven = self.proven or bool(streams)
        main = next((stream.spec for stream in streams if stream.spec.name == "main"), None)
        channel = ScannedChannel(
            source.key,
            source.number,
            source.name,
            main is not None,
            tuple(streams) if main is not None else (),
            source.snapshot_uri,
            ChannelFeatures(speaker=main is not None and await self._takes_sound(main)),
        )
        self._channels.append(channel)
        self._on_channel(channel)
        self._on_progress(ScanProgress(len(self._channels), self._total, f"{source.name}: read"))

    async def _read_stream(self, source: KnownSource, stream: ScannedStream) -> ScannedStream | None:
        which = f"{source.name}, {stream.spec.name} stream"
        try:
            read = await read_stream(stream.spec, self._access, self._timeouts)
        except UpstreamAuthError:
            raise
        except UpstreamError as error:
            self._first_error = self._first_error or error
            self._warnings.append(f"{which}: {error.message}")
            return None
        if read.warning:
            self._warnings.append(f"{which} {read.warning}.")
        return ScannedStream(read.spec, stream.profile_token)

    async def _takes_sound(self, stream: StreamSpec) -> bool:
        try:
            return await takes_sound(stream.upstream_url or "", self._access, self._timeouts.rtsp)
        except UpstreamError:
            return False  # it was read a moment ago: one that ends the connection over this knows nothing of it

    def result(self) -> ScanResult:
        if self._first_error is not None and not any(channel.online for channel in self._channels):
            raise self._first_error
        return ScanResult(
            DeviceIdentity(model=MODEL, channels=self._total),
            tuple(sorted(self._channels, key=lambda channel: channel.number)),
            complete=False,
            warnings=tuple(self._warnings[:_MAX_WARNINGS]),
        )
