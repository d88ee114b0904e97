"""Streams by TLS in the whole product: an NVR that serves nothing else, players that are not ours, cameras with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient

from .players import FRAMES, ffmpeg_command, gstreamer_command, marks_of, play_to
from .stack import NVR_PASSWORD, NVR_USER, credentials, running_stack, wait_for_states

pytestmark = pytest.mark.timeout(300)


async def _by_tls(client: RpcClient, camera: m.Camera) -> m.Camera:
    """The camera, once it tells of streams by TLS."""
    async with asyncio.timeout(60):
        while True:
            (found,) = [one for one in await client.call("camera.list") if one.id == camera.id]
            if all(stream.rtsps_url for stream in found.streams):
                return found  # type: ignore[no-any-return]  # the client's answers are not typed by method
            await asyncio.sleep(0.1)


async def test_an_nvr_with_tls_alone_is_played_with_and_without(gstreamer: str, ffprobe: str, tmp_path: Path) -> None:
    async with running_stack("--channels", "2", "--rtsps") as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        camera, other = await wait_for_states(client, m.CameraState.RUNNING)
        assert camera.streams[0].rtsps_url is None
        await client.call("camera.update", {"id": camera.id, "https": True})
        camera = await _by_tls(client, camera)
        account = await credentials(client, camera)
        commands = [
            maker(url, account, way, tmp_path / f"{maker.__name__}-{stream.name}-{way}-{url[:5]}")
            for stream in camera.streams
            for maker in (ffmpeg_command, gstreamer_command)
            for url, way in ((stream.rtsps_url or "", "tcp"), (stream.url, "udp"))
        ]
        # Asks for UDP first, is refused because that would be in clear, and takes what is left.
        secure = camera.streams[0].rtsps_url or ""
        commands += [gstreamer_command(secure, account, "udp+tcp", tmp_path / "asks-for-udp")]
        commands += [ffmpeg_command(other.streams[0].url, account, "tcp", tmp_path / "other")]
        files = [_file_of(command) for command in commands]
        await asyncio.gather(*(play_to(*one) for one in zip(files, commands, strict=True)))
        for file in files:
            marks = marks_of(file)
            first = marks[0].number
            assert len(marks) >= FRAMES
            assert [mark.number for mark in marks] == list(range(first, first + len(marks))), file.name
            assert {mark.channel for mark in marks} == {other.channel if file.name == "other" else camera.channel}
        lines: list[m.TraceEntry] = await client.call("camera.trace", {"id": camera.id})
        (refused,) = [line.reason for line in lines if not line.ok and line.protocol == "rtsp"]
        assert "UDP would be in clear" in refused


async def test_a_source_by_tls_is_read_watched_and_played(ffprobe: str, tmp_path: Path) -> None:
    async with running_stack("--channels", "1", "--rtsps", settings="[nvr]\ncheck_every_s = 1\n") as stack:
        place = f"{stack.said['host']}:{stack.said['rtsp_port']}/Streaming/Channels/101"
        async with stack.client() as client:
            plain = {"main": f"rtsp://{place}", "username": NVR_USER, "password": NVR_PASSWORD}
            refused: m.NvrTest = await client.call("source.test", plain)
            assert not refused.ok
            source: m.Source = await client.call("source.add", plain | {"main": f"rtsps://{place}"})
            assert source.main == f"rtsps://{place}"
            (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
            assert (camera.streams[0].width, camera.streams[0].height) == (1280, 720)
            account = await credentials(client, camera)
            await play_to(tmp_path / "main", ffmpeg_command(camera.streams[0].url, account, "tcp", tmp_path / "main"))
            assert len(marks_of(tmp_path / "main")) >= FRAMES
            stack.take_nvr_away()
            await wait_for_states(client, m.CameraState.UPSTREAM_UNREACHABLE)
            stack.bring_nvr_back("--channels", "1", "--rtsps")  # whether it is there is asked by TLS
            await wait_for_states(client, m.CameraState.RUNNING)


def _file_of(command: list[str]) -> Path:
    return Path(command[-1].removeprefix("location="))
