"""An NVR that invents names does not fill the memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from aiohttp import web

from proxyd.errors import UpstreamProtocolError
from proxyd.nvr import transport
from proxyd.nvr.client import NvrClient
from proxyd.nvr.foreign_names import MAX_HOSTS, ForeignNames
from proxyd.onvif.namespaces import MEDIA

from .odd_device import ENVELOPE, OddDevice, soap


def _answers(first: int) -> bytes:
    """Ten answers' worth of names that no other one has."""
    return ENVELOPE.format("".join(f"<n{first + n}/>" for n in range(10))).encode()


def test_there_is_an_end_to_new_names_but_not_to_known_ones() -> None:
    names = ForeignNames(max_names=60)
    assert [names.admit("nvr", _answers(10 * n)) for n in range(6)] == [True, True, True, True, False, False]
    assert names.admit("nvr", _answers(0))
    assert names.admit("other", _answers(50))


@pytest.mark.parametrize(
    "form",
    [
        "<{}/>",
        "<a></{}>",
        "<{}>",
        "<a {}=''/>",
        '<a x=">" {}="1"/>',
        '<a\n{}\t= "1"/>',
        "<a x=''{}=''/>",
        '<a xmlns:p="{}"/>',
        "<a xmlns = '{}'/>",
        "<?{} ?>",
        "< <{}",
    ],
)
def test_every_name_counts_also_in_broken_xml(form: str) -> None:
    names = ForeignNames(max_names=30)
    assert not names.admit("nvr", "".join(form.format(f"urn:n{n}") for n in range(31)).encode())


def test_values_and_text_are_no_names() -> None:
    names = ForeignNames(max_names=20)
    for number in range(200):
        text = f"rtsp://10.0.0.1/{number}?channel={number}&amp;sub=1 {number} &lt;x{number}/>"
        assert names.admit("nvr", f'<a token="x{number}" b="y {number}"><c>{text}</c></a>'.encode())


def test_long_names_count_by_their_length() -> None:
    names = ForeignNames(max_bytes=1000)
    assert names.admit("nvr", b"<" + b"a" * 900 + b"/>")
    assert not names.admit("nvr", b"<" + b"b" * 900 + b"/>")


def test_hosts_that_are_silent_longest_are_forgotten() -> None:
    names = ForeignNames(max_names=2)
    for number in range(2 * MAX_HOSTS):
        assert names.admit(f"nvr {number}", b"<a b='1'/>")
    assert len(names._known) == MAX_HOSTS


@pytest.mark.parametrize("text", [b"a", b" ", b"a ", b"<", b"xmlns", b' xmlns="', b" xmlns='", b"=", b'x="', b"a\n= "])
def test_reading_takes_time_in_proportion(text: bytes) -> None:
    names = ForeignNames()
    began = time.process_time()
    names.admit("nvr", text * (2**20 // len(text)))
    assert time.process_time() - began < 5.0


def test_recorded_answers_have_few_names(shared_data: Path) -> None:
    names = ForeignNames()
    for file in (shared_data / "captures").rglob("*Response.xml"):
        assert names.admit("nvr", file.read_bytes())
    known, _ = names._known["nvr"]
    assert 50 < len(known) < 5000


async def test_an_nvr_that_invents_names_is_told_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "names_of_nvrs", ForeignNames(max_names=500))
    asked = 0

    async def invent(request: web.Request, text: str) -> web.Response:
        nonlocal asked
        asked += 1
        return soap(
            "<trt:GetProfilesResponse>" + "".join(f"<n{asked}x{n}/>" for n in range(100)) + "</trt:GetProfilesResponse>"
        )

    async with OddDevice(GetProfiles=invent) as device, NvrClient(device.access) as client:
        await client.connect()
        with pytest.raises(UpstreamProtocolError, match="different XML names"):
            for _ in range(10):
                await client.call(MEDIA, "GetProfiles", {}, "read the list of streams")
    assert 2 < asked < 10
