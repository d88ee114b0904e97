"""HTTPS on real sockets: the same answers, a certificate that is made once, and strangers at the port."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from cryptography import x509

from proxyd.camera.commands import Command, SetCertificate
from proxyd.camera.settings import CameraSettings, Certificate
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.http import OnvifServer
from proxyd.snapshot.picture import SnapshotPicture
from proxyd.tls import handshakes
from proxyd.tls.certificate import self_signed, server_context

from .builders import NOW, PATHS, camera_spec, soap, texts, username_token

_SOAP = {"Content-Type": "application/soap+xml; charset=utf-8"}
_ON = CameraSettings(https=True)


class Owner:
    """Keeps what the camera asks it to keep, as the manager does."""

    def __init__(self, spec: CameraSpec) -> None:
        self.spec = spec
        self.commands: list[Command] = []
        self.server = OnvifServer(spec, take_snapshot=self._take, record=self._record, now=lambda: NOW, perform=self)

    async def __call__(self, command: Command, client: str) -> None:
        self.commands.append(command)
        assert isinstance(command, SetCertificate)
        self.update(certificate=command.certificate)

    def update(self, **changes: Any) -> None:
        self.spec = replace(self.spec, **changes)
        self.server.update(self.spec)

    async def settle(self) -> None:
        """Until nothing is left to do for HTTPS."""
        assert self.server._https is not None
        self.server.tend()
        while task := self.server._https._task:
            await asyncio.wait_for(asyncio.shield(task), 10)
            self.server.tend()

    async def _take(self) -> SnapshotPicture:
        return SnapshotPicture("image/jpeg", b"\xff\xd8\xff\xd9")

    def _record(self, **_: Any) -> None:
        """The trace is shown by test_http."""


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return self_signed(camera_spec(), NOW)


@pytest.fixture
async def owner(certificate: Certificate) -> AsyncIterator[Owner]:
    owner = Owner(camera_spec(https_port=0, settings=_ON, certificate=certificate))
    await owner.server.start()
    yield owner
    await owner.server.stop()


def _trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=certificate.chain)


async def _ask(owner: Owner, operation: str, header: str | None = None) -> tuple[int, bytes]:
    assert owner.spec.certificate is not None
    url = f"https://127.0.0.1:{owner.server.https_port}{PATHS[operation.partition(':')[0]]}"
    connector = aiohttp.TCPConnector(ssl=_trusting(owner.spec.certificate))
    async with (
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as client,
        client.post(url, data=soap(operation, header=header), headers=_SOAP) as response,
    ):
        return response.status, await response.read()


def test_a_certificate_says_who_the_camera_is(certificate: Certificate) -> None:
    parsed = x509.load_pem_x509_certificate(certificate.chain.encode())
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == ["ot0a1b2c3d4e"]
    assert parsed.not_valid_before_utc < NOW < parsed.not_valid_after_utc
    assert parsed.not_valid_after_utc.year == 2046
    assert "PRIVATE" not in certificate.chain
    assert certificate.key not in repr(certificate)


def test_a_key_that_does_not_fit_is_refused(certificate: Certificate) -> None:
    other = self_signed(camera_spec(), NOW)
    with pytest.raises(OSError, match=r"(?i)mismatch"):
        server_context(Certificate(certificate.chain, other.key))


async def test_the_same_answers_with_https_addresses(owner: Owner) -> None:
    status, body = await _ask(owner, "tds:GetServices")
    base = f"https://127.0.0.1:{owner.server.https_port}"
    assert status == 200
    assert all(address.startswith(f"{base}/onvif/") for address in texts(body, "tds:XAddr"))
    assert (await _ask(owner, "trt:GetProfiles"))[0] == 200
    assert (await _ask(owner, "trt:GetProfiles", header=""))[0] == 401


async def test_clear_text_passwords_are_taken_by_https_only(owner: Owner) -> None:
    assert (await _ask(owner, "trt:GetProfiles", username_token(kind="Text")))[0] == 200
    plain = f"http://127.0.0.1:{owner.server.port}{PATHS['trt']}"
    request = soap("trt:GetProfiles", header=username_token(kind="Text"))
    async with aiohttp.ClientSession() as client, client.post(plain, data=request, headers=_SOAP) as response:
        assert response.status == 400


async def test_a_recorder_sees_the_certificate(owner: Owner, certificate: Certificate) -> None:
    status, body = await _ask(owner, "tds:GetCertificates")
    assert status == 200
    der = ssl.PEM_cert_to_DER_cert(certificate.chain)
    assert ssl.DER_cert_to_PEM_cert(der).split("\n")[1] in texts(body, "tt:Data")[0]
    assert texts((await _ask(owner, "tds:GetCertificatesStatus"))[1], "tt:Status") == ["true"]


async def test_it_is_switched_on_and_off_while_http_goes_on() -> None:
    owner = Owner(camera_spec(https_port=0))
    await owner.server.start()
    try:
        await owner.settle()
        assert (owner.server.https_port, owner.commands) == (0, [])
        async with aiohttp.ClientSession() as client:
            url = f"http://127.0.0.1:{owner.server.port}{PATHS['tds']}"
            for on in (True, False, True):
                owner.update(settings=CameraSettings(https=on))
                await owner.settle()
                assert (owner.server.https_port > 0) == on
                if on:
                    assert (await _ask(owner, "tds:GetServices"))[0] == 200
                async with client.post(url, data=soap("tds:GetServices"), headers=_SOAP) as response:
                    assert response.status == 200
        assert len(owner.commands) == 1, "the certificate is made once"
    finally:
        await owner.server.stop()
    assert owner.server.https_port == 0


async def test_a_taken_port_is_told_and_tried_again(certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        owner = Owner(camera_spec(https_port=port, settings=_ON, certificate=certificate))
        await owner.server.start()
    try:
        assert owner.server.port > 0
        assert owner.server.note.startswith(f"HTTPS is switched on, but: Port {port} on 127.0.0.1 is used by ")
        owner.update(name="Porch")  # a change of the camera is a reason to try at once
        await owner.settle()
        assert (owner.server.https_port, owner.server.note) == (port, "")
        assert (await _ask(owner, "tds:GetServices"))[0] == 200
    finally:
        await owner.server.stop()


async def test_strangers_at_the_port_do_not_keep_recorders_out(owner: Owner) -> None:
    port = owner.server.https_port
    many = range(handshakes.MAX_HANDSHAKES)
    silent = [await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.66", 0)) for _ in many]
    patient = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.20", 0))
    assert (await _ask(owner, "tds:GetServices"))[0] == 200
    for reader, _ in silent[:2]:
        assert await asyncio.wait_for(_ended(reader), 10), "who holds the most gives up its oldest"
    assert not patient[0].at_eof()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await asyncio.wait_for(_ended(reader), 10), "who speaks no TLS is cut off"
    assert (await _ask(owner, "tds:GetServices"))[0] == 200
    await owner.server.stop()
    for stranger, its in [*silent, patient, (reader, writer)]:
        assert await asyncio.wait_for(_ended(stranger), 10)
        its.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("TLS handshake")]


async def _ended(reader: asyncio.StreamReader) -> bool:
    """Reads to the end, whatever comes before (a TLS alert)."""
    try:
        while await reader.read(1024):
            pass
    except ConnectionResetError:
        pass
    return True


async def test_old_tls_is_refused(owner: Owner, certificate: Certificate) -> None:
    context = _trusting(certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection("127.0.0.1", owner.server.https_port, ssl=context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()
    assert server_context(certificate).minimum_version == ssl.TLSVersion.TLSv1_2
