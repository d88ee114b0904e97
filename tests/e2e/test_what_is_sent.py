"""What is seen of streams from outside: rates and clients, a page for Prometheus, and a stream that is not what the NVR
said of it."""

from __future__ import annotations

import asyncio

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.api.streams import StreamStatus
from tests.player.play import play

from .stack import Stack, credentials, running_stack, wait_for_states

DEADLINE_S = 60


async def main_stream(client: RpcClient, camera: m.Camera) -> StreamStatus:
    streams: list[StreamStatus] = await client.call("camera.streams", {"id": camera.id})
    return streams[0]


async def metrics(stack: Stack) -> dict[tuple[str, str], float]:
    """Name and labels → value."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(stack.socket))) as session,
        session.get("http://proxyd/metrics") as response,
    ):
        assert response.status == 200
        families = text_string_to_metric_families(await response.text())
        return {(one.name, ",".join(one.labels.values())): one.value for family in families for one in family.samples}


async def noted(client: RpcClient, camera: m.Camera, words: str) -> m.Camera:
    """The camera, as soon as its note says this ("": nothing)."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            now: m.Camera = await client.call("camera.get", {"id": camera.id})
            if words in now.note and (words or not now.note):
                return now
            await asyncio.sleep(0.1)


async def kept_in_history(client: RpcClient, camera: m.Camera) -> None:
    """What passed stands in the last steps, as fast as it did, for this camera and for all together."""
    bits = (await main_stream(client, camera)).bytes_total * 8
    async with asyncio.timeout(DEADLINE_S):
        while True:
            history = await client.call("camera.history", {"id": camera.id})
            main, sub = history.streams
            if sum(main.bps) * history.step_s >= bits / 2:
                break
            await asyncio.sleep(0.1)
    # What is kept is a speed; on a busy machine steps differ in length.
    assert sum(main.bps) * history.step_s <= bits * 2
    assert max(main.fps) > 5 and not any(sub.bps)
    assert any((await client.call("history")).bps)


async def test_a_stream_that_plays_is_seen_and_one_that_became_another_is_warned_of() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        secret = await credentials(client, camera)
        assert (await main_stream(client, camera)).state == "idle"

        watching = asyncio.create_task(play(camera.streams[0].url, secret, 0, frames=150), name="a recorder")
        async with asyncio.timeout(DEADLINE_S):
            while not ((seen := await main_stream(client, camera)).clients and seen.fps and seen.bytes_total):
                await asyncio.sleep(0.1)
        assert seen.state == "running" and seen.sent is not None
        assert (seen.sent.codec, seen.sent.width, seen.sent.height) == ("H264", 1280, 720)
        assert (seen.mismatch, seen.lost, seen.reconnects) == (False, 0, 0)
        assert seen.clients[0].transport == "TCP"
        page = await metrics(stack)
        assert page["onviftui_stream_clients", f"{camera.id},main"] == 1
        assert page["onviftui_stream_bytes_total", f"{camera.id},main"] >= seen.bytes_total
        assert page["onviftui_camera_up", str(camera.id)] == page["onviftui_nvr_up", str(nvr.id)] == 1
        await watching
        await noted(client, camera, "")
        await kept_in_history(client, camera)

        await stack.fault(fault="media2-only-h265")  # its main streams are H.265 from now on
        async with asyncio.timeout(DEADLINE_S):
            while (await main_stream(client, camera)).state != "idle":  # the stream goes on for a moment
                await asyncio.sleep(0.1)
        await play(camera.streams[0].url, secret, 0, frames=10)
        warned = await noted(client, camera, "Garage says 1280×720 H.264 for the main stream, it sends 1280×720 H.265")
        assert "Scan Garage again" in warned.note
        assert (await main_stream(client, camera)).mismatch
        assert (await metrics(stack))["onviftui_stream_mismatch", f"{camera.id},main"] == 1

        await stack.scan(client, nvr)
        now = await noted(client, camera, "")
        assert (now.uuid, now.streams[0].url, now.streams[0].codec) == (camera.uuid, camera.streams[0].url, "H265")
