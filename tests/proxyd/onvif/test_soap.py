"""Reading hostile requests and writing answers."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.onvif.faults import SoapFault
from proxyd.onvif.soap import MAX_REQUEST_BYTES, SoapRequest, SoapSyntaxError, el, envelope, parse_envelope

from .builders import soap, username_token

_ENV = "http://www.w3.org/2003/05/soap-envelope"
_PLAIN = f'<s:Envelope xmlns:s="{_ENV}"><s:Body><Get xmlns="urn:x"><a> b </a></Get></s:Body></s:Envelope>'


def test_reads_operation_namespace_token_and_addressing() -> None:
    header = f"{username_token(created='2026-11-22T11:00:00Z')}<wsa:MessageID>urn:uuid:1</wsa:MessageID>"
    request = parse_envelope(soap("trt:GetProfile", "<trt:ProfileToken> main </trt:ProfileToken>", header))
    assert (request.version, request.namespace, request.operation) == (
        "1.2",
        "http://www.onvif.org/ver10/media/wsdl",
        "GetProfile",
    )
    assert request.text("trt:ProfileToken") == "main"
    assert request.text("trt:Missing") is None
    assert request.message_id == "urn:uuid:1"
    assert request.security is not None
    assert request.security.created == "2026-11-22T11:00:00Z"
    assert request.security.password not in repr(request)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_reads_utf8_and_utf16_with_and_without_mark(encoding: str) -> None:
    label = "utf-16" if "16" in encoding else "utf-8"
    document = f'<?xml version="1.0" encoding="{label}"?>{_PLAIN}'
    assert parse_envelope(document.encode(encoding)).operation == "Get"


def test_comments_and_processing_instructions_are_no_operation() -> None:
    document = _PLAIN.replace("<Get", "<!-- one --><?two three?><Get")
    assert parse_envelope(document.encode()).operation == "Get"


def test_soap_1_1_is_recognised() -> None:
    old = _PLAIN.replace(_ENV, "http://schemas.xmlsoap.org/soap/envelope/")
    assert parse_envelope(old.encode()).version == "1.1"


_BOMB = (
    '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">'
    + "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10)).replace("&x0;", "&x;")
    + "]>"
)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "well-formed"),
        (b"\0\0", "well-formed"),
        (b"GET / HTTP/1.0", "well-formed"),
        (b"\xff\xfe<", "neither UTF-8 nor UTF-16"),
        (b"\x80abc", "neither UTF-8 nor UTF-16"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a/>', "iso-8859-1"),
        (b"<a/>", "not a SOAP envelope"),
        (f'<s:Envelope xmlns:s="{_ENV}"/>'.encode(), "no Body"),
        (f'<s:Envelope xmlns:s="{_ENV}"><s:Body> </s:Body></s:Envelope>'.encode(), "no Body"),
        (_BOMB.encode() + _PLAIN.replace(" b ", "&x9;").encode(), "document type"),
        (_BOMB.encode("utf-16"), "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (_PLAIN.replace(" b ", "&undefined;").encode(), "well-formed"),
        (_PLAIN.replace("<a>", "<a>" * 999).replace("</a>", "</a>" * 999).encode(), "more than 2000 tags"),
        (_PLAIN.replace("<a>", "<a>" * 900).encode(), "well-formed"),
        (_PLAIN.replace("<a>", "<a>" * 64).replace("</a>", "</a>" * 64).encode(), "deeper than 64"),
        (_PLAIN.replace("<a>", "<a" + "".join(f" n{n}=''" for n in range(1000)) + ">").encode(), "1000 attributes"),
        (b" " * (MAX_REQUEST_BYTES + 1), "larger than"),
    ],
)
def test_refuses_in_words(document: bytes, words: str) -> None:
    with pytest.raises(SoapSyntaxError, match=words):
        parse_envelope(document)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_request_or_the_documented_error(data: bytes) -> None:
    _read(data)


@given(st.binary(max_size=12), st.integers(0, len(_PLAIN)), st.integers(0, 30), st.sampled_from(["utf-8", "utf-16"]))
def test_damaged_requests_give_a_request_or_the_documented_error(
    junk: bytes, at: int, length: int, encoding: str
) -> None:
    data = _PLAIN.encode(encoding)
    _read(data[:at] + junk + data[at + length :])


def _read(data: bytes) -> None:
    try:
        request = parse_envelope(data)
    except SoapSyntaxError as error:
        etree.fromstring(SoapFault(error.code, error.reason, "ter:WellFormed").to_bytes())
    else:
        assert isinstance(request, SoapRequest)


def test_strange_names_do_not_stay_in_memory() -> None:
    """libxml2 would keep each of these 300,000 names for the life of the process (about 12 MB)."""
    pages = Path("/proc/self/statm")
    if not pages.exists():
        pytest.skip("needs /proc to see the memory of the process")
    before = 0
    for number in range(200):
        if number == 40:
            before = int(pages.read_text().split()[1])
        names = "".join(f"<n{number}x{each}/>" for each in range(1900))
        parse_envelope(_PLAIN.replace("<a>", f"<a>{names}").encode())
    grown_bytes = (int(pages.read_text().split()[1]) - before) * resource.getpagesize()
    assert grown_bytes < 4_000_000


def test_envelope_has_fixed_prefixes_and_only_those_used() -> None:
    document = envelope(el("tds:GetHostnameResponse", el("tds:HostnameInformation", el("tt:Name", "<&>"))))
    assert document.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<env:Envelope xmlns:env=")
    assert document.count(b"xmlns:") == 3
    assert b"<tt:Name>&lt;&amp;&gt;</tt:Name>" in document


def test_fault_declares_the_prefixes_of_its_codes() -> None:
    root = etree.fromstring(SoapFault("Sender", "no", "ter:InvalidArgVal", "wsnt:InvalidFilterFault").to_bytes())
    assert {"env", "ter", "wsnt"} == set(root.nsmap)
    with pytest.raises(KeyError):
        SoapFault("Sender", "no", "nonsense:Code").to_bytes()


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))
)
def test_text_survives_the_way_out_and_in(text: str) -> None:
    document = envelope(el("tds:Echo", el("tt:Name", text)))
    assert parse_envelope(document).body[0].text == (text or None)
