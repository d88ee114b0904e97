"""Reading an NVR: its identity, its channels and their addresses, with progress and a partial result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.nvr.client import NvrClient
from proxyd.nvr.features import FeatureReader
from proxyd.nvr.grouping import Channel, Grouping, group_profiles, profiles_to_ask, same_picture_warnings
from proxyd.nvr.loudspeaker import LoudspeakerCheck
from proxyd.nvr.media import MediaReader
from proxyd.nvr.profiles import Profile
from proxyd.nvr.refusals import Refusal, unreachable
from proxyd.nvr.result import DeviceIdentity, ScannedChannel, ScanProgress, ScanResult
from proxyd.nvr.scanned import count_channels, scanned_channel, without_snapshot
from proxyd.onvif.namespaces import DEVICE

_MAX_WARNINGS = 50
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """`parallel` calls at once for stream and snapshot addresses; one call, and the whole scan, have a deadline."""

    parallel: int = 3
    call_timeout_s: float = 20
    overall_timeout_s: float = 900


DEFAULT_SETTINGS = ScanSettings()


async def scan(
    access: NvrAccess,
    *,
    on_progress: Callable[[ScanProgress], None],
    on_channel: Callable[[ScannedChannel], None],
    settings: ScanSettings = DEFAULT_SETTINGS,
) -> ScanResult:
    """Read everything. `on_channel` is called once per channel, when its addresses are read.

    Raises UpstreamError; nothing is retried after a refused password.
    """
    async with NvrClient(access, call_timeout_s=settings.call_timeout_s, parallel=settings.parallel) as client:
        run = _Scan(client, settings, on_progress, on_channel)
        try:
            async with asyncio.timeout(settings.overall_timeout_s):
                await run.read()
        except (TimeoutError, UpstreamUnreachable) as error:
            if isinstance(error, UpstreamUnreachable):
                stopped = error
            else:
                stopped = unreachable(
                    client.where,
                    f"was not read within {settings.overall_timeout_s:g} s",
                    "It answers very slowly: restart it, or scan when fewer people watch.",
                )
            if not run.scanned:
                raise stopped from None
            run.warn(f"Some channels were not read: {stopped.message}")
        return run.result()


async def test(access: NvrAccess, timeout_s: float = 15) -> DeviceIdentity:
    """Check reach, clock, password and number of channels. Raises UpstreamError in words."""
    async with NvrClient(access, call_timeout_s=timeout_s, parallel=1) as client:
        try:
            async with asyncio.timeout(timeout_s):
                await client.connect()
                profiles = await MediaReader(client).read_profiles()
        except TimeoutError:
            raise unreachable(
                client.where,
                f"gave no complete answer within {timeout_s:g} s",
                "It may be busy or restarting: try again in a minute. Is this the port of its ONVIF service?",
            ) from None
        return replace(client.identity, channels=count_channels(profiles))


async def check_alive(access: NvrAccess, timeout_s: float = 5) -> None:
    """Does it answer at all? Without credentials, so that no lock-out counter moves. Raises UpstreamUnreachable."""
    async with NvrClient(access, call_timeout_s=timeout_s, parallel=1) as client:
        try:
            await client.invoke(DEVICE, "GetSystemDateAndTime", {}, "tell its time", with_token=False)
        except (Refusal, UpstreamProtocolError):
            return  # it answers; whether it is pleased is not the question


class _Scan:
    """One run: owned by `scan`, holds what was read so far."""

    def __init__(
        self,
        client: NvrClient,
        settings: ScanSettings,
        on_progress: Callable[[ScanProgress], None],
        on_channel: Callable[[ScannedChannel], None],
    ) -> None:
        self._client = client
        self._media = MediaReader(client)
        self._features = FeatureReader(client)
        self._loudspeakers = LoudspeakerCheck(client.access)
        self._settings = settings
        self._on_progress = on_progress
        self._on_channel = on_channel
        self._uris: dict[str, str] = {}  # profile token → stream address
        self._without_uri: dict[str, str] = {}  # profile token → what the NVR said instead of its address
        self._grouping = Grouping(())
        self._failed_in_row = 0
        self._complete = True
        self._warnings: list[str] = []
        self.scanned: dict[str, ScannedChannel] = {}

    async def read(self) -> None:
        self._tell("connecting")
        await self._client.connect()
        self._tell("list of streams")
        profiles = await self._media.read_profiles()
        asked = profiles_to_ask(profiles)
        if asked:
            await self._read_uris_first(asked)
        self._grouping = group_profiles(profiles, self._uris)
        self._tell(f"{len(self._grouping.channels)} channels found")
        await self._features.begin(len(self._grouping.channels))
        await self._in_parallel(self._grouping.channels, self._read_channel)
        same = same_picture_warnings(self._grouping.channels, self._uris)
        for sentence in (*self._grouping.warnings, *same, *self._features.warnings):
            self.warn(sentence)
        if without := without_snapshot(self.scanned.values()):
            self.warn(without)

    def result(self) -> ScanResult:
        channels = tuple(sorted(self.scanned.values(), key=lambda c: c.number))
        return ScanResult(
            identity=replace(self._client.identity, channels=len(self._grouping.channels)),
            channels=channels,
            complete=self._complete and len(channels) == len(self._grouping.channels),
            warnings=tuple([*self._client.warnings, *self._media.warnings, *self._warnings][:_MAX_WARNINGS]),
        )

    def warn(self, sentence: str) -> None:
        self._warnings.append(sentence)

    def _tell(self, now: str) -> None:
        total = len(self._grouping.channels) or None
        self._on_progress(ScanProgress(len(self.scanned), total, now, self._client.identity.clock_offset_s))

    async def _in_parallel(self, items: Sequence[_Item], read: Callable[[_Item], Awaitable[None]]) -> None:
        """`read` each item, `parallel` at a time; the first UpstreamError that comes through stops the rest."""
        waiting = iter(items)

        async def work() -> None:
            for item in waiting:
                await read(item)

        try:
            async with asyncio.TaskGroup() as group:
                for worker in range(min(self._settings.parallel, len(items))):
                    group.create_task(work(), name=f"scan {self._client.where} worker {worker + 1}")
        except* UpstreamError as errors:
            raise first_leaf(errors) from None

    async def _read_uris_first(self, profiles: Sequence[Profile]) -> None:
        """Addresses that decide which streams are one channel, or which number it has."""
        done = 0

        async def read(profile: Profile) -> None:
            nonlocal done
            try:
                await self._read_uri(profile)
            except UpstreamUnreachable:
                if profile.has_picture:  # some NVRs hang when asked for a channel without a camera
                    self._count_failure()
            done += 1
            self._tell(f"stream addresses, to tell the channels apart ({done} of {len(profiles)})")

        await self._in_parallel(profiles, read)

    async def _read_channel(self, channel: Channel) -> None:
        try:
            await self._read_addresses(channel)
        except UpstreamUnreachable as error:
            # One slow channel is no reason to lose the others, and what is known of it elsewhere stays as it is.
            self._complete = False
            self.warn(f"Channel {channel.number} was not read: {error.message}")
            self._count_failure()

    async def _read_addresses(self, channel: Channel) -> None:
        for profile, name in zip(channel.streams, ("main", "sub"), strict=False):
            if profile.token not in self._uris and profile.token not in self._without_uri:
                self._tell(f"channel {channel.number}: stream addresses ({name})")
                await self._read_uri(profile)
        snapshot = None
        if channel.main is not None and channel.main.token in self._uris:
            self._tell(f"channel {channel.number}: snapshot address")
            snapshot = await self._media.snapshot_uri(channel.main)
        features = await self._features.features_of(channel)
        url = self._uris.get(channel.main.token) if channel.main is not None else None
        if features.speaker and url is not None and await self._loudspeakers.denies(url):
            features = replace(features, speaker=False)
        scanned = scanned_channel(channel, self._uris, snapshot, features)
        if silent := [s.spec.name for s in scanned.streams if s.spec.upstream_url is None]:
            self._complete = False
            said = next((self._without_uri[p.token] for p in channel.streams if p.token in self._without_uri), "")
            words = f"Channel {channel.number}: the NVR gives no address for its {' and '.join(silent)} stream. {said}"
            self.warn(words.strip())
        self.scanned[channel.key] = scanned
        self._on_channel(scanned)
        self._tell(f"channel {channel.number}: read")

    async def _read_uri(self, profile: Profile) -> None:
        """Raises UpstreamUnreachable and UpstreamAuthError; a definite refusal is remembered instead."""
        try:
            self._uris[profile.token] = await self._media.stream_uri(profile)
        except UpstreamProtocolError as error:
            self._without_uri[profile.token] = error.message
        self._failed_in_row = 0

    def _count_failure(self) -> None:
        """An NVR that stopped answering would cost a deadline per call: give up when it is clear."""
        self._failed_in_row += 1
        if self._failed_in_row >= 2 * self._settings.parallel:
            raise unreachable(
                self._client.where, "stopped answering during the scan", "It may be restarting: scan again in a minute."
            )


def first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group; a refused password before all others."""
    leaves = [first_leaf(e) if isinstance(e, BaseExceptionGroup) else e for e in group.exceptions]
    return next((e for e in leaves if isinstance(e, UpstreamAuthError)), leaves[0])
