"""Talking to a camera: from what ONVIF declares to what the loudspeaker gets, also with a client and a server that are
not ours."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxyd.api import models as m
from proxyd.rtsp.headers import parse_session
from tests.player.client import RtspClient, RtspClientError
from tests.player.talk import FEATURE, back_tracks, sound, speech
from tests.player.watch import join_control

from .conftest import ROOT
from .recorders import device_of, stream_uri
from .stack import Stack, credentials, running_stack, wait_for_job, wait_for_states

pytestmark = pytest.mark.timeout(300)

_PACKETS = 50
_OCTETS = 160  # of a packet


@pytest.fixture
def door(tmp_path: Path, gstreamer: str) -> Iterator[tuple[str, Path]]:
    """The address of gst-rtsp-server's stream with a loudspeaker, and the file that gets what it hears."""
    heard = tmp_path / "heard"
    command = [sys.executable, "-m", "tests.e2e.gst_talk", "listen", "127.0.0.1", str(heard)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield f"rtsp://127.0.0.1:{int(process.stdout.readline())}/door", heard
        finally:
            process.kill()


async def test_gstreamer_talks_to_a_real_server_through_a_camera(door: tuple[str, Path]) -> None:
    address, heard = door
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        added: m.Source = await client.call("source.add", {"main": address, "name": "door"})
        nvr: m.Nvr = await client.call("nvr.get", {"id": added.nvr})
        if nvr.job is not None:
            await wait_for_job(client, nvr.job)
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        user, password = await credentials(client, camera)
        url = camera.streams[0].url
        section = await _section(url, (user, password))
        talker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.gst_talk", "talk", url, user, password, str(section), str(_PACKETS)),
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        async with asyncio.timeout(120):
            said, _ = await talker.communicate()
        assert (int(said), talker.returncode) == (_PACKETS, 0)
        async with asyncio.timeout(30):
            while not await _is_over(stack, camera):
                await asyncio.sleep(0.05)
        whole = heard.read_bytes()
        assert len(whole) == _PACKETS * _OCTETS
        assert len(set(whole)) > 50, "a tone, and no silence"


@pytest.mark.parametrize("dialect", ["hikvision", "dahua", "uniview"])
async def test_what_onvif_declares_is_there(dialect: str) -> None:
    """On the channel that has a loudspeaker, and on no other."""
    options = ("--channels", "2", "--dialect", dialect, "--fault", "speakers=2")
    async with running_stack(*options) as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        cameras = sorted(await wait_for_states(client, m.CameraState.RUNNING), key=lambda camera: camera.channel)
        for camera, outputs in zip(cameras, (0, 1), strict=True):
            account = await credentials(client, camera)
            async with device_of(camera, account) as device:
                media = await device.create_media_service()
                assert len(await media.GetAudioOutputs()) == outputs
                for profile in await media.GetProfiles():
                    asked = {"ProfileToken": profile.token}
                    assert len(await media.GetCompatibleAudioOutputConfigurations(asked)) == outputs
                    assert len(await media.GetCompatibleAudioDecoderConfigurations(asked)) == outputs
            url = await stream_uri(camera, account)
            if not outputs:
                with pytest.raises(RtspClientError, match="551"):
                    await _talk(url, account)
                continue
            await _talk(url, account)
            (heard,) = (await stack.simulator_state())["rtsp"]["heard"].values()
            assert (heard["packets"], heard["misplaced"]) == (_PACKETS, 0)
            assert bytes.fromhex(heard["last"]) == sound(_PACKETS - 1)[: len(heard["last"]) // 2]
            await client.call("camera.update", {"id": camera.id, "audio": False})
            with pytest.raises(RtspClientError, match="551"):
                await _talk(url, account)


@asynccontextmanager
async def _recorder(url: str, account: tuple[str, str]) -> AsyncIterator[RtspClient]:
    parts = urlsplit(url)
    client = RtspClient(*account, lambda channel, packet: None)
    await client.connect(parts.hostname or "", parts.port or 554)
    try:
        yield client
    finally:
        await client.close()


async def _talk(url: str, account: tuple[str, str]) -> None:
    """As a recorder does that wants no picture; returns when the camera has let go. Raises RtspClientError."""
    async with _recorder(url, account) as client:
        described = await client.request("DESCRIBE", url, Accept="application/sdp", Require=FEATURE)
        ((_, control),) = back_tracks(described.body.decode())
        track = join_control(described.headers.get("Content-Base") or url, control)
        wish = "RTP/AVP/TCP;unicast;interleaved=0-1"
        setup = await client.request("SETUP", track, Transport=wish, Require=FEATURE)
        session, _ = parse_session(setup.headers.get("Session") or "")
        await client.request("PLAY", url, Session=session, Require=FEATURE)
        for packet in speech(_PACKETS):
            client.send_packet(0, packet)
        await client.request("TEARDOWN", url, Session=session)


async def _section(url: str, account: tuple[str, str]) -> int:
    """The number of the one that is for sound to the NVR."""
    async with _recorder(url, account) as client:
        described = await client.request("DESCRIBE", url, Accept="application/sdp", Require=FEATURE)
    sections = described.body.decode().split("\r\nm=")[1:]
    return next(number for number, text in enumerate(sections) if "a=sendonly" in text)


async def _is_over(stack: Stack, camera: m.Camera) -> bool:
    """The trace says that a talk is."""
    async with stack.client() as client:
        trace: list[m.TraceEntry] = await client.call("camera.trace", {"id": camera.id})
    return any(one.operation == "TALK main" and "over: " in one.reason for one in trace)
