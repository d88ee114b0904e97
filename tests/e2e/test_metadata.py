"""The metadata stream from outside: what happens before a channel reaches its recorders beside the video, objects of
the NVR pass, and nothing of the NVR is in it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxyd.api import models as m
from proxyd.rtsp.metadata_rtp import Reassembler
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.layout import lay_out
from tests.player.client import RtspClient

from .players import FRAMES, ffmpeg_command, marks_of, play_to
from .stack import NVR_USER, running_stack
from .test_nvr_events import prepared, standing

pytestmark = pytest.mark.timeout(300)

_TCP = "RTP/AVP/TCP;unicast;interleaved={}-{}"


class Recorder:
    """Plays the video of a camera and its metadata in one connection, or the metadata alone."""

    def __init__(self, camera: m.Camera, secret: tuple[str, str]) -> None:
        self.url = camera.streams[0].url or ""
        self.documents: list[bytes] = []
        self.packets: Counter[int] = Counter()
        self._reassembler = Reassembler()
        self._client = RtspClient(*secret, self._packet)

    async def play(self, *, video: bool) -> None:
        where = urlsplit(self.url)
        await self._client.connect(where.hostname or "", where.port or 554)
        await self._client.request("DESCRIBE", self.url, Accept="application/sdp")
        session: dict[str, str] = {}
        if video:
            answer = await self._client.request("SETUP", f"{self.url}/trackID=0", Transport=_TCP.format(0, 1))
            session["Session"] = (answer.headers.get("Session") or "").partition(";")[0]
        track = f"{self.url}/trackID={METADATA_TRACK}"
        answer = await self._client.request("SETUP", track, Transport=_TCP.format(2, 3), **session)
        session["Session"] = (answer.headers.get("Session") or "").partition(";")[0]
        await self._client.request("PLAY", self.url, **session)

    async def hear(self, wanted: Callable[[bytes], object]) -> bytes:
        """The first document like that; older ones are forgotten."""
        async with asyncio.timeout(30):
            while True:
                while self.documents:
                    document = self.documents.pop(0)
                    if wanted(document):
                        return document
                await self._client.receive()

    async def close(self) -> None:
        await self._client.close()

    @property
    def received(self) -> bytes:
        return bytes(self._client.received)

    def _packet(self, channel: int, payload: bytes) -> None:
        self.packets[channel] += 1
        if channel == 2 and (document := self._reassembler.take(payload)):
            self.documents.append(document)


def _moves(document: bytes) -> bool:
    return b"MotionAlarm<" in document and b'"Changed"' in document and b'Value="true"' in document


@pytest.mark.parametrize("dialect", ["hikvision", "dahua", "gsoap"])
async def test_motion_and_objects_come_beside_the_video_and_nothing_names_the_nvr(dialect: str) -> None:
    options = ("--channels", "3", "--dialect", dialect, "--fault", "metadata=2,3")
    async with running_stack(*options) as stack, stack.client() as client:
        nvr, cameras, secret = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        recorders = [Recorder(camera, secret) for camera in cameras]
        await asyncio.gather(*(one.play(video=number != 2) for number, one in enumerate(recorders)))
        for one in recorders:
            first = await one.hear(lambda document: b'"Initialized"' in document)
            assert first.count(b"NotificationMessage>") >= 4
        began = time.monotonic()
        await stack.fault(event={"channel": 2, "kind": "motion"})
        await recorders[1].hear(_moves)
        took_s = time.monotonic() - began
        assert took_s < 1
        for one in recorders[1:]:
            await one.hear(lambda document: b"BoundingBox" in document)
        assert recorders[1].packets[0] > 0 and recorders[2].packets[0] == 0
        assert not any(_moves(document) for one in (recorders[0], recorders[2]) for document in one.documents)
        await asyncio.gather(*(one.close() for one in recorders))
        names = {stack.nvr_address, NVR_USER, "AnalyticsEngine", "crops", "spaces/pan", "VideoSrc"}
        for profile in lay_out(DIALECTS[dialect], 3).profiles:
            names |= {name for name in (profile.token, profile.source, profile.source_config) if len(name) > 3}
        for one in recorders:
            said = one.received
            assert len(said) > 1000
            assert [name for name in names if re.search(rb"\b" + re.escape(name.encode()) + rb"\b", said)] == []
        async with asyncio.timeout(30):
            while (await stack.simulator_state())["rtsp"]["sessions"]:  # nobody wants them any more
                await asyncio.sleep(0.05)


async def test_ffprobe_sees_a_data_stream_and_the_video_is_whole(ffprobe: str, tmp_path: Path) -> None:
    options = ("--channels", "1", "--fault", "metadata=1")
    async with running_stack(*options) as stack, stack.client() as client:
        _, cameras, secret = await prepared(stack, client)
        url = cameras[0].streams[0].url or ""
        at = url.replace("://", f"://{secret[0]}:{secret[1]}@")
        probe = await asyncio.create_subprocess_exec(
            *(ffprobe, "-v", "error", "-rtsp_transport", "tcp", "-show_streams", "-of", "json", at),
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            told = json.loads((await probe.communicate())[0])
        assert [stream["codec_type"] for stream in told["streams"]] == ["video", "data"]
        file = tmp_path / "video.h264"
        await play_to(file, ffmpeg_command(url, secret, "tcp", file))
        numbers = [mark.number for mark in marks_of(file)]
        assert len(numbers) >= FRAMES and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        data = tmp_path / "metadata"
        await play_to(
            data,
            [
                *("ffmpeg", "-v", "warning", "-rtsp_transport", "tcp", "-i", at, "-map", "0:d", "-c", "copy"),
                *("-frames:d", "8", "-flush_packets", "1", "-f", "data", str(data)),
            ],
        )
        assert b"MetadataStream" in data.read_bytes()
