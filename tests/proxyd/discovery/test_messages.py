"""Messages: what recorders send is understood, what we say follows the schema, and nothing is too strange."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from wsdiscovery.actions import constructProbe, constructResolve
from wsdiscovery.message import createSOAPMessage, parseSOAPMessage
from wsdiscovery.qname import QName
from wsdiscovery.scope import Scope

from proxyd.discovery.guard import MAX_DATAGRAM_BYTES, MAX_DEPTH, MAX_TAGS, MAX_WORDS, Refused, admit, depth
from proxyd.discovery.messages import (
    TYPES,
    Endpoint,
    NoRequest,
    Probe,
    Resolve,
    Stamp,
    format_answer,
    format_bye,
    format_hello,
    parse_request,
)
from proxyd.discovery.responder import AppSequence
from proxyd.nvr.probe import PROBE_TYPES, format_probe
from tests.proxyd.discovery.wire import MESSAGE_ID, NVT, SOAP, WSA, WSD, Said, message, probe, resolve
from tests.proxyd.onvif.builders import camera_spec

ENDPOINT = Endpoint(
    "urn:uuid:6f1c2f6e-0f4b-4c11-9d0c-000000000003",
    ("onvif://a/b%20c",),
    ("http://10.0.0.1/x", "https://10.0.0.1/x"),
    12,
)
STAMP = Stamp("urn:uuid:1", 1_700_000_000, 5)
ASKED = Probe(MESSAGE_ID, (TYPES[0],), ())


def test_a_probe_is_read() -> None:
    assert parse_request(probe()) == ASKED
    assert parse_request(probe("dn:NetworkVideoTransmitter\n tds:Device", "onvif://a/b  onvif://c", rule="r")) == Probe(
        MESSAGE_ID, TYPES, ("onvif://a/b", "onvif://c"), "r"
    )


@pytest.mark.parametrize("wanted", PROBE_TYPES)
def test_our_own_search_would_find_it(wanted: tuple[str, str, str]) -> None:
    request = parse_request(format_probe(MESSAGE_ID, wanted))
    assert request == Probe(MESSAGE_ID, (wanted[:2],), ())


@pytest.mark.parametrize(
    ("body", "types"),
    [
        ("<d:Probe/>", ()),
        ("<d:Probe><d:Types/><d:Scopes/></d:Probe>", ()),
        (f'<Probe xmlns="{WSD}"><Types xmlns:q="{NVT}">q:NetworkVideoTransmitter</Types></Probe>', (TYPES[0],)),
        ("<d:Probe><d:Types>nobody:NetworkVideoTransmitter</d:Types></d:Probe>", (("", "NetworkVideoTransmitter"),)),
    ],
)
def test_probes_of_many_clients(body: str, types: tuple[tuple[str, str], ...]) -> None:
    assert parse_request(message(body, to="")) == Probe(MESSAGE_ID, types, ())


def test_a_resolve_is_read_past_other_addresses() -> None:
    reply_to = f"<a:ReplyTo><a:Address>{WSA}/role/anonymous</a:Address></a:ReplyTo>"
    assert parse_request(resolve("urn:uuid:a", header=reply_to)) == Resolve(MESSAGE_ID, "urn:uuid:a")
    assert parse_request(message("<d:Resolve/>")) == Resolve(MESSAGE_ID, "")


def test_the_codec_s_own_messages_are_read() -> None:
    asked = constructProbe([QName(*TYPES[0], "x")], [Scope("onvif://a/b c")])
    assert parse_request(str(createSOAPMessage(asked)).encode()) == Probe(
        asked.getMessageId(), (TYPES[0],), ("onvif://a/b c",)
    )
    asked = constructResolve("urn:uuid:z")
    assert parse_request(str(createSOAPMessage(asked)).encode()) == Resolve(asked.getMessageId(), "urn:uuid:z")


@pytest.mark.parametrize(
    "data",
    [format_hello(ENDPOINT, STAMP), format_bye(ENDPOINT, STAMP), format_answer(ASKED, ENDPOINT, STAMP)]
    + [message("<tds:Probe/>"), message("<d:Other/>"), message("")],
)
def test_what_asks_nothing_is_no_trouble(data: bytes) -> None:
    assert parse_request(data) == NoRequest()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"<a/>",
        b"\xff\xfe" + "<a/>".encode("utf-16-le"),
        probe().decode().replace("utf-8", "utf-16").encode("utf-16"),
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + probe(),
        probe().replace(SOAP.encode(), b"http://schemas.xmlsoap.org/soap/envelope/"),
        probe(message_id=""),
        probe(message_id="x" * 300),
        probe(message_id="x") + b" " * MAX_DATAGRAM_BYTES,
        probe()[:-1],
        message("<d:Probe>" + "<a>" * (MAX_DEPTH + 1) + "</a>" * (MAX_DEPTH + 1) + "</d:Probe>"),
        message("<d:Probe>" + "<a/>" * MAX_TAGS + "</d:Probe>"),
        probe("a:b " * (MAX_WORDS + 1)),
        probe("<b/>"),
        b"\0" + probe(),
    ],
)
def test_what_cannot_be_read_has_a_reason(data: bytes) -> None:
    request = parse_request(data)
    assert isinstance(request, NoRequest)
    assert request.reason


def test_limits_are_reached_exactly() -> None:
    spare = MAX_DATAGRAM_BYTES - len(probe())
    assert isinstance(parse_request(probe() + b" " * spare), Probe)
    assert isinstance(parse_request(probe() + b" " * (spare + 1)), NoRequest)


_TREES = st.recursive(
    st.sampled_from(["", "x", "<a/>", "<a b='>'/>", '<a b="/>"></a>', "<a b='\"'>y</a>"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"<n>{''.join(parts)}</n>"),
    max_leaves=12,
)


@given(_TREES)
def test_the_depth_is_never_less_than_a_parser_finds(text: str) -> None:
    document = f"<r>{text}</r>"

    def deepest(element: Any) -> int:
        return 1 + max((deepest(child) for child in element), default=0)

    # An element without content opens nothing that could be nested.
    found = deepest(etree.fromstring(document))
    assert found - 1 <= depth(document) <= found


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=300).map(str.encode),
        st.builds(
            lambda i, cut, new: probe()[:i] + new + probe()[i + cut :],
            st.integers(0, 800),
            st.integers(0, 40),
            st.binary(max_size=20) | st.sampled_from([b"<", b">", b"<!--", b"]]>", b"<![CDATA[", b"&amp;", b"&x;"]),
        ),
    )
)
def test_any_datagram_is_survived(data: bytes) -> None:
    assert isinstance(parse_request(data), Probe | Resolve | NoRequest)


@given(st.binary(max_size=200))
def test_the_guard_admits_or_refuses(data: bytes) -> None:
    try:
        assert isinstance(admit(data), str)
    except Refused as refused:
        assert refused.reason


async def test_a_hostile_datagram_costs_little_time() -> None:
    """The worst that the guard admits; the bound is some hundred times what it takes."""
    words = "a:b " * (MAX_WORDS - 40)
    quotes = ("<" + "\"'" * 30 + " ") * 200
    loop = asyncio.get_running_loop()
    for data in (probe(words), quotes.encode(), b'<a b="' * 250, probe("x" * 15000), (b"<a" + b" b='<" * 3000)[:16000]):
        before = loop.time()
        parse_request(data)
        assert loop.time() - before < 1.0


# What we say ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    stand_in = tmp_path_factory.mktemp("schema") / "addressing.xsd"
    stand_in.write_text(STAND_IN)
    file = shared_data / "onvif-specs" / "helpers" / "ws-discovery.xsd"
    return xmlschema.XMLSchema11(str(file), uri_mapper={WSA: stand_in.as_uri()}, allow="local")


# Only what ws-discovery.xsd refers to; the schema of WS-Addressing 2004/08 is not among the published files we have.
STAND_IN = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{WSA}"
 elementFormDefault="qualified"><xs:element name="EndpointReference"><xs:complexType><xs:sequence>
 <xs:element name="Address" type="xs:anyURI"/></xs:sequence></xs:complexType></xs:element></xs:schema>"""


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (format_hello(ENDPOINT, STAMP), "Hello"),
        (format_bye(ENDPOINT, STAMP), "Bye"),
        (format_answer(ASKED, ENDPOINT, STAMP), "ProbeMatches"),
        (format_answer(Resolve("urn:uuid:q", ENDPOINT.address), ENDPOINT, STAMP), "ResolveMatches"),
    ],
)
def test_what_we_say_follows_the_schema(schema: Any, data: bytes, kind: str) -> None:
    said = Said(data)
    assert said.kind == kind
    schema.validate(said.root[-1][0], namespaces=said.root.nsmap)
    assert said.text("Action") == f"{WSD}/{kind}"
    assert (said.instance, said.number) == (STAMP.instance_id, STAMP.number)
    assert said.text("MessageID") == STAMP.message_id
    assert said.root.tag == f"{{{SOAP}}}Envelope"
    assert data.startswith(b"<?xml")


def test_what_we_say_is_understood_by_the_codec() -> None:
    read = parseSOAPMessage(format_answer(ASKED, ENDPOINT, STAMP), "10.0.0.1")
    assert read.getRelatesTo() == MESSAGE_ID
    told = read.getProbeResolveMatches()[0]
    assert told.getEPR() == ENDPOINT.address
    assert told.getXAddrs() == list(ENDPOINT.xaddrs)
    assert [(q.getNamespace(), q.getLocalname()) for q in told.getTypes()] == list(TYPES)
    assert told.getMetadataVersion() == "12"


def test_odd_names_stay_inside_the_scopes() -> None:
    """Spaces would end a scope, and a name must not end the document."""
    spec = camera_spec(name="Tor <2> & Höfe  “Süd”")
    said = Said(format_hello(AppSequence(1).describe(spec), STAMP))
    listed = said.text("Scopes").split()
    assert len([scope for scope in listed if scope.startswith("onvif://www.onvif.org/name/")]) == 1
    assert all(scope.isascii() for scope in listed)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=256))
def test_any_message_id_comes_back(message_id: str) -> None:
    answer = Said(format_answer(Probe(message_id, (), ()), ENDPOINT, STAMP))
    assert answer.text("RelatesTo") == message_id.strip()
