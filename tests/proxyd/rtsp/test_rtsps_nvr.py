"""Streams of an NVR through TLS: played like others, and lost, stalled and refused in the same words."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.rtsp.addresses import redirected
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.upstream import Upstream
from proxyd.simulator.faults import Faults
from proxyd.sources.probe import check_alive
from tests.player.watch import watch

from .cameras import (
    AT_ONCE,
    CAMERA_HOST,
    DEADLINE_S,
    NVR_HOST,
    NVR_PASSWORD,
    NVR_USER,
    PASSWORD,
    USER,
    camera,
    recorder,
    running_plane,
    simulated_nvr,
)
from .tls_cameras import from_secure, secure_nvr, tls_recorder, with_tls

ACCESS = NvrAccess(NVR_HOST, 80, NVR_USER, NVR_PASSWORD)


def address(port: int, scheme: str = "rtsps") -> str:
    return f"{scheme}://{NVR_HOST}:{port}/cam/realmonitor?channel=3&subtype=0"


@pytest.mark.parametrize("style", ["relative", "absolute"])
async def test_frames_come_whole_by_each_transport(style: str) -> None:
    async with secure_nvr(control_style=style) as nvr, camera(nvr.port, **from_secure(nvr)) as (_, seen, url):
        results = await asyncio.gather(
            *(
                watch(f"{url}/{name}", username=USER, password=PASSWORD, frames=50, deadline_s=30, transport=way)
                for name in ("main", "sub")
                for way in ("tcp", "udp")
            )
        )
        assert [result.counter.lost_frames for result in results] == [0] * 4
        assert seen.refusals() == []
        assert nvr.requests["PLAY"] == 2
    assert nvr.requests["TEARDOWN"] == 2


async def test_tls_on_both_sides_at_a_high_rate() -> None:
    # It sends in real time: what a busy machine does not carry would be skipped, and rightly.
    fast = {"bitrate_kbps": 20_000}
    async with (
        secure_nvr(**fast) as nvr,
        camera(nvr.port, **with_tls(**from_secure(nvr))) as (server, seen, _),
        tls_recorder(server) as one,
    ):
        url = f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/main"
        await one.start(url)
        await one.until_packets(8_000)
        numbers = [int.from_bytes(packet.payload[2:4], "big") for packet in one.packets if packet.channel == 0]
        assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)} == {1}
        assert seen.refusals() == []


@pytest.mark.parametrize("fault", ["rtsp_reset", "rtsp_stall"])
async def test_a_lost_stream_comes_back_while_the_recorder_stays(fault: str) -> None:
    faults = Faults()
    limits = RtspLimits(linger_s=0, stall_timeout_s=2, reconnect_s=(0.1, 0.5))
    async with (
        secure_nvr(faults=faults) as nvr,
        camera(nvr.port, limits, **from_secure(nvr)) as (server, seen, url),
        recorder(server) as one,
    ):
        await one.start(f"{url}/main")
        await one.until_packets(20)
        setattr(faults, fault, True)
        words = await seen.until_refusal("Meanwhile the session is kept.")
        assert ("stalled" in words) == (fault == "rtsp_stall")
        assert "the connection" in words
        setattr(faults, fault, False)
        await one.until_packets(len(one.packets) + 50)
        async with asyncio.timeout(DEADLINE_S):
            while not any("the stream goes on" in entry["reason"] for entry in seen.trace):
                seen.changed.clear()
                await seen.changed.wait()


async def test_a_restart_of_the_nvr() -> None:
    limits = RtspLimits(linger_s=0, reconnect_s=(0.1, 0.5))
    async with (
        secure_nvr() as nvr,
        camera(nvr.port, limits, **from_secure(nvr)) as (server, seen, url),
        recorder(server) as one,
    ):
        await one.start(f"{url}/main")
        await one.until_packets(20)
        await nvr.stop()
        assert "closed the connection" in await seen.until_refusal("Meanwhile the session is kept.")
        await nvr.start()
        await one.until_packets(len(one.packets) + 50)


async def test_the_wrong_kind_of_address_is_said_in_words() -> None:
    async with secure_nvr() as nvr:
        with pytest.raises(UpstreamError, match="closed the connection"):
            await Upstream(address(nvr.port, "rtsp"), ACCESS).open()
        await check_alive(NvrAccess(NVR_HOST, nvr.port, "", ""))
    async with simulated_nvr() as nvr:
        with pytest.raises(UpstreamProtocolError, match=r"cannot be reached by rtsps \(no TLS: ") as raised:
            await Upstream(address(nvr.port), ACCESS).open()
        assert "begins with rtsp://" in raised.value.hint
        await check_alive(NvrAccess(NVR_HOST, nvr.port, "", ""))
    with pytest.raises(UpstreamUnreachable, match=r"cannot be reached \(Connection refused"):
        await Upstream(address(nvr.port), ACCESS).open()


async def test_media_is_not_asked_for_in_clear() -> None:
    faults = Faults(rtsp_udp_only=True)
    async with secure_nvr(faults=faults) as nvr, camera(nvr.port, **from_secure(nvr)) as (server, seen, url):
        async with recorder(server) as one:
            assert (await one.ask("DESCRIBE", f"{url}/main")).status == 200
            setup = await one.ask("SETUP", f"{url}/main/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
            assert setup.status == 503
        assert "RTP over RTSP" in await seen.until_refusal("SETUP")
    with pytest.raises(ValueError, match="from rtsps"):
        redirected("rtsps://h/x", "rtsp://h/x", "h")


async def test_a_media_process_that_dies_costs_a_reconnect() -> None:
    async with (
        secure_nvr() as nvr,
        running_plane() as plane,
        camera(nvr.port, plane=plane, **with_tls(**from_secure(nvr))) as (server, _seen, _url),
    ):
        for turn in range(2):
            async with tls_recorder(server) as one:
                await one.start(f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/main")
                await one.until_packets(20)
                if turn == 0:
                    plane.kill_all()
                    await one.until_closed()
    assert nvr.requests["TEARDOWN"] == 2, "the NVR gets its session back, too"


def _descriptors(pid: int | str) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_nothing_of_many_sessions_stays() -> None:
    seen: set[tuple[int, int]] = set()
    async with secure_nvr() as nvr, running_plane() as plane:
        (pid,) = plane.pids
        for _ in range(4):
            async with camera(nvr.port, AT_ONCE, plane=plane, **with_tls(**from_secure(nvr))) as (server, *_others):
                for _ in range(5):
                    async with tls_recorder(server) as one:
                        await one.start(f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/main")
                        await one.until_packets(5)
                # In this state each time: what was ended before is gone, because orders are obeyed one after another.
                async with tls_recorder(server) as one:
                    await one.start(f"rtsps://{CAMERA_HOST}:{server.rtsps_port}/sub")
                    await one.until_packets(5)
                    seen.add((_descriptors("self"), _descriptors(pid)))
    assert len(seen) == 1
