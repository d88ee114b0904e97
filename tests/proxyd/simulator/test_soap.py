"""Envelopes in and out: whatever arrives, it is a request or a BadRequest."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.simulator.soap import (
    MAX_REQUEST_BYTES,
    NAMESPACES,
    SOAP,
    BadRequest,
    Fault,
    Request,
    el,
    envelope,
    fault,
    parse_request,
    text_of,
)
from tests.proxyd.simulator import onvif_requests

_BODY = b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><a/></e:Body></e:Envelope>'


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert isinstance(parse_request(data), Request)


@given(st.integers(0, len(_BODY)), st.binary(max_size=6))
def test_damaged_envelopes_are_a_request_or_refused(at: int, noise: bytes) -> None:
    with contextlib.suppress(BadRequest):
        parse_request(_BODY[:at] + noise + _BODY[at:])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a/>",
        _BODY.replace(b"2003/05", b"1999/01"),
        _BODY.replace(b"<a/>", b""),
        b'<!DOCTYPE a [<!ENTITY x "boom">]>' + _BODY,
        b"<!DOCTYPE a>" + _BODY,
        _BODY.replace(b"<a/>", b"<a>" * 300 + b"</a>" * 300),
        _BODY.replace(b"<a/>", b"<a>" + b"x" * MAX_REQUEST_BYTES + b"</a>"),
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_request(data)


def test_the_prefix_does_not_matter() -> None:
    made = onvif_requests.envelope("trt:GetStreamUri", "<ProfileToken> a1 </ProfileToken>")
    request = parse_request(made.replace("trt:", "weird:").replace("xmlns:trt", "xmlns:weird").encode())
    assert (request.namespace, request.operation) == (NAMESPACES["trt"], "GetStreamUri")
    assert text_of(request, "trt:ProfileToken") == "a1"
    assert text_of(request, "trt:Other") is None
    assert request.security is None


def test_the_security_header_is_found() -> None:
    made = onvif_requests.envelope("tds:GetUsers", "", onvif_requests.token("admin", "x"))
    assert parse_request(made.encode()).security is not None


def test_answers_escape_and_use_the_dialects_prefix() -> None:
    data = envelope("SOAP-ENV", el("tds:GetUsersResponse", el("tt:Name", "a<b&c"), None, token="t"))
    assert data.startswith(b"<?xml")
    assert b"<SOAP-ENV:Body><tds:GetUsersResponse" in data
    root = etree.fromstring(data)
    assert root.findtext(".//{http://www.onvif.org/ver10/schema}Name") == "a<b&c"


def test_a_fault_names_its_subcodes() -> None:
    data = fault("env", Fault("Sender", ("ter:InvalidArgVal", "ter:NoProfile"), "no such profile"))
    root = etree.fromstring(data)
    assert [v.text for v in root.iter(f"{{{SOAP}}}Value")] == [
        "env:Sender",
        "ter:InvalidArgVal",
        "ter:NoProfile",
    ]
    assert root.findtext(f".//{{{SOAP}}}Text") == "no such profile"
    assert root.nsmap["ter"] == NAMESPACES["ter"]


def test_recorded_requests_of_real_clients_are_understood(shared_data: Path) -> None:
    recorded = sorted((shared_data / "captures").rglob("*.request.xml"))
    assert len(recorded) > 20
    for file in recorded:
        request = parse_request(file.read_bytes())
        named = file.name.split("_", 1)[1].split(".")[0]
        assert named.startswith(request.operation)
        assert request.namespace.startswith(("http://www.onvif.org/", "http://docs.oasis-open.org/"))
