"""The requests that make and keep subscriptions, and what odd answers to them mean. Pure."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.nvr.envelope import Login, SoapCall, read_body, write_call
from proxyd.nvr.events import subscription as sub
from proxyd.nvr.refusals import NotSoap, SoapFault
from proxyd.simulator.security import TokenVerifier
from proxyd.simulator.soap import parse_request
from tests.proxyd.onvif.schemas import Validator, load

WSA = "http://www.w3.org/2005/08/addressing"
NOW = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
LOGIN = Login("admin", "s3cret pass", b"0123456789abcdef", NOW)
ANSWER = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing" '
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"><s:Body>'
    "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>{reference}</tev:SubscriptionReference>"
    "<wsnt:CurrentTime>{now}</wsnt:CurrentTime><wsnt:TerminationTime>{end}</wsnt:TerminationTime>"
    "</tev:CreatePullPointSubscriptionResponse></s:Body></s:Envelope>"
)
ADDRESS = "<wsa:Address> http://10.0.0.1/events?x=1&amp;y=2 </wsa:Address>"


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    """Those inside the client library: they are everywhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two services name an element Capabilities; harmless
        return load(None, tmp_path_factory.mktemp("schemas"))


def granted(reference: str = ADDRESS, now: str = "2017-01-01T00:00:00Z", end: str = "2017-01-01T00:02:00Z") -> object:
    body = read_body(ANSWER.format(reference=reference, now=now, end=end).encode())
    assert body is not None
    return sub.granted(body)


def all_calls(manner: sub.Manner) -> list[SoapCall]:
    at = sub.manage("http://nvr/sub", (), manner)
    return [
        sub.create_pull_point("http://nvr/events", manner),
        sub.subscribe("http://nvr/events", "http://10.0.0.2:4000/secret", manner),
        sub.pull(at, 30, 100),
        sub.renew(at),
        sub.unsubscribe(at),
    ]


@pytest.mark.parametrize("manner", sub.MANNERS)
def test_every_request_is_signed_and_valid(manner: sub.Manner, schemas: Validator) -> None:
    for call in all_calls(manner):
        request = parse_request(write_call(call, LOGIN, "urn:uuid:1"))
        assert request.security is not None
        assert request.addressed == manner.addressed
        verdict = TokenVerifier().verify(request.security, username="admin", password="s3cret pass", now=NOW)
        assert verdict.ok, verdict
        schemas.body(write_call(call, None, "urn:uuid:1"))


def test_no_secret_is_in_what_is_shown() -> None:
    message = write_call(all_calls(sub.MANNERS[0])[0], LOGIN, "urn:uuid:1")
    assert b"s3cret pass" not in message
    assert "s3cret" not in repr(LOGIN)


def test_reference_parameters_come_back_in_every_request() -> None:
    """Some devices have one address for all subscriptions, and tell them apart by these alone."""
    parameters = '<wsa:ReferenceParameters><d:Id xmlns:d="http://device.example">7</d:Id></wsa:ReferenceParameters>'
    made = granted(ADDRESS + parameters)
    assert isinstance(made, sub.Granted)
    at = sub.manage(made.address, made.references, sub.Manner(addressed=False))
    for call in (sub.pull(at, 1, 1), sub.renew(at), sub.unsubscribe(at)):
        root = etree.fromstring(write_call(call, LOGIN, "urn:uuid:1"))
        [found] = root.iter("{http://device.example}Id")
        assert found.text == "7"
        assert found.get(f"{{{WSA}}}IsReferenceParameter") == "true"


@pytest.mark.parametrize(
    ("now", "end", "lifetime_s"),
    [
        ("2017-01-01T00:00:00Z", "2017-01-01T00:02:00Z", 120.0),  # the clock is wrong, the span is right
        ("2026-01-01T00:00:00+08:00", "2025-12-31T16:01:00Z", 60.0),
        ("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z", sub.LONGEST_S),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 60.0),  # nonsense: as if it had said nothing
        ("2026-01-01T00:05:00Z", "2026-01-01T00:00:00Z", 60.0),
        ("", "soon", 60.0),
    ],
)
def test_only_the_span_between_the_devices_own_times_counts(now: str, end: str, lifetime_s: float) -> None:
    made = granted(now=now, end=end)
    assert isinstance(made, sub.Granted)
    assert (made.address, made.lifetime_s) == ("http://10.0.0.1/events?x=1&y=2", lifetime_s)


@pytest.mark.parametrize("reference", ["", "<wsa:Address/>", "<wsa:Address>  </wsa:Address>", "<wsa:To>x</wsa:To>"])
def test_an_answer_without_an_address_is_no_subscription(reference: str) -> None:
    assert granted(reference) is None


def test_used_up_subscriptions_are_told_from_other_faults() -> None:
    assert sub.is_full(SoapFault(500, ("Receiver", "Action", "BlockedThreadUpperLimit"), ""))
    assert not sub.is_full(SoapFault(400, ("Sender", "InvalidArgVal"), "no"))
    assert not sub.is_full(NotSoap(404, "a web page"))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_body_or_none(junk: bytes) -> None:
    for data in (junk, ANSWER.encode()[:-20] + junk, ANSWER.encode() + junk):
        body = read_body(data)
        if body is not None:
            sub.granted(body)
            sub.lifetime_of(body)
