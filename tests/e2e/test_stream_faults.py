"""What recorders see when the way of the pictures breaks: where it is possible a gap that ends with a key frame, else
the end of their connection, and a state with words.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from tests.player.play import play, refusal
from tests.player.steady import SteadyRecorder

from .players import ffmpeg_command, gstreamer_command, marks_of, play_to
from .stack import NVR_PASSWORD, Stack, credentials, running_stack, stack_of, wait_for_states

pytestmark = pytest.mark.timeout(600)

_DEADLINE_S = 60
_SETTINGS = "[streams]\nstall_s = 4\nkeep_s = 40\nlinger_s = 0\n"


@pytest.fixture(scope="module")
def product() -> Iterator[Stack]:
    """Four cameras, after the first test; each test leaves the NVR as it was."""
    with stack_of("--channels", "4", settings=_SETTINGS) as stack:
        yield stack


@dataclass
class Scene:
    """The product with its cameras running, and who looks at them."""

    stack: Stack
    client: RpcClient
    cameras: list[m.Camera]
    account: tuple[str, str]
    seen: dict[int, int]  # by camera, the last number in its trace before

    async def happens(self, **command: Any) -> None:
        await self.stack.fault(**command)

    def recorder(self, camera: int = 0, transport: Literal["tcp", "udp"] = "tcp") -> SteadyRecorder:
        return SteadyRecorder(self.cameras[camera].streams[0].url, self.account, transport)

    async def told(self, camera: int = 0) -> list[str]:
        """The refusals and interruptions in the camera's trace of streams, of this test."""
        id_ = self.cameras[camera].id
        trace: list[m.TraceEntry] = await self.client.call("camera.trace", {"id": id_})
        ours = [entry for entry in trace if entry.number > self.seen[id_]]
        return [entry.reason for entry in ours if not entry.ok and entry.protocol == "rtsp"]

    async def until_told(self, words: str, camera: int = 0) -> str:
        async with asyncio.timeout(_DEADLINE_S):
            while not (found := [reason for reason in await self.told(camera) if words in reason]):
                await asyncio.sleep(0.1)
        return found[-1]

    async def at_nvr(self) -> dict[str, Any]:
        """What the simulated NVR counted of its streams."""
        state: dict[str, Any] = (await self.stack.simulator_state())["rtsp"]
        return state

    async def until_at_nvr(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(_DEADLINE_S):
            while not reached(state := await self.at_nvr()):
                await asyncio.sleep(0.1)
        return state


@asynccontextmanager
async def playing(stack: Stack) -> AsyncIterator[Scene]:
    """All cameras run."""
    async with stack.client() as client:
        if not await client.call("nvr.list"):
            await stack.scan(client, await stack.add_nvr(client))
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        seen = {}
        for camera in cameras:
            trace: list[m.TraceEntry] = await client.call("camera.trace", {"id": camera.id})
            seen[camera.id] = max((entry.number for entry in trace), default=0)
        yield Scene(stack, client, cameras, await credentials(client, cameras[0]), seen)


@asynccontextmanager
async def faulty(scene: Scene, *faults: str) -> AsyncIterator[None]:
    """The NVR has these faults inside."""
    await scene.happens(fault=list(faults))
    try:
        yield
    finally:
        await scene.happens(fault=[f"{fault.partition('=')[0]}=off" for fault in faults])


async def test_a_stall_is_a_gap_for_recorders_over_tcp_and_udp(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder() as tcp, scene.recorder(transport="udp") as udp:
        await asyncio.gather(tcp.frames(20), udp.frames(20))
        async with faulty(scene, "rtsp-stall"):
            assert "Meanwhile the session is kept" in await scene.until_told("stalled")
        await asyncio.gather(tcp.resumption(), udp.resumption())
        tcp.assert_unbroken(gaps=1)
        udp.assert_unbroken(gaps=1)


async def test_one_silent_channel_is_the_matter_of_its_recorders_alone(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder(0) as silent, scene.recorder(1) as other:
        await asyncio.gather(silent.frames(20), other.frames(20))
        async with faulty(scene, f"rtsp-silent={scene.cameras[0].channel}"):
            await scene.until_told("stalled")
            await other.frames(20)
        await silent.resumption()
        silent.assert_unbroken(gaps=1)
        other.assert_unbroken(gaps=0)
        assert await scene.told(1) == []


@pytest.mark.parametrize("trouble", ["reset", "close", "half-close", "forget-sessions"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_lost_session_is_a_gap(product: Stack, trouble: str, transport: Literal["tcp", "udp"]) -> None:
    async with playing(product) as scene, scene.recorder(transport=transport) as recorder:
        await recorder.frames(20)
        await scene.happens(media=trouble)
        await recorder.resumption()
        recorder.assert_unbroken(gaps=1)
        await scene.until_at_nvr(lambda state: state["connections"] == state["playing"] == 1)
    await scene.until_at_nvr(lambda state: state["connections"] == state["sessions"] == 0)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("leave", [SteadyRecorder.half_close, SteadyRecorder.abort])
async def test_recorders_that_leave_without_a_word_leave_nothing_behind(
    product: Stack, leave: Callable[[SteadyRecorder], None], transport: Literal["tcp", "udp"]
) -> None:
    async with playing(product) as scene, scene.recorder(1) as other:
        async with scene.recorder(transport=transport) as recorder:
            await asyncio.gather(recorder.frames(20), other.frames(20))
            leave(recorder)
            await recorder.end()
        await scene.until_at_nvr(lambda state: state["connections"] == state["sessions"] == 1)
        other.assert_unbroken()


async def test_an_nvr_that_is_dead_for_a_while_is_a_gap(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder() as recorder:
        await recorder.frames(20)
        assert product.simulator is not None
        product.simulator.process.send_signal(signal.SIGSTOP)
        try:
            await scene.until_told("stalled")
        finally:
            product.simulator.process.send_signal(signal.SIGCONT)
        await recorder.resumption()
        recorder.assert_unbroken(gaps=None, clock=False)  # what it sends on waking has time stamps from before


async def test_an_encoder_that_begins_anew_is_not_seen_by_recorders(product: Stack) -> None:
    """Another SSRC, other numbers and time stamps in mid-stream."""
    async with playing(product) as scene, scene.recorder() as tcp, scene.recorder(transport="udp") as udp:
        await asyncio.gather(tcp.frames(20), udp.frames(20))
        for _ in range(3):
            await scene.happens(media="new-ssrc")
            await asyncio.gather(tcp.frames(60), udp.frames(60))
        tcp.assert_unbroken()
        udp.assert_unbroken()


async def test_another_picture_size_in_mid_stream_reaches_recorders_as_it_comes(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder() as recorder:
        await recorder.frames(20)
        async with faulty(scene, f"rtsp-resized={scene.cameras[0].channel}"):
            await recorder.frames(60)
        await recorder.frames(60)
        recorder.assert_unbroken()


async def test_garbage_between_packets_costs_frames_not_the_session(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder() as recorder:
        await recorder.frames(20)
        for _ in range(3):
            await scene.happens(media="garbage")
            await recorder.frames(60)
        assert not recorder.ended
        assert len(recorder.counter.ssrcs) == 1 and recorder.counter.backwards == 0


async def test_nonces_that_grow_old_are_not_seen_by_recorders(product: Stack) -> None:
    def asked(state: dict[str, Any]) -> int:
        return int(state["requests"].get("GET_PARAMETER", 0))

    async with playing(product) as scene, faulty(scene, "rtsp-timeout=4"), scene.recorder() as recorder:
        await recorder.frames(20)
        for _ in range(2):
            await scene.happens(media="new-nonces")
            wanted = asked(await scene.at_nvr()) + 3  # the one that is refused, the one that is not, and the next
            await scene.until_at_nvr(lambda state, wanted=wanted: asked(state) >= wanted)  # type: ignore[misc]  # bound
            await recorder.frames(20)
        recorder.assert_unbroken()
        assert (await product.simulator_state())["wrong_passwords"] == 0


@pytest.mark.parametrize("refusal_kind", ["wrong", "stale"])
async def test_logins_refused_for_good_end_with_words_and_without_a_loop(product: Stack, refusal_kind: str) -> None:
    async with playing(product) as scene, faulty(scene, "rtsp-timeout=4"):
        try:
            async with scene.recorder() as recorder:
                await recorder.frames(20)
                before = sum((await scene.at_nvr())["requests"].values())
                async with faulty(scene, f"rtsp-refuses={refusal_kind}"):
                    await recorder.end()
                    assert "password" in (await scene.told())[-1]
                    for camera in await wait_for_states(scene.client, m.CameraState.WRONG_PASSWORD):
                        assert "Edit it and enter the right one" in camera.reason
                    assert await refusal(scene.cameras[0].streams[0].url, scene.account) == 503
                    assert sum((await scene.at_nvr())["requests"].values()) - before < 20
        finally:
            (nvr,) = await scene.client.call("nvr.list")
            await scene.client.call("nvr.update", {"id": nvr.id, "password": NVR_PASSWORD})
        await wait_for_states(scene.client, m.CameraState.RUNNING)
        await play(scene.cameras[0].streams[0].url, scene.account, 0, frames=11)


async def test_a_slow_nvr_is_waited_for(product: Stack) -> None:
    async with playing(product) as scene, faulty(scene, "rtsp-slow=0.7"), scene.recorder() as recorder:
        await recorder.frames(20)
        await scene.happens(media="reset")
        await recorder.resumption()
        recorder.assert_unbroken(gaps=1)


@pytest.mark.parametrize("fault", ["rtsp-sessions=1", "rtsp-busy"])
async def test_an_nvr_without_room_for_another_stream_says_so(product: Stack, fault: str) -> None:
    async with playing(product) as scene, scene.recorder(0) as first:
        await first.frames(20)
        async with faulty(scene, fault):
            assert await refusal(scene.cameras[1].streams[0].url, scene.account) in (453, 503)
            assert "Close other viewers" in await scene.until_told("allows no more streams", 1)
            async with scene.recorder(0) as second:  # has the stream of the first
                await second.frames(20)
        await play(scene.cameras[1].streams[0].url, scene.account, 0, frames=11)
        first.assert_unbroken()


async def test_a_lost_stream_waits_for_room_at_the_nvr(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder() as recorder:
        await recorder.frames(20)
        async with faulty(scene, "rtsp-busy"):
            before = (await scene.at_nvr())["requests"].get("SETUP", 0)
            await scene.happens(media="reset")
            await scene.until_at_nvr(lambda state: state["requests"].get("SETUP", 0) >= before + 2)
        await recorder.resumption()
        recorder.assert_unbroken(gaps=1)


async def test_recorders_whose_stream_comes_back_as_another_codec_are_sent_away(product: Stack) -> None:
    async with playing(product) as scene:
        try:
            async with scene.recorder() as recorder:
                await recorder.frames(20)
                await scene.happens(fault="media2-only-h265")
                await scene.happens(media="reset")
                await recorder.end()
                assert "another kind of video" in (await scene.told())[-1]
            played = await play(scene.cameras[0].streams[0].url, scene.account, 0, frames=11)
            assert played.counter.codec == "H265"
        finally:
            await scene.happens(fault="media2-only-h265=off")


async def test_a_restart_of_the_nvr_is_a_gap(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder(0) as one, scene.recorder(1, "udp") as other:
        await asyncio.gather(one.frames(20), other.frames(20))
        await scene.happens(restart=2.0)
        await asyncio.gather(one.resumption(), other.resumption())
        one.assert_unbroken(gaps=1)
        other.assert_unbroken(gaps=1)


@pytest.mark.parametrize("fault", ["udp-delays=20", "udp-repeats=20"])
async def test_datagrams_of_the_nvr_out_of_order_or_twice_are_put_right(product: Stack, fault: str) -> None:
    async with playing(product) as scene, faulty(scene, "rtsp-udp-only", fault), scene.recorder() as recorder:
        await recorder.frames(100)
        recorder.assert_unbroken()


async def test_lost_datagrams_of_the_nvr_are_all_that_recorders_miss(product: Stack) -> None:
    async with playing(product) as scene, faulty(scene, "rtsp-udp-only", "udp-loses=50"), scene.recorder() as recorder:
        await recorder.frames(100)
        counter = recorder.counter
        assert (len(counter.ssrcs), counter.backwards) == (1, 0)
        assert 1 <= counter.lost_packets <= counter.packets / 25
        assert await scene.told() == []


async def test_a_lost_session_of_an_nvr_that_sends_by_udp_is_a_gap(product: Stack) -> None:
    async with playing(product) as scene, faulty(scene, "rtsp-udp-only"), scene.recorder() as recorder:
        await recorder.frames(20)
        await scene.happens(restart=1.0)
        await recorder.resumption()
        recorder.assert_unbroken(gaps=1)


async def test_recorders_with_sessions_of_their_own_each_get_theirs_back(product: Stack) -> None:
    async with playing(product) as scene:
        id_ = scene.cameras[2].id
        await scene.client.call("camera.update", {"id": id_, "share": False})
        try:
            async with scene.recorder(2) as one, scene.recorder(2, "udp") as other:
                await asyncio.gather(one.frames(20), other.frames(20))
                assert (await scene.at_nvr())["playing"] == 2
                await scene.happens(media="reset")
                await asyncio.gather(one.resumption(), other.resumption())
                one.assert_unbroken(gaps=1)
                other.assert_unbroken(gaps=1)
        finally:
            await scene.client.call("camera.update", {"id": id_, "share": True})


@pytest.mark.parametrize("player", [ffmpeg_command, gstreamer_command])
async def test_players_that_are_not_ours_play_through_a_restart(
    product: Stack, player: Any, gstreamer: str, ffprobe: str, tmp_path: Path
) -> None:
    """Each in one go, to the end, without a word of complaint, over TCP and UDP at once."""
    async with playing(product) as scene:
        url, files = scene.cameras[3].streams[0].url, [tmp_path / way for way in ("tcp", "udp")]
        commands = [player(url, scene.account, file.name, file, frames=200) for file in files]
        tasks = [asyncio.create_task(play_to(*one), name="player") for one in zip(files, commands, strict=True)]
        try:
            async with asyncio.timeout(_DEADLINE_S):
                while not all(file.exists() and file.stat().st_size for file in files):
                    await asyncio.sleep(0.1)
            await scene.happens(restart=2.0)
            assert await asyncio.gather(*tasks) == ["", ""]
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)
        for file in files:
            marks = marks_of(file)
            breaks = [two.number for one, two in pairwise(marks) if two.number != one.number + 1]
            assert len(marks) >= 200 and len(breaks) == 1


def media_processes(stack: Stack) -> list[int]:
    """The daemon's children that carry packets."""
    assert stack.daemon is not None
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue  # it has just ended
        if parent == stack.daemon.process.pid and b"proxyd.media" in words:
            found.append(int(folder.name))
    return found


async def test_a_killed_media_process_costs_recorders_a_new_connection_and_nothing_else(product: Stack) -> None:
    async with playing(product) as scene, AsyncExitStack() as recorders:
        tcp = await recorders.enter_async_context(scene.recorder(0))
        udp = await recorders.enter_async_context(scene.recorder(1, "udp"))
        await asyncio.gather(tcp.frames(20), udp.frames(20))
        killed = media_processes(product)
        assert killed
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        await asyncio.gather(tcp.end(), udp.end())
        async with asyncio.timeout(20):
            async with scene.recorder(0) as again, scene.recorder(1, "udp") as again_by_udp:
                await asyncio.gather(again.frames(20), again_by_udp.frames(20))
                again.assert_unbroken()
        assert not set(killed) & set(media_processes(product))
        assert {camera.state for camera in await scene.client.call("camera.list")} == {m.CameraState.RUNNING}
        await scene.until_at_nvr(lambda state: state["connections"] == state["sessions"] == 0)


async def test_a_media_process_that_hangs_is_replaced(product: Stack) -> None:
    async with playing(product) as scene, scene.recorder() as recorder:
        await recorder.frames(20)
        hanging = max(
            media_processes(product), key=lambda pid: len(list(Path(f"/proc/{pid}/fd").iterdir()))
        )  # its sockets
        os.kill(hanging, signal.SIGSTOP)
        await recorder.end()
        async with scene.recorder() as again:
            await again.frames(20)
            again.assert_unbroken()
        assert hanging not in media_processes(product)


async def test_an_nvr_that_stays_away_ends_its_recorders_and_welcomes_them_again() -> None:
    settings = "[streams]\nstall_s = 2\nkeep_s = 2\n[nvr]\ncheck_every_s = 2\n"
    async with running_stack("--channels", "1", settings=settings) as stack, playing(stack) as scene:
        async with scene.recorder() as tcp, scene.recorder(transport="udp") as udp:
            await asyncio.gather(tcp.frames(20), udp.frames(20))
            stack.take_nvr_away()
            await asyncio.gather(tcp.end(), udp.end())
            assert "cannot be reached" in (await scene.told())[-1]
            await wait_for_states(scene.client, m.CameraState.UPSTREAM_UNREACHABLE)
        stack.bring_nvr_back("--channels", "1")
        await wait_for_states(scene.client, m.CameraState.RUNNING)
        await play(scene.cameras[0].streams[0].url, scene.account, 0, frames=11)


async def test_a_reboot_with_64_streams_is_a_gap_for_each_and_no_rush_of_logins() -> None:
    options = ("--channels", "32")
    settings = "[streams]\nstall_s = 5\nkeep_s = 120\n"
    async with running_stack(*options, settings=settings) as stack, playing(stack) as scene:
        async with AsyncExitStack() as open_:
            recorders = []
            for camera in scene.cameras:
                for stream in camera.streams:
                    recorder = SteadyRecorder(stream.url, scene.account)
                    recorders.append(await open_.enter_async_context(recorder))
            assert len(recorders) == 64
            await asyncio.gather(*(recorder.frames(5) for recorder in recorders))
            await scene.happens(restart=3.0)
            await _all(recorder.resumption(deadline_s=120) for recorder in recorders)
            state = await scene.at_nvr()
            assert state["playing"] == 64
            assert 1 <= state["peak_logins"] <= 4
            for recorder in recorders:
                recorder.assert_unbroken(gaps=1)
        await scene.until_at_nvr(lambda state: state["connections"] == state["sessions"] == 0)


async def _all(waiting: Any) -> None:
    tasks: list[Awaitable[None]] = list(waiting)
    await asyncio.gather(*tasks)
