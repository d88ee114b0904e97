"""Scans of the simulated NVR: every dialect, every fault, and what a refused password costs."""

from __future__ import annotations

import asyncio

import pytest

from proxyd.camera.features import MetadataFeatures
from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.nvr.result import ScannedChannel, ScanProgress, ScanResult
from proxyd.nvr.scan import ScanSettings, check_alive, scan, test
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.faults import Faults

DIALECTS = ("hikvision", "dahua", "uniview", "reolink", "axis", "gsoap")
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)
_read_identity = test  # pytest would collect a function of that name
del test


class Listener:
    """Collects what a scan reports."""

    def __init__(self) -> None:
        self.progress: list[ScanProgress] = []
        self.channels: list[ScannedChannel] = []
        self.first = asyncio.Event()

    def on_channel(self, channel: ScannedChannel) -> None:
        self.channels.append(channel)
        self.first.set()


async def scanned(access: NvrAccess, listener: Listener | None = None, *, call_timeout_s: float = 10) -> ScanResult:
    heard = listener or Listener()
    return await scan(
        access,
        on_progress=heard.progress.append,
        on_channel=heard.on_channel,
        settings=ScanSettings(call_timeout_s=call_timeout_s),
    )


def numbers(result: ScanResult) -> list[int]:
    return [c.number for c in result.channels]


@every_dialect
async def test_sixteen_channels_are_read_right(dialect: str) -> None:
    listener = Listener()
    async with SimulatedNvr(channels=16, dialect=dialect) as nvr:
        result = await scanned(nvr.access, listener)
        layout = nvr.layout
        web_port = nvr.web_port
        assert nvr.wrong_passwords == 0
        assert nvr.peak_parallel <= 3
    assert numbers(result) == list(range(1, 17))
    assert result.complete
    assert result.warnings == ()
    assert result.identity.channels == 16
    assert result.identity.manufacturer
    assert result.identity.clock_offset_s == 0.0
    assert len({c.key for c in result.channels}) == 16
    described = {(p.channel, p.media.name): p for p in layout.profiles}
    for channel in result.channels:
        assert channel.online
        assert [s.spec.name for s in channel.streams] == ["main", "sub"]
        for stream in channel.streams:
            spec = stream.spec
            told = described[channel.number, spec.name]
            assert stream.profile_token == told.token
            assert (spec.codec, spec.width) == (told.media.codec, told.media.width)
            assert (spec.height, spec.fps) == (told.media.height, told.media.fps)
            assert spec.upstream_url == f"rtsp://127.0.0.1:{nvr.rtsp_port}{told.rtsp}"
        main = described[channel.number, "main"]
        assert channel.snapshot_uri == f"http://127.0.0.1:{web_port}{main.snapshot}"
    assert sorted(c.number for c in listener.channels) == list(range(1, 17))
    assert listener.progress[-1].done == listener.progress[-1].total == 16
    assert any("stream address" in p.now for p in listener.progress)
    assert (listener.progress[0].clock_offset_s, listener.progress[-1].clock_offset_s) == (None, 0.0)


@every_dialect
async def test_a_rescan_gives_the_same(dialect: str) -> None:
    async with SimulatedNvr(channels=5, dialect=dialect) as nvr:
        first, second = await scanned(nvr.access), await scanned(nvr.access)
    assert first.channels == second.channels


@every_dialect
async def test_offline_channels_are_kept_as_such(dialect: str) -> None:
    async with SimulatedNvr(channels=6, dialect=dialect, faults=Faults.parse(["offline=3,5"])) as nvr:
        result = await scanned(nvr.access)
        everything = SimulatedNvr(channels=6, dialect=dialect)
    assert numbers(result) == [1, 2, 3, 4, 5, 6]
    assert [c.number for c in result.channels if not c.online] == [3, 5]
    async with everything as nvr:
        online = await scanned(nvr.access)
    assert [c.key for c in online.channels] == [c.key for c in result.channels]


@every_dialect
async def test_gaps_keep_the_numbers(dialect: str) -> None:
    async with SimulatedNvr(channels=8, dialect=dialect, faults=Faults.parse(["gaps=1,4"])) as nvr:
        assert numbers(await scanned(nvr.access)) == [2, 3, 5, 6, 7, 8]


