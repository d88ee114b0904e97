"""The certificate over ONVIF, and on real sockets: who comes after a change meets the new one, who is there goes on."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography import x509
from lxml import etree

from proxyd.camera.certificates import fit_pem
from proxyd.camera.commands import MakeCertificate, SetCertificate, SetSettings
from proxyd.camera.raw_exchange import RawExchange, shown
from proxyd.camera.settings import CameraSettings, Certificate
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.http import OnvifServer
from proxyd.tls.certificate import self_signed
from tests.proxyd.camera.authority import Authority, der, key_der, key_pem, new_key, pem

from .builders import NOW, PATHS, Camera, body_of, camera_spec, fault_of, soap, texts, username_token
from .schemas import Validator
from .world import World, running_camera

ROOT = Authority("House CA")
KEY = new_key()
ISSUED = ROOT.issue(KEY)
OWN = self_signed(camera_spec(), NOW)
_OFF = CameraSettings(certificate_id="first")
_ON = CameraSettings(https=True, certificate_id="first")


def _camera(settings: CameraSettings = _OFF, certificate: Certificate | None = OWN) -> Camera:
    return Camera(camera_spec(settings=settings, certificate=certificate))


def _data(value: bytes) -> str:
    return f"<tt:Data>{base64.b64encode(value).decode()}</tt:Data>"


def _with_key(certificate: bytes, key: bytes, name: str = "mine") -> str:
    return (
        f"<tds:CertificateWithPrivateKey><tt:CertificateID>{name}</tt:CertificateID>"
        f"<tt:Certificate>{_data(certificate)}</tt:Certificate><tt:PrivateKey>{_data(key)}</tt:PrivateKey>"
        "</tds:CertificateWithPrivateKey>"
    )


def _nvt(certificate: bytes, name: str = "mine") -> str:
    return (
        f"<tds:NVTCertificate><tt:CertificateID>{name}</tt:CertificateID>"
        f"<tt:Certificate>{_data(certificate)}</tt:Certificate></tds:NVTCertificate>"
    )


def _named(name: str) -> str:
    return f"<tds:CertificateID>{name}</tds:CertificateID>"


def _status(name: str, on: str) -> str:
    inner = f"<tt:CertificateID>{name}</tt:CertificateID><tt:Status>{on}</tt:Status>"
    return f"<tds:CertificateStatus>{inner}</tds:CertificateStatus>"


def test_it_is_told_under_the_name_that_a_recorder_gave_it() -> None:
    camera = _camera()
    assert texts(camera.ask("tds:GetCertificates"), "tt:CertificateID") == ["first"]
    assert texts(camera.ask("tds:GetCertificatesStatus"), "tt:Status") == ["false"]
    said = camera.ask("tds:GetCertificateInformation", _named("first"))
    assert texts(said, "tt:SubjectDN") == texts(said, "tt:IssuerDN") == ["O=onviftui,CN=OT0A1B2C3D4E"]
    assert texts(said, "tt:KeyLength") == ["256"] and texts(said, "tt:Version") == ["3"]
    assert texts(said, "tt:Until")[0].startswith("2046-") and texts(said, "tt:Until")[0].endswith("Z")


def test_with_its_key_it_takes_the_place_of_the_old_one(validator: Validator) -> None:
    camera = _camera()
    reply = camera.ask("tds:LoadCertificateWithPrivateKey", _with_key(der(ISSUED), key_der(KEY)))
    validator.body(reply.body)
    assert camera.commands == [SetCertificate(fit_pem(pem(ISSUED), key_pem(KEY)), "mine")]
    assert "PRIVATE" not in repr(camera.commands)


@pytest.mark.parametrize(
    ("operation", "content", "subcodes"),
    [
        ("LoadCertificateWithPrivateKey", "", ["ter:InvalidArgs"]),
        (
            "LoadCertificateWithPrivateKey",
            _with_key(b"?", key_der(KEY)),
            ["ter:InvalidArgVal", "ter:CertificateFormat"],
        ),
        ("LoadCertificateWithPrivateKey", _with_key(der(ISSUED), b"?"), ["ter:InvalidArgVal", "ter:CertificateFormat"]),
        (
            "LoadCertificateWithPrivateKey",
            _with_key(der(ISSUED), key_der(KEY)).replace("<tt:Data>", "<tt:Data>*"),
            ["ter:InvalidArgVal", "ter:CertificateFormat"],
        ),
        (
            "LoadCertificateWithPrivateKey",
            _with_key(der(ISSUED), key_der(new_key())),
            ["ter:InvalidArgVal", "ter:KeysNotMatching"],
        ),
        (
            "LoadCertificateWithPrivateKey",
            _with_key(der(ISSUED), key_der(KEY), "x" * 65),
            ["ter:InvalidArgVal", "ter:CertificateID"],
        ),
        ("LoadCertificateWithPrivateKey", 2 * _with_key(der(ISSUED), key_der(KEY)), ["ter:OperationProhibited"]),
        ("LoadCertificates", "", ["ter:InvalidArgs"]),
        ("LoadCertificates", _nvt(der(ISSUED)), ["ter:InvalidArgVal", "ter:KeysNotMatching"]),
        ("DeleteCertificates", "", ["ter:InvalidArgs"]),
        ("DeleteCertificates", _named("first") + _named("other"), ["ter:InvalidArgVal", "ter:CertificateID"]),
        ("GetCertificateInformation", _named("other"), ["ter:InvalidArgVal", "ter:CertificateID"]),
        ("GetPkcs10Request", _named("other"), ["ter:InvalidArgVal", "ter:CertificateID"]),
        ("GetPkcs10Request", _named("first") + "<tds:Subject>=</tds:Subject>", ["ter:InvalidArgVal"]),
        (
            "GetPkcs10Request",
            f"{_named('first')}<tds:Attributes>{_data(b'x')}</tds:Attributes>",
            ["ter:InvalidArgVal"],
        ),
        ("SetCertificatesStatus", _status("other", "true"), ["ter:InvalidArgVal", "ter:CertificateID"]),
        ("SetCertificatesStatus", _status("first", "maybe"), ["ter:InvalidArgVal"]),
        ("CreateCertificate", f"<tds:Subject>{'x' * 65}</tds:Subject>", ["ter:InvalidArgVal"]),
        ("CreateCertificate", "<tds:ValidNotAfter>2020-01-01T00:00:00Z</tds:ValidNotAfter>", ["ter:InvalidArgVal"]),
        ("CreateCertificate", "<tds:ValidNotBefore>1950-01-01T00:00:00Z</tds:ValidNotBefore>", ["ter:InvalidArgVal"]),
        ("CreateCertificate", "<tds:ValidNotBefore>soon</tds:ValidNotBefore>", ["ter:InvalidArgVal"]),
    ],
    ids=range(21),
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    operation: str, content: str, subcodes: list[str], validator: Validator
) -> None:
    camera = _camera()
    reply = camera.ask(f"tds:{operation}", content)
    validator.body(reply.body)
    assert fault_of(reply)[1] == subcodes and camera.commands == []


def test_a_new_one_is_made(validator: Validator) -> None:
    camera = _camera()
    camera.results = [OWN]
    wishes = "<tds:Subject>CN=gate</tds:Subject><tds:ValidNotAfter>2027-01-01T00:00:00Z</tds:ValidNotAfter>"
    reply = camera.ask("tds:CreateCertificate", _named("second") + wishes)
    validator.body(reply.body)
    assert texts(reply, "tt:CertificateID") == ["second"]
    made = camera.commands[0]
    assert isinstance(made, MakeCertificate) and (made.name, made.subject) == ("second", "CN=gate")
    assert made.not_before is None and made.not_after is not None and made.not_after.year == 2027
    camera.results = [OWN]
    assert texts(camera.ask("tds:CreateCertificate"), "tt:CertificateID") == ["first"], "the camera chooses the name"


def test_an_authority_signs_what_the_camera_asks_for() -> None:
    camera = _camera()
    said = camera.ask("tds:GetPkcs10Request", _named("first") + "<tds:Subject>gate</tds:Subject>")
    request = x509.load_der_x509_csr(base64.b64decode(texts(said, "tt:Data")[0]))
    assert request.is_signature_valid and request.subject.rfc4514_string() == "CN=gate"
    camera.ask("tds:LoadCertificates", _nvt(der(ROOT.issue(request))))
    command = camera.commands[0]
    assert isinstance(command, SetCertificate) and command.name == "mine" and command.certificate is not None
    assert command.certificate.key == OWN.key and command.certificate.chain != OWN.chain


def test_the_status_is_that_of_https() -> None:
    camera = _camera()
    camera.ask("tds:SetCertificatesStatus", _status("first", "true"))
    assert camera.commands == [SetSettings({"https": True}, "HTTPS")]
    camera = _camera(_ON)
    assert camera.ask("tds:SetCertificatesStatus", _status("first", "1")).ok and camera.commands == []
    camera.ask("tds:SetCertificatesStatus", _status("first", "0"))
    assert camera.commands == [SetSettings({"https": False}, "HTTPS")]


def test_what_is_in_use_is_not_deleted() -> None:
    camera = _camera(_ON)
    reply = camera.ask("tds:DeleteCertificates", _named("first"))
    assert fault_of(reply)[1] == ["ter:OperationProhibited"] and "in use" in fault_of(reply)[2]
    assert camera.commands == []
    camera = _camera()
    assert camera.ask("tds:DeleteCertificates", _named("first")).ok
    assert camera.commands == [SetCertificate(None)]


def test_only_administrators_change_it() -> None:
    for operation in ("CreateCertificate", "LoadCertificates", "DeleteCertificates", "GetPkcs10Request"):
        assert fault_of(_camera().ask(f"tds:{operation}", header=""))[1] == ["ter:NotAuthorized"]


def test_the_trace_shows_neither_key_nor_what_could_be_one() -> None:
    for content in (
        _with_key(der(ISSUED), key_der(KEY)),
        _with_key(pem(ISSUED), key_pem(KEY)),
        _with_key(der(ISSUED), key_der(KEY)).replace("tt:PrivateKey", "tt:Certificate"),  # in the wrong place
        _with_key(der(ISSUED), key_der(KEY)).replace("tt:Data>", "tt:Other>"),
        _nvt(key_der(KEY)),
    ):
        body = soap("tds:LoadCertificateWithPrivateKey", content)
        raw = RawExchange.of(b"POST /onvif/device_service HTTP/1.1\r\nHost: x\r\n\r\n" + body, b"")
        text = shown(raw.request, ())
        assert "LoadCertificateWithPrivateKey" in text
        for form in (key_der(KEY), key_pem(KEY)):
            encoded = base64.b64encode(form).decode()
            assert not [at for at in range(0, len(encoded) - 16, 8) if encoded[at : at + 16] in text]


@pytest.fixture
async def running() -> AsyncIterator[tuple[OnvifServer, World]]:
    spec = camera_spec(https_port=0, settings=_ON, certificate=OWN)
    async with running_camera(spec) as (server, world):
        yield server, world


async def _connect(server: OnvifServer, trust: ssl.SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        return await asyncio.open_connection("127.0.0.1", server.https_port, ssl=trust)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, operation: str, content: str = "") -> bytes:
    body = soap(operation, content, header=_token_now())
    head = (
        f"POST {PATHS['tds']} HTTP/1.1\r\nHost: x\r\nContent-Type: application/soap+xml\r\nContent-Length: {len(body)}"
    )
    writer.write(f"{head}\r\n\r\n".encode() + body)
    async with asyncio.timeout(10):
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in answer.split("\r\n") if line.lower().startswith("content-length:"))
        return await reader.readexactly(length)


def _token_now() -> str:
    return username_token(created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


async def _settle(server: OnvifServer) -> None:
    assert server._https is not None
    server.tend()
    while task := server._https._task:
        await asyncio.wait_for(asyncio.shield(task), 10)
        server.tend()


async def test_who_comes_meets_the_new_one_and_who_is_there_goes_on(running: tuple[OnvifServer, World]) -> None:
    server, world = running
    port = server.https_port
    old = await _connect(server, ssl.create_default_context(cadata=OWN.chain))
    answer = await _ask(*old, "tds:LoadCertificateWithPrivateKey", _with_key(der(ISSUED), key_der(KEY)))
    assert body_of(answer).tag.endswith("LoadCertificateWithPrivateKeyResponse")
    await _settle(server)
    assert server.https_port == port, "the port was never closed"
    trusting = ssl.create_default_context(cadata=ROOT.pem.decode())
    new = await _connect(server, trusting)
    assert new[1].get_extra_info("ssl_object").getpeercert(binary_form=True) == der(ISSUED)
    for connection in (new, old):
        assert texts(await _ask(*connection, "tds:GetCertificates"), "tt:CertificateID") == ["mine"]
    with pytest.raises(ssl.SSLCertVerificationError):
        await _connect(server, ssl.create_default_context(cadata=OWN.chain))
    for _, writer in (old, new):
        writer.close()
    assert world.spec.certificate is not None and world.spec.certificate.key == key_pem(KEY).decode()


async def test_a_chain_is_sent_whole(running: tuple[OnvifServer, World]) -> None:
    server, world = running
    middle = Authority("Yard CA", ROOT)
    key = new_key()
    certificate = fit_pem(pem(middle.issue(key), middle.certificate), key_pem(key))
    spec: CameraSpec = replace(world.spec, certificate=certificate)
    server.update(spec)
    await _settle(server)
    _, writer = await _connect(server, ssl.create_default_context(cadata=ROOT.pem.decode()))
    writer.close()


def test_the_elements_of_a_certificate_are_valid(validator: Validator) -> None:
    camera = _camera(_ON, fit_pem(pem(ISSUED), key_pem(KEY)))
    for operation in ("GetCertificates", "GetCertificatesStatus"):
        validator.body(camera.ask(f"tds:{operation}").body)
    said = camera.ask("tds:GetCertificateInformation", _named("first"))
    validator.body(said.body)
    assert etree.tostring(body_of(said)).count(b"CN=House CA") == 1
