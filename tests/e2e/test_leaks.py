"""Nothing of the NVR reaches the recorder: every byte that a recorder receives is searched (contract 2)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from proxyd.api import models as m
from proxyd.camera.spec import NvrAccess
from proxyd.nvr.scan import scan
from proxyd.simulator.dialects import DIALECTS
from tests.player.play import play, refusal

from .stack import NVR_PASSWORD, NVR_USER, Stack, credentials, running_stack, wait_for_states

_ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><{op} xmlns="{ns}">{inner}</{op}>'
    "</s:Body></s:Envelope>"
)
_DEVICE, _MEDIA = "http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver10/media/wsdl"
_MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
_ASKED = [
    (_DEVICE, "device", op, "")
    for op in ("GetServices", "GetCapabilities", "GetDeviceInformation", "GetScopes", "GetHostname", "GetUsers")
    + ("GetNetworkInterfaces", "GetDNS", "GetNTP", "GetNetworkProtocols", "NoSuchOperation")
] + [
    (ns, service, op, inner)
    for ns, service in ((_MEDIA, "media"), (_MEDIA2, "media2"))
    for op, inner in (
        ("GetProfiles", ""),
        ("GetStreamUri", "<ProfileToken>main</ProfileToken>"),
        ("GetSnapshotUri", "<ProfileToken>main</ProfileToken>"),
        ("GetVideoSourceConfigurations", ""),
        ("GetVideoEncoderConfigurations", ""),
        ("GetStreamUri", "<ProfileToken>none</ProfileToken>"),
    )
]


async def everything_a_recorder_receives(camera: m.Camera, secret: tuple[str, str]) -> bytes:
    received = bytearray()
    # Two RTCP packets, at the beginning and after 5 s: they come with the source description of the NVR.
    for player in await asyncio.gather(*(play(stream.url, secret, 6, reports=2) for stream in camera.streams)):
        received += player.received
    assert await refusal(camera.streams[0].url.replace("/main", "/none"), secret) == 404
    assert camera.onvif_url is not None
    assert camera.snapshot_url is not None
    base = camera.onvif_url.rsplit("/", 1)[0]
    auth = aiohttp.DigestAuthMiddleware(*secret)
    async with aiohttp.ClientSession(middlewares=(auth,)) as session:
        for namespace, service, operation, inner in _ASKED:
            body = _ENVELOPE.format(op=operation, ns=namespace, inner=inner)
            headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
            async with session.post(f"{base}/{service}_service", data=body, headers=headers) as answer:
                received += repr(answer.headers).encode() + await answer.read()
        async with session.get(camera.snapshot_url) as answer:
            received += repr(answer.headers).encode() + await answer.read()
        async with session.get(camera.snapshot_url.replace("/snapshot", "/nothing")) as answer:
            received += repr(answer.headers).encode() + await answer.read()
    return bytes(received)


async def secrets_of(stack: Stack) -> list[bytes]:
    """Password, user, addresses and every token, path and serial that the NVR itself gives out."""
    access = NvrAccess(stack.said["host"], stack.said["port"], NVR_USER, NVR_PASSWORD)
    found = await scan(access, on_progress=lambda _: None, on_channel=lambda _: None)
    words = [NVR_PASSWORD, NVR_USER, stack.said["host"], found.identity.serial, found.identity.model]
    for channel in found.channels:
        words += [channel.key, urlsplit(channel.snapshot_uri or "").path]
        words += [
            word
            for stream in channel.streams
            for word in (stream.profile_token, urlsplit(stream.spec.upstream_url or "").path)
        ]
    # Tokens such as "000" or "1" stand in every picture by chance.
    return [word.encode() for word in words if len(word) > 5]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_no_byte_of_the_nvr_reaches_the_recorder(dialect: str) -> None:
    async with running_stack("--channels", "2", "--dialect", dialect) as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        job = await stack.scan(client, nvr)
        assert job.state is m.JobState.DONE, job
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        forbidden = await secrets_of(stack)
        assert len(forbidden) > 5
        secret = await credentials(client, cameras[0])
        for received in await asyncio.gather(*(everything_a_recorder_receives(camera, secret) for camera in cameras)):
            assert len(received) > 50_000
            for word in forbidden:
                assert word not in received, (dialect, word)


async def test_no_secret_in_logs_arguments_or_database() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client, password="Wrong-one-1")
        assert (await stack.scan(client, nvr)).state is m.JobState.FAILED
        await client.call("nvr.update", {"id": nvr.id, "password": NVR_PASSWORD})
        assert (await stack.scan(client, nvr)).state is m.JobState.DONE
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        _, camera_password = await credentials(client, cameras[0])
        assert stack.daemon is not None
        seen = await asyncio.to_thread(stack.daemon.log.read_bytes)
        seen += Path(f"/proc/{stack.daemon.process.pid}/cmdline").read_bytes()
        seen += Path(f"/proc/{stack.daemon.process.pid}/environ").read_bytes()
        for method in ("nvr.list", "camera.list", "log.tail", "job.list", "status", "interface.list"):
            seen += repr(await client.call(method)).encode()
        for file in stack.database.parent.iterdir():
            seen += file.read_bytes()
        for secret in (NVR_PASSWORD, "Wrong-one-1", camera_password):
            assert secret.encode() not in seen