@every_dialect
async def test_h265_that_only_media2_shows_is_found(dialect: str) -> None:
    async with SimulatedNvr(channels=3, dialect=dialect, faults=Faults.parse(["media2-only-h265"])) as nvr:
        result = await scanned(nvr.access)
    for channel in result.channels:
        assert [s.spec.codec for s in channel.streams] == ["H265", "H264"]


@every_dialect
@pytest.mark.parametrize(
    "fault",
    [
        "wrong-xaddr-host",
        "wrong-xaddr-host=2001:db8::77",
        "wrong-xaddr-host=nvr-behind.invalid",
        "clock",
        "get-services-fault",
        "get-capabilities-fault",
        "time-needs-auth",
        "lockout=3",
        "action-required",
        "no-addressing",
        "broken-media2",
        "wrong-xaddr-host clock get-services-fault action-required no-addressing broken-media2 no-snapshot",
    ],
)
async def test_faults_that_a_scan_overcomes(dialect: str, fault: str) -> None:
    async with SimulatedNvr(channels=4, dialect=dialect, faults=Faults.parse(fault.split())) as nvr:
        result = await scanned(nvr.access)
        assert nvr.wrong_passwords == 0
    assert numbers(result) == [1, 2, 3, 4]
    assert all(c.online and "//127.0.0.1" in (c.streams[0].spec.upstream_url or "") for c in result.channels)
    if "clock" in fault:
        assert result.identity.clock_offset_s is not None
        assert result.identity.clock_offset_s < -86400 * 365


@every_dialect
async def test_without_snapshots_one_sentence_says_so(dialect: str) -> None:
    async with SimulatedNvr(channels=4, dialect=dialect, faults=Faults.parse(["no-snapshot"])) as nvr:
        result = await scanned(nvr.access)
    assert result.complete
    assert [c.snapshot_uri for c in result.channels] == [None] * 4
    assert result.warnings == ("The NVR gives no snapshot address.",)


@every_dialect
async def test_a_web_page_instead_of_soap_names_the_next_step(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect, faults=Faults.parse(["html"])) as nvr:
        with pytest.raises(UpstreamProtocolError, match="web page") as caught:
            await scanned(nvr.access)
    assert "enable it" in caught.value.hint


@every_dialect
@pytest.mark.parametrize("fault", ["", "lockout=3", "time-needs-auth", "clock"])
async def test_a_wrong_password_is_tried_twice_at_most(dialect: str, fault: str) -> None:
    async with SimulatedNvr(channels=4, dialect=dialect, faults=Faults.parse([fault] if fault else [])) as nvr:
        wrong = NvrAccess(nvr.host, nvr.port, nvr.username, "not-the-password")
        with pytest.raises(UpstreamAuthError) as caught:
            await scanned(wrong)
        assert 1 <= nvr.wrong_passwords <= 2
        assert nvr.peak_parallel == 1
    assert "not-the-password" not in str(caught.value) + repr(caught.value) + repr(caught.value.__context__)
    assert "user name and password" in caught.value.hint


async def test_a_locked_out_user_is_told_to_wait_or_check() -> None:
    async with SimulatedNvr(channels=2, dialect="dahua", faults=Faults.parse(["lockout=1"])) as nvr:
        with pytest.raises(UpstreamAuthError):
            await scanned(NvrAccess(nvr.host, nvr.port, nvr.username, "wrong"))
        with pytest.raises(UpstreamAuthError) as caught:
            await scanned(nvr.access)
    assert caught.value.hint


async def test_slow_answers_are_asked_three_at_a_time() -> None:
    listener = Listener()
    async with SimulatedNvr(channels=64, dialect="uniview", faults=Faults.parse(["slow=0.03"])) as nvr:
        result = await scanned(nvr.access, listener)
        assert nvr.peak_parallel == 3
    assert len(result.channels) == 64
    assert result.complete
    assert {p.total for p in listener.progress if p.done} == {64}
    assert any(p.now == "channel 3: stream addresses (sub)" for p in listener.progress)


