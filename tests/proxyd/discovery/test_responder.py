"""Whom a camera answers: matching by the standard's rules, once per question, within limits, numbers that grow."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.discovery.matching import matches_scopes, matches_types
from proxyd.discovery.messages import TYPES, Probe, Resolve
from proxyd.discovery.responder import (
    ANSWERS_PER_S,
    BURST,
    MAX_REMEMBERED,
    MAX_SENDERS,
    REPEAT_WINDOW_S,
    SENDER_BURST,
    SENDER_PER_S,
    AppSequence,
    Responder,
)
from proxyd.onvif.scopes import scopes
from tests.proxyd.discovery.wire import NVT, Said, message, probe, resolve
from tests.proxyd.onvif.builders import camera_spec

RULES = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
SPEC = camera_spec()
OWN = scopes(SPEC)
SENDER = "10.0.0.9"


def responder() -> Responder:
    ids = count()
    return Responder(SPEC, AppSequence(1000), lambda: f"urn:uuid:{next(ids)}")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ([], True),
        ([TYPES[0]], True),
        ([TYPES[1]], True),
        ([*TYPES], True),
        ([("", "NetworkVideoTransmitter")], True),
        ([(NVT, "NetworkVideoDisplay")], False),
        ([TYPES[0], (NVT, "NetworkVideoDisplay")], False),
        ([("http://other", "NetworkVideoTransmitter")], False),
        ([("", "Printer")], False),
    ],
)
def test_types(asked: list[tuple[str, str]], meant: bool) -> None:
    assert matches_types(asked, TYPES) == meant


_O = "onvif://www.onvif.org"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("", True),
        (f"{_O}/Profile/Streaming", True),
        (f"{_O}/Profile", True),
        (f"{_O}/Profile/", True),
        (_O, True),
        ("ONVIF://WWW.onvif.ORG/Profile/Streaming?x#y", True),
        (f"{_O}/type/video_encoder {_O}/Profile/Streaming", True),
        (f"{_O}/name/Yard%20%3Cnorth%3E%20%26%20gate", True),
        (f"{_O}/Prof", False),
        (f"{_O}/profile", False),
        (f"{_O}/Profile/Streaming/more", False),
        (f"{_O}/./Profile", False),
        (f"{_O}/name/../Profile", False),
        ("onvif://other/Profile", False),
        ("http://www.onvif.org/Profile", False),
        (f"{_O}/Profile/Streaming {_O}/location/moon", False),
        ("nonsense", False),
        ("://[", False),
    ],
)
def test_scopes_by_segments(asked: str, meant: bool) -> None:
    for rule in ("", f"{RULES}/rfc2396", "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/rfc3986"):
        assert matches_scopes(asked.split(), OWN, rule) == meant


def test_scopes_by_other_rules() -> None:
    assert matches_scopes([OWN[0]], OWN, f"{RULES}/strcmp0")
    assert not matches_scopes([f"{_O}/Profile"], OWN, f"{RULES}/strcmp0")
    assert not matches_scopes([OWN[0].upper()], OWN, f"{RULES}/strcmp0")
    assert matches_scopes([OWN[0].upper()], OWN, f"{RULES}/uuid")
    assert not matches_scopes([f"{_O}/Profile"], OWN, f"{RULES}/uuid")
    assert not matches_scopes([OWN[0]], OWN, f"{RULES}/ldap"), "unknown rules match nothing"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_scope_can_be_compared(one: str, other: str) -> None:
    matches_scopes([one], [other])
    assert matches_scopes([f"x://h/{one.partition('?')[0].partition('#')[0].replace('.', '')}"], ["x://h/"]) in (
        True,
        False,
    )


@given(st.lists(st.text("abc", min_size=1, max_size=2), max_size=4), st.integers(0, 4))
def test_every_beginning_matches_and_nothing_longer(segments: list[str], length: int) -> None:
    own = "onvif://h/" + "/".join(segments)
    assert matches_scopes(["onvif://h/" + "/".join(segments[:length])], [own])
    assert not matches_scopes([own + ("" if own.endswith("/") else "/") + "more"], [own])


def test_each_question_is_answered_once() -> None:
    r = responder()
    assert r.question(probe(), SENDER, 0) == Probe("urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a", (TYPES[0],), ())
    assert r.question(probe(), SENDER, 1.9) is None
    assert r.question(probe(), "10.0.0.8", 1.9) is not None, "another recorder with the same firmware"
    assert r.question(probe(), SENDER, REPEAT_WINDOW_S + 0.1) is not None, "some clients never change the MessageID"
    assert r.counts.repeated == 1
    assert r.counts.received == 4


def test_a_resolve_for_another_device_is_none_of_our_business() -> None:
    r = responder()
    assert r.question(resolve(f"urn:uuid:{SPEC.uuid.upper()}"), SENDER, 0) is not None
    assert r.question(resolve(f"uuid:{SPEC.uuid}", message_id="urn:uuid:2"), SENDER, 0) is not None
    assert r.question(resolve("urn:uuid:somebody", message_id="urn:uuid:3"), SENDER, 0) is None
    assert r.question(resolve("", message_id="urn:uuid:4"), SENDER, 0) is None
    assert r.counts.not_for_us == 2


def test_no_answer_is_counted_by_its_cause() -> None:
    r = responder()
    assert r.question(b"garbage", SENDER, 0) is None
    assert r.question(message("<d:Hello/>"), SENDER, 0) is None
    assert r.question(probe("dn:NetworkVideoDisplay"), SENDER, 0) is None
    assert r.question(probe(scopes="onvif://www.onvif.org/location/moon"), SENDER, 0) is None
    assert (r.counts.unreadable, r.counts.not_for_us, r.counts.answered) == (1, 3, 0)


def test_a_flood_is_answered_only_so_often() -> None:
    r = responder()
    answered = sum(
        r.question(probe(message_id=f"urn:{n}"), f"10.0.{n % 9}.1", n / 1000) is not None for n in range(5000)
    )
    assert answered <= BURST + 5 * ANSWERS_PER_S + 1
    assert r.counts.too_many == 5000 - answered
    assert len(r._answered) <= MAX_REMEMBERED
    assert r.question(probe(message_id="urn:later"), SENDER, 60) is not None


def test_one_that_asks_all_the_time_leaves_answers_for_others() -> None:
    r = responder()
    flood = sum(r.question(probe(message_id=f"urn:{n}"), "10.0.0.66", n / 1000) is not None for n in range(20_000))
    assert flood <= SENDER_BURST + 20 * SENDER_PER_S + 1
    for second in range(20, 30):
        r.question(probe(message_id="urn:flood"), "10.0.0.66", second)
        assert r.question(probe(message_id=f"urn:{second}"), SENDER, second) is not None


def test_only_so_many_senders_are_remembered() -> None:
    r = responder()
    for n in range(MAX_SENDERS * 3):
        r.question(probe(message_id=f"urn:{n}"), f"10.0.{n // 250}.{n % 250}", n)
    assert len(r._shares) == MAX_SENDERS


def test_numbers_grow_and_ids_differ_whatever_is_said() -> None:
    r = responder()
    said = [
        Said(data)
        for data in (r.hello(), r.answer(Probe("a", (), ())), r.answer(Resolve("b", "c")), r.bye(), r.hello())
    ]
    assert [one.number for one in said] == [1, 2, 3, 4, 5]
    assert len({one.text("MessageID") for one in said}) == 5
    assert {one.instance for one in said} == {1000}


def test_versions_grow_with_what_is_said_also_over_a_new_address() -> None:
    sequence = AppSequence(1000)
    first = Responder(SPEC, sequence, lambda: "urn:uuid:1")
    assert not first.update(replace(SPEC, password="new"))
    assert first.update(replace(SPEC, name="Gate"))
    moved = Responder(replace(SPEC, name="Gate", address="10.0.0.77"), sequence, lambda: "urn:uuid:1")
    assert first.endpoint.metadata_version == 1001
    assert moved.endpoint.metadata_version == 1002
    assert moved.endpoint.xaddrs[0].startswith("http://10.0.0.77")
    assert moved.endpoint.address == first.endpoint.address == f"urn:uuid:{SPEC.uuid}"


def test_https_is_told_of_beside_http_while_the_camera_listens() -> None:
    camera = Responder(SPEC, AppSequence(1000), lambda: "urn:uuid:1")
    http = f"http://{SPEC.address}:{SPEC.http_port}/onvif/device_service".replace(":80/", "/")
    https = f"https://{SPEC.address}:8443/onvif/device_service"
    told = [camera.endpoint.xaddrs]
    for port, changes in ((8443, True), (8443, False), (0, True)):
        assert camera.update(SPEC, port) == changes
        told.append(camera.endpoint.xaddrs)
    assert told == [(http,), (http, https), (http, https), (http,)]
    assert camera.endpoint.metadata_version == 1002


def test_the_address_is_the_one_that_the_device_service_tells() -> None:
    """GetEndpointReference and discovery must agree, or recorders take the camera for two."""
    assert responder().endpoint.address == f"urn:uuid:{SPEC.uuid}"
