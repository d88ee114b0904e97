"""What of an exchange is shown: everything but what could open the camera."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.raw_exchange import GONE, MAX_SIDE_BYTES, RawExchange, shown

SECRET = "Sw0rdf1sh"
_SECURITY = (
    "<s:Header><Security><UsernameToken><Username>onvif</Username>"
    f'<Password Type="http://x#PasswordDigest">{SECRET}</Password>'
    f'<Nonce EncodingType="x">{SECRET}</Nonce><Created>{SECRET}</Created></UsernameToken></Security></s:Header>'
)


@pytest.mark.parametrize(
    "text",
    [
        _SECURITY,
        _SECURITY.replace("<Password", "<wsse:Password").replace("</Password", "</wsse:Password"),
        f"<Password><![CDATA[{SECRET}]]></Password>",
        f"<Password>one<b>{SECRET}</b></Password >",
        f'<Password Type="a>b">{SECRET}</Password>',
        f"<Password\n>{SECRET}",  # cut off before its end
        f"<Password {'a' * 500}='x'>{SECRET}",
        f"<Password <x>{SECRET}",
        f"<tt:PrivateKey><tt:Data>{SECRET}</tt:Data></tt:PrivateKey>",
        f"GET / HTTP/1.1\r\nAuthorization: Basic {SECRET}\r\nHost: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nauthorization :Digest username=a,\r\n response={SECRET}\r\nHost: x\r\n\r\n",
        f'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="a", nonce="{SECRET}"\r\n\r\n',
        f"<tt:Uri>rtsp://admin:{SECRET}@10.0.0.4/main</tt:Uri>",
        f"GET /x?user=admin&password={SECRET}&a=b HTTP/1.1\r\n\r\n",
    ],
)
def test_secrets_are_removed(text: str) -> None:
    said = shown(text.encode(), ())
    assert SECRET not in said
    assert GONE in said


def test_what_is_no_secret_stays() -> None:
    said = shown(f"POST /x HTTP/1.1\r\nHost: a\r\n\r\n{_SECURITY}<Body><GetProfiles/></Body>".encode(), ())
    assert said.startswith("POST /x HTTP/1.1\nHost: a\n\n")
    assert "<Username>onvif</Username>" in said
    assert said.endswith("<Body><GetProfiles/></Body>")
    assert shown(b"<Password/><Name>Yard</Name>", ()) == "<Password/><Name>Yard</Name>"


def test_known_secrets_are_removed_wherever_they_stand() -> None:
    assert shown(f"<Scope>{SECRET}</Scope>".encode(), (SECRET, "")) == f"<Scope>{GONE}</Scope>"


@pytest.mark.parametrize(
    "side",
    [
        _SECURITY.encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-Password+AD4-' + SECRET.encode(),
        b"\xff\xfe\xfd",
    ],
)
def test_what_hides_its_words_is_not_shown(side: bytes) -> None:
    assert shown(side, ()) == f"({len(side)} bytes that are no UTF-8 text)"


def test_long_sides_are_cut_and_say_so() -> None:
    raw = RawExchange.of(("ü" * MAX_SIDE_BYTES).encode(), b"x" + ("ü" * MAX_SIDE_BYTES).encode())
    assert raw.size == 2 * MAX_SIDE_BYTES
    for side in (raw.request, raw.reply):
        assert shown(side, ()).endswith(f"\n(cut off after {MAX_SIDE_BYTES} bytes)")


@pytest.mark.parametrize(
    "piece",
    ["<Password ", "<Password>", "</Password", "<?xml ", "a://", "password=", "nonce=", "Cookie:\n ", "<x:", "a", "="],
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    shown((piece * MAX_SIDE_BYTES).encode()[:MAX_SIDE_BYTES], ())
    assert time.process_time() - began < 0.1


@given(st.text(max_size=30), st.text(max_size=30), st.integers(0, 200))
def test_a_password_is_removed_wherever_the_text_is_cut(before: str, after: str, cut: int) -> None:
    password = base64.b64encode(b"a long password digest").decode()
    side = f"{before}<Password>{password}</Password>{after}".encode()[:cut]
    assert password[:8] not in shown(side, ())


@given(st.binary(max_size=300))
def test_any_bytes_give_text(side: bytes) -> None:
    assert isinstance(shown(side, ("secret",)), str)
