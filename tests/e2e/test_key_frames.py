"""Snapshots of an NVR that gives none, through the whole product: seen by a recorder, told to the operator."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import aiohttp
import pytest
from PIL import Image, ImageChops, ImageStat

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.simulator.pictures import draw_channel
from proxyd.snapshot.fallback import MARK

from .stack import Stack, credentials, running_stack, wait_for_states

CHANNELS = 8


async def taken(camera: m.Camera, secret: tuple[str, str]) -> bytes:
    assert camera.snapshot_url is not None
    digest = aiohttp.DigestAuthMiddleware(*secret)
    async with aiohttp.ClientSession(middlewares=(digest,)) as session, session.get(camera.snapshot_url) as answer:
        assert (answer.status, answer.content_type) == (200, "image/jpeg")
        return await answer.read()


def shown_channel(data: bytes, size: tuple[int, int]) -> int:
    """Whose picture this is; the likeness to the others is always far less."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    assert image.size == size and MARK not in data

    def difference(channel: int) -> float:
        drawn = draw_channel(channel, f"main {size[0]}x{size[1]}", *size)
        return sum(ImageStat.Stat(ImageChops.difference(image, drawn)).mean)

    return min(range(1, CHANNELS + 1), key=difference)


@pytest.mark.parametrize("options", [(), ("--fault", "media2-only-h265")])
async def test_every_recorder_gets_a_picture_of_its_channel(options: tuple[str, ...]) -> None:
    async with (
        running_stack("--channels", str(CHANNELS), "--fault", "no-snapshot", *options) as stack,
        stack.client() as client,
    ):
        await stack.scan(client, await stack.add_nvr(client))
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        secret = await credentials(client, cameras[0])
        pictures = await asyncio.gather(*(taken(camera, secret) for camera in cameras))
        for camera, picture in zip(cameras, pictures, strict=True):
            main = camera.streams[0]
            assert shown_channel(picture, (main.width, main.height)) == camera.channel
            assert main.codec == ("H265" if options else "H264")
        for _ in range(3):
            await asyncio.gather(*(taken(camera, secret) for camera in cameras))
        assert (await logins(stack)) <= CHANNELS
        assert await told(client, cameras[0]) == "from a key frame of the main stream"
        (decoder,) = decoders(stack)
        assert decoder.count(b"\0") == 4, "no arguments, no secret"


async def logins(stack: Stack) -> int:
    return int((await stack.simulator_state())["rtsp"]["requests"]["PLAY"])


async def told(client: RpcClient, camera: m.Camera) -> str:
    found: m.Camera = await client.call("camera.get", {"id": camera.id})
    return found.picture


def decoders(stack: Stack) -> list[bytes]:
    """The command lines of the daemon's decoders."""
    assert stack.daemon is not None
    pid = stack.daemon.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    return [line for line in lines if b"proxyd.snapshot.decoder" in line]
