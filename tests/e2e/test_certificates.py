"""The certificate of HTTPS from end to end: brought by the command line and by a recorder, kept over a crash."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import InvalidInput
from tests.proxyd.camera.authority import Authority, der, key_der, key_pem, new_key, pem

from .stack import Stack, credentials, running_stack
from .test_accounts import device_service, one_camera, until

ROOT = Authority("House CA")


async def meets(client: RpcClient, camera: int) -> bytes:
    """The certificate that the camera shows to who connects now, in DER; b"" when it does not listen."""
    model: m.Camera = await client.call("camera.get", {"id": camera})
    if model.https_url is None:
        return b""
    place = urlsplit(model.https_url)
    unchecked = ssl._create_unverified_context()  # what it shows is compared
    async with asyncio.timeout(30):
        _, writer = await asyncio.open_connection(place.hostname, place.port or 443, ssl=unchecked)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    assert isinstance(found, bytes)
    return found


async def onviftui(stack: Stack, *words: str, stdin: bytes = b"") -> m.Certificate:
    command = [sys.executable, "-m", "onviftui.cli", "--socket", str(stack.socket), "--json", "camera", "certificate"]
    done = await asyncio.to_thread(
        subprocess.run, [*command, *words], input=stdin, capture_output=True, timeout=60, check=True
    )
    return m.Certificate.model_validate(json.loads(done.stdout))


async def test_a_certificate_is_brought_renewed_and_kept(tmp_path: Path) -> None:
    key = new_key()
    async with running_stack("--channels", "1") as stack:
        async with stack.client() as client:
            camera = await one_camera(stack, client)
            assert camera.address is not None
            assert (await onviftui(stack, "1")).origin == "none"
            await client.call("camera.update", {"id": camera.id, "https": True})
            await until(lambda: _listens(client, camera.id))
            made = await onviftui(stack, "1")
            assert (made.origin, made.warnings) == ("self-made", []) and camera.address in made.names
            first = await meets(client, camera.id)

            issued = ROOT.issue(key, address=camera.address)
            cert = tmp_path / "cert.pem"
            cert.write_bytes(pem(issued, ROOT.certificate))
            brought = await onviftui(stack, "1", "--cert", str(cert), "--key", "-", stdin=key_pem(key))
            assert (brought.origin, brought.issuer, brought.chain) == ("brought", "CN=House CA", 2)
            assert brought.warnings == []
            await until(lambda: _shows(client, camera.id, der(issued)))

            for wrong, field in ({"key": key_pem(new_key()).decode()}, "key"), ({}, "key"):
                with pytest.raises(InvalidInput, match="key") as refused:
                    await client.call("camera.certify", {"id": camera.id, "cert": pem(issued).decode()} | wrong)
                assert list(refused.value.fields) == [field] and refused.value.hint
            for odd in ({}, {"new": True, "cert": "x"}, {"key": "x"}, {"new": True, "key": "x"}):
                with pytest.raises(InvalidInput, match="Either"):
                    await client.call("camera.certify", {"id": camera.id, **odd})
            assert await meets(client, camera.id) == der(issued), "what is refused changes nothing"

            from_recorder, its_key = ROOT.issue(other := new_key(), address="192.0.2.1"), key_der(other)
            async with device_service(camera, await credentials(client, camera)) as service:
                bundle = {
                    "CertificateID": "recorder-1",
                    "Certificate": {"Data": der(from_recorder)},
                    "PrivateKey": {"Data": its_key},
                }
                await service.LoadCertificateWithPrivateKey({"CertificateWithPrivateKey": [bundle]})
                assert [one.CertificateID for one in await service.GetCertificates()] == ["recorder-1"]
            await until(lambda: _shows(client, camera.id, der(from_recorder)))
            assert "does not name the camera's address" in (await onviftui(stack, "1")).warnings[0]
            log = [entry.message for entry in await client.call("log.tail", {"limit": 50})]
            assert any("Brought a certificate for HTTPS" in line for line in log)
            assert any("brought a certificate for HTTPS" in line and "The recorder at" in line for line in log)

        assert stack.daemon is not None
        stack.daemon.process.kill()
        await asyncio.to_thread(stack.daemon.process.wait, 30)
        for file in stack.workplace.folder.rglob("*"):
            if file.is_file():
                content = file.read_bytes()
                assert key_pem(key)[60:120] not in content and key_pem(other)[60:120] not in content, file
                assert its_key[7:39] not in content, file
        stack.start_daemon()
        async with stack.client() as client:
            await until(lambda: _shows(client, camera.id, der(from_recorder)))
            renewed = await onviftui(stack, "1", "--new")
            assert (renewed.origin, renewed.warnings) == ("self-made", [])
            await until(lambda: _shows_none_of(client, camera.id, first, der(from_recorder)))


async def _listens(client: RpcClient, camera: int) -> bool:
    return bool((await client.call("camera.get", {"id": camera})).https_url)


async def _shows(client: RpcClient, camera: int, certificate: bytes) -> bool:
    return await meets(client, camera) == certificate


async def _shows_none_of(client: RpcClient, camera: int, *certificates: bytes) -> bool:
    return await meets(client, camera) not in (b"", *certificates)
