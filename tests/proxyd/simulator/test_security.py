"""UsernameToken: digest, window, replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.simulator.security import (
    CREATED_WINDOW_S,
    MAX_NONCES,
    TokenVerifier,
    Verdict,
    parse_created,
    password_digest,
)
from proxyd.simulator.soap import NAMESPACES, Element
from tests.proxyd.simulator.onvif_requests import token

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def security(text: str) -> Element:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return etree.fromstring(text.replace("<wsse:Security>", f"<wsse:Security {declared}>"))


def check(verifier: TokenVerifier, text: str, now: datetime = NOW) -> Verdict:
    return verifier.verify(security(text), username="admin", password="secret", now=now)


def test_the_known_digest() -> None:
    """Computed with openssl: SHA-1 of "nonce" + created + "secret"."""
    assert password_digest(b"nonce", "2026-01-01T00:00:00Z", "secret") == "pnjj9YytzZmPCimFk6SD59iS/Q4="


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (token("admin", "secret", now=NOW), Verdict(True)),
        (token("admin", "wrong", now=NOW), Verdict(False, "wrong password", wrong_password=True)),
        (token("root", "secret", now=NOW), Verdict(False, "unknown user", wrong_password=True)),
        (
            token("admin", "secret", now=NOW + timedelta(seconds=CREATED_WINDOW_S + 1)),
            Verdict(False, "created outside the window"),
        ),
        (token("admin", "secret", now=NOW - timedelta(seconds=CREATED_WINDOW_S - 1)), Verdict(True)),
        (
            token("admin", "secret", now=NOW, kind="#PasswordText"),
            Verdict(False, "not a password digest with nonce"),
        ),
        ("<wsse:Security></wsse:Security>", Verdict(False, "no UsernameToken")),
        (
            "<wsse:Security><wsse:UsernameToken/></wsse:Security>",
            Verdict(False, "malformed token"),
        ),
    ],
)
def test_verdicts(made: str, verdict: Verdict) -> None:
    assert check(TokenVerifier(), made) == verdict


def test_a_nonce_is_used_once() -> None:
    verifier = TokenVerifier()
    made = token("admin", "secret", now=NOW)
    assert check(verifier, made).ok
    assert check(verifier, made).reason == "nonce used before"


def test_nonces_are_bounded() -> None:
    verifier = TokenVerifier()
    for number in range(MAX_NONCES + 50):
        nonce = number.to_bytes(4, "big")
        assert check(verifier, token("admin", "secret", now=NOW, nonce=nonce)).ok
    assert len(verifier._nonces) == MAX_NONCES


def test_old_nonces_are_forgotten() -> None:
    verifier = TokenVerifier()
    assert check(verifier, token("admin", "secret", now=NOW)).ok
    later = NOW + timedelta(seconds=3 * CREATED_WINDOW_S)
    assert check(verifier, token("admin", "secret", now=later), later).ok
    assert len(verifier._nonces) == 1


def test_created_without_zone_is_utc() -> None:
    assert parse_created("2026-11-22T12:00:00") == NOW
    assert parse_created("2026-11-22T13:00:00+01:00") == NOW


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_token_gets_a_verdict(user: str, password: str, nonce: str, created: str) -> None:
    made = security("<wsse:Security/>".replace("/>", "></wsse:Security>"))
    holder = etree.SubElement(made, f"{{{NAMESPACES['wsse']}}}UsernameToken")
    for name, text in (("wsse:Username", user), ("wsse:Password", password), ("wsse:Nonce", nonce)):
        child = etree.SubElement(holder, f"{{{NAMESPACES['wsse']}}}{name.partition(':')[2]}")
        child.text = "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff")
    stamp = etree.SubElement(holder, f"{{{NAMESPACES['wsu']}}}Created")
    stamp.text = "".join(c for c in created if c.isprintable() and not "\ud800" <= c <= "\udfff")
    assert not TokenVerifier().verify(made, username="admin", password="secret", now=NOW).ok