async def test_an_nvr_that_is_typed_as_an_ipv6_address() -> None:
    async with SimulatedNvr(host="::1", channels=2, faults=Faults.parse(["wrong-xaddr-host=10.1.2.3"])) as nvr:
        result = await scanned(nvr.access)
    assert ["//[::1]:" in (c.streams[0].spec.upstream_url or "") for c in result.channels] == [True, True]


async def test_a_multi_sensor_camera_is_split_like_an_nvr() -> None:
    async with SimulatedNvr(channels=4, dialect="axis") as nvr:
        result = await scanned(nvr.access)
    assert numbers(result) == [1, 2, 3, 4]
    sources = [c.features.tokens.video_source for c in result.channels]
    assert len(set(sources)) == len({c.key for c in result.channels}) == 4
    for channel in result.channels:
        assert [s.spec.name for s in channel.streams] == ["main", "sub"]
        others = [s.spec.upstream_url for c in result.channels if c is not channel for s in c.streams]
        assert not {s.spec.upstream_url for s in channel.streams} & set(others)


async def test_a_cancelled_scan_has_told_the_channels_it_read() -> None:
    listener = Listener()
    async with SimulatedNvr(channels=16, dialect="dahua", faults=Faults.parse(["slow=0.02"])) as nvr:
        running = asyncio.create_task(scanned(nvr.access, listener), name="scan under test")
        async with asyncio.timeout(20):
            await listener.first.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert 1 <= len(listener.channels) < 16
    assert all(c.streams[0].spec.upstream_url for c in listener.channels)


async def test_an_nvr_that_goes_away_in_the_middle() -> None:
    listener = Listener()
    async with SimulatedNvr(channels=32, dialect="dahua", faults=Faults.parse(["slow=0.02"])) as nvr:
        running = asyncio.create_task(scanned(nvr.access, listener), name="scan under test")
        async with asyncio.timeout(20):
            await listener.first.wait()
        await nvr.set_fault("down")
        result = await running
    assert 0 < len(result.channels) < 32
    assert not result.complete
    assert any("stopped answering" in w for w in result.warnings)


@every_dialect
async def test_test_tells_identity_and_channels(dialect: str) -> None:
    async with SimulatedNvr(channels=7, dialect=dialect) as nvr:
        identity = await _read_identity(nvr.access)
    assert identity.channels == 7
    assert identity.model


async def test_alive_costs_no_password_attempt() -> None:
    async with SimulatedNvr(channels=2, dialect="hikvision", faults=Faults.parse(["time-needs-auth"])) as nvr:
        await check_alive(NvrAccess(nvr.host, nvr.port, nvr.username, "wrong"))
        await nvr.set_fault("html")
        await check_alive(nvr.access)
        assert nvr.wrong_passwords == 0
        await nvr.set_fault("down")
        with pytest.raises(UpstreamUnreachable):
            await check_alive(nvr.access)


async def test_errors_end_with_the_next_step() -> None:
    async with SimulatedNvr(channels=2, faults=Faults.parse(["down"])) as nvr:
        with pytest.raises(UpstreamError) as caught:
            await _read_identity(nvr.access)
    assert "refuses the connection" in caught.value.message
    assert caught.value.hint.endswith(".")


@every_dialect
async def test_metadata_streams_are_found(dialect: str) -> None:
    faults = Faults(metadata=frozenset({2}))
    async with SimulatedNvr(channels=3, dialect=dialect, faults=faults) as nvr:
        result = await scanned(nvr.access)
    found = [channel.features.metadata for channel in result.channels]
    assert found == [None, MetadataFeatures(analytics=True, ptz_status=True, ptz_position=True), None]


async def test_metadata_streams_of_cameras_with_media2_alone_are_found() -> None:
    faults = Faults(metadata=frozenset({1}), media2_only_h265=True)
    async with SimulatedNvr(channels=1, dialect="hikvision", faults=faults) as nvr:
        result = await scanned(nvr.access)
    assert result.channels[0].features.metadata == MetadataFeatures(True, True, True)
