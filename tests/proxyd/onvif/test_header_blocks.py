"""Header blocks: what must be understood and is not, and WS-Addressing that makes no sense."""

from __future__ import annotations

import aiohttp
import pytest

from proxyd.onvif.namespaces import ADDRESSING, ADDRESSING_2004, ENV11, ENV12
from proxyd.onvif.soap import CONTENT_TYPE, MAX_REQUEST_BYTES

from .builders import PATHS, Camera, body_of, camera_spec, fault_of, soap, texts, username_token
from .schemas import Validator
from .world import running_camera

_ROLE = f"{ENV12}/role"


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.mark.parametrize("must", ["1", "true", " true "])
@pytest.mark.parametrize("role", ["", f' env:role="{_ROLE}/next"', f' env:role="{_ROLE}/ultimateReceiver"'])
@pytest.mark.parametrize("operation", ["tds:GetSystemDateAndTime", "trt:GetProfiles"])
def test_an_unknown_block_that_must_be_understood_is_refused(
    camera: Camera, must: str, role: str, operation: str, validator: Validator
) -> None:
    block = f'<x:Transaction xmlns:x="urn:x" env:mustUnderstand="{must}"{role}>5</x:Transaction>'
    refused = camera.ask(operation, header=username_token() + block)
    assert (refused.status, refused.ok) == (400, False)
    assert refused.reason == "The header Transaction is not understood"
    assert fault_of(refused) == ("env:MustUnderstand", [], refused.reason)
    validator.body(refused.body)


def test_in_soap_1_1_the_fault_is_of_soap_1_1(camera: Camera) -> None:
    block = '<x:Transaction xmlns:x="urn:x" env:mustUnderstand="1"/>'
    request = soap("tds:GetScopes", header=username_token() + block).replace(ENV12.encode(), ENV11.encode())
    refused = camera.send(request, PATHS["tds"])
    assert refused.status == 500
    assert body_of(refused).findtext("faultcode") == "env:MustUnderstand"
    elsewhere = request.replace(b'env:mustUnderstand="1"/>', b'env:mustUnderstand="1" env:actor="urn:other"/>')
    assert camera.send(elsewhere, PATHS["tds"]).ok


@pytest.mark.parametrize(
    "block",
    [
        '<x:T xmlns:x="urn:x"/>',
        '<x:T xmlns:x="urn:x" env:mustUnderstand="0"/>',
        '<x:T xmlns:x="urn:x" env:mustUnderstand="false"/>',
        '<x:T xmlns:x="urn:x" mustUnderstand="1"/>',
        f'<x:T xmlns:x="urn:x" xmlns:o="{ENV11}" o:mustUnderstand="1"/>',
        f'<x:T xmlns:x="urn:x" env:mustUnderstand="1" env:role="{_ROLE}/none"/>',
        f'<a:To xmlns:a="{ADDRESSING}" env:mustUnderstand="1">http://elsewhere.example/</a:To>',
        f'<a:Action xmlns:a="{ADDRESSING_2004}" env:mustUnderstand="1">urn:something/else</a:Action>',
        f'<a:ReplyTo xmlns:a="{ADDRESSING}"><a:Address>http://192.0.2.99:9/</a:Address></a:ReplyTo>',
        f'<a:MessageID xmlns:a="{ADDRESSING}" env:mustUnderstand="1">{"x" * 50_000}</a:MessageID>',
        "<wsa:To/><wsa:To/><wsa:Action/><wsa:MessageID/><wsa:RelatesTo/>" * 100,
    ],
)
@pytest.mark.parametrize("operation", ["trt:GetProfiles", "tev:GetEventProperties"])
def test_other_blocks_change_nothing(camera: Camera, block: str, operation: str) -> None:
    plain, answer = camera.ask(operation), camera.ask(operation, header=username_token() + block)
    assert answer.ok
    assert texts(answer, "tt:Name") == texts(plain, "tt:Name")
    assert len(answer.body) < len(plain.body) + 2000


async def test_ten_thousand_blocks_are_refused_at_once_over_a_socket() -> None:
    many = [block * (60_000 // len(block)) for block in ("<a/>", "<wsa:To/>", "<wsa:MessageID>x</wsa:MessageID>")]
    async with (
        running_camera(camera_spec(address="127.0.0.1", http_port=0)) as (server, _),
        aiohttp.ClientSession() as session,
    ):

        async def post(header: str) -> tuple[int, bytes]:
            url = f"http://127.0.0.1:{server.port}{PATHS['tds']}"
            request = soap("tds:GetSystemDateAndTime", header=header)
            async with session.post(url, data=request, headers={"Content-Type": CONTENT_TYPE}) as response:
                return response.status, await response.read()

        for blocks in many:
            status, body = await post(blocks)
            assert status == 400
            assert b"more than 2000 tags" in body
        assert (await post("<wsa:To/>" * MAX_REQUEST_BYTES))[0] == 413
        assert (await post('<x:T xmlns:x="urn:x" env:mustUnderstand="1"/>'))[0] == 400
        assert (await post(""))[0] == 200
