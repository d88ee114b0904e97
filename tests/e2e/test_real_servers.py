"""Cameras whose pictures come from a server that is not ours: gst-rtsp-server, read by typed address."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from proxyd.api import models as m
from proxyd.api.client import RpcClient

from .conftest import ROOT
from .gst_server import FPS, MEDIA, SIZE, media_files
from .stack import credentials, running_stack, wait_for_job, wait_for_states

pytestmark = pytest.mark.timeout(600)

_USER, _PASSWORD = "viewer", "G5t-s3cret-Pass"
_SOUND = {"h264-aac": "aac", "h265-pcmu": "pcm_mulaw"}
_PICTURE = {"h264-aac": ("H264", "h264"), "h265-pcmu": ("H265", "hevc"), "mjpeg": ("JPEG", "mjpeg")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, gstreamer: str) -> Iterator[str]:
    """host:port of one that plays all of MEDIA."""
    folder = tmp_path_factory.mktemp("media")
    media_files(folder)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.gst_server", "127.0.0.1", _USER, _PASSWORD, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdout is not None
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


async def cameras_of(client: RpcClient, server: str) -> dict[str, m.Camera]:
    """One of each of its addresses, running."""
    for name in MEDIA:
        typed = {"main": f"rtsp://{_USER}:{_PASSWORD}@{server}/{name}", "name": name}
        added: m.Source = await client.call("source.add", typed)
        nvr: m.Nvr = await client.call("nvr.get", {"id": added.nvr})
        if nvr.job is not None:
            await wait_for_job(client, nvr.job)
    return {camera.name: camera for camera in await wait_for_states(client, m.CameraState.RUNNING)}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_ffprobe_plays_what_a_real_server_sends(server: str, transport: str, ffprobe: str) -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        cameras = await cameras_of(client, server)
        assert set(cameras) == set(MEDIA)

        async def probe(name: str) -> None:
            (stream,) = cameras[name].streams
            assert (stream.codec, stream.width, stream.height) == (_PICTURE[name][0], *SIZE)
            user, password = await credentials(client, cameras[name])
            url = stream.url.replace("rtsp://", f"rtsp://{user}:{password}@")
            found = {one["codec_type"]: one for one in await asyncio.to_thread(_probe, ffprobe, transport, url)}
            assert found["video"]["codec_name"] == _PICTURE[name][1]
            assert (found["video"]["width"], found["video"]["height"]) == SIZE
            assert int(found["video"]["nb_read_frames"]) >= 3 * FPS
            sound = _SOUND.get(name)
            assert [found["audio"]["codec_name"]] == [sound] if sound else "audio" not in found
            assert sound is None or int(found["audio"]["nb_read_frames"]) > 10

        await asyncio.gather(*(probe(name) for name in MEDIA))


async def test_snapshots_are_made_of_what_a_real_server_sends(server: str) -> None:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc=size={SIZE[0]}x{SIZE[1]}", "-frames:v", "1"]
    drawn = subprocess.run(
        [*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True, timeout=60
    )
    wanted = Image.frombytes("RGB", SIZE, drawn.stdout)
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        for camera in (await cameras_of(client, server)).values():
            picture: m.Picture = await client.call("camera.snapshot", {"id": camera.id})
            shown: m.Camera = await client.call("camera.get", {"id": camera.id})
            assert shown.picture == "from a key frame of the main stream", camera.name
            image = Image.open(io.BytesIO(base64.b64decode(picture.data))).convert("RGB")
            assert image.size == SIZE and not picture.fallback
            # A number and a stripe of it change with time.
            assert sum(ImageStat.Stat(ImageChops.difference(image, wanted)).mean) / 3 < 30, camera.name


def _probe(ffprobe: str, transport: str, url: str) -> list[dict[str, Any]]:
    """The tracks, with the frames that came in four seconds."""
    options = ["-v", "error", "-rtsp_transport", transport, "-of", "json", "-show_streams", "-count_frames"]
    options += ["-read_intervals", "%+4", "-i", url]
    done = subprocess.run([ffprobe, *options], capture_output=True, text=True, check=True, timeout=120)
    assert "error" not in done.stderr.lower(), done.stderr
    streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return streams
