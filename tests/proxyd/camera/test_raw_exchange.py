"""What of an exchange is shown: everything but what could open the camera."""

from __future__ import annotations

import string
import time
from xml.sax.saxutils import quoteattr, unescape

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxyd.camera.raw_exchange import MAX_SIDE_BYTES, RawExchange, shown
from proxyd.camera.raw_text import GONE

SECRET = "Sw0rdf1sh"
_SCHEMES = {"digest", "bearer", "negotiate"}  # their names are shown, and long enough to be chosen as a secret
_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_SECURITY = (
    "<Header><Security><UsernameToken><Username>onvif</Username>"
    f'<Password Type="{_TYPE}">{SECRET}</Password>'
    f'<Nonce EncodingType="x">{SECRET}</Nonce><Created>{SECRET}</Created></UsernameToken></Security></Header>'
)


_PLACES = [
    *("<Password>{}</Password>", "<wsse:Password>{}</wsse:Password>", "<Password>one<b>{}</b></Password >"),
    "<Password><!-- </Password> -->{}</Password>",
    "<Password><Password>one</Password>{}</Password>",
    '<Password Type="a>b">{}</Password>',
    "<Password><Username>{}</Username></Password>",
    *("<Nonce>{}</Nonce>", "<Security><Created>{}</Created></Security>", "<Security><x:Any>{}</x:Any></Security>"),
    '<Security><x:Any x:that="{}"/></Security>',
    '<UsernameToken Id="{}"/>',
    "<tds:CreateUsers><tds:User><tt:Extension>{}</tt:Extension></tds:User></tds:CreateUsers>",
    "<tds:SetUser><tds:User><tt:Passwd>{}</tt:Passwd></tds:User></tds:SetUser>",
    "<tds:CreateCertificate><tds:Subject>{}</tds:Subject></tds:CreateCertificate>",
    "<tds:LoadCertificateWithPrivateKey><tt:PrivateKey><tt:Data>{}</tt:Data></tt:PrivateKey></tds:"
    "LoadCertificateWithPrivateKey>",
    '<tt:SimpleItem Name="Password" Value="{}"/>',
    '<tt:Item secret="{}"/>',
    "<tt:Uri>rtsp://admin:{}@10.0.0.4/main</tt:Uri>",
    "<tt:Uri>http://10.0.0.4/x?token={}</tt:Uri>",
    "<tt:Uri>http://10.0.0.4/user=admin_password={}_channel=1</tt:Uri>",
    '<a Uri="http://10.0.0.4/x?user=a&amp;key={}"/>',
]
_HEADS = [
    "GET / HTTP/1.1\r\nAuthorization: Basic {}\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nAuthorization: {}\r\n\r\n",
    "GET / HTTP/1.1\r\nauthorization :Digest username=a,\r\n response={}\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Api-Password: {}\r\n\r\n",
    "GET / HTTP/1.1\r\nX-Auth: {}\r\n\r\n",
    "GET / HTTP/1.1\r\nCookie: a={}\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n {}\r\n\r\n",
    "GET / HTTP/1.1\r\nReferer: http://x/{}\r\n\r\n",
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="a", nonce="{}"\r\n\r\n',
    "GET /x?user=admin&password={}&a=b HTTP/1.1\r\n\r\n",
    "GET /x?{} HTTP/1.1\r\n\r\n",
    "DESCRIBE rtsp://a:{}@10.0.0.4/main RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nuser=a&word={}",
    "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b '{}'>]><a>&b;</a>",
    "<a/>{}",
]


@pytest.mark.parametrize("place", _PLACES)
@given(secret=st.text(string.ascii_letters + string.digits + "@/:;&=?#%+!'\"<>.~é", min_size=6, max_size=20))
def test_no_secret_is_shown_wherever_it_stands_in_a_document(place: str, secret: str) -> None:
    for written in (quoteattr(secret)[1:-1].replace('"', "&quot;"), "".join(f"&#{ord(one)};" for one in secret)):
        _check_hidden(_document(place.format(written)), secret)
    if not place.endswith('"/>') and "=" not in place.partition("{}")[0].rpartition("<")[2]:
        _check_hidden(_document(place.format(f"<![CDATA[</Password>{secret.replace(']]>', '')}]]>")), secret)


@pytest.mark.parametrize("place", _HEADS)
@given(secret=st.text(string.ascii_letters + string.digits + "@/:;&=?#%+!'\"<>.~", min_size=6, max_size=20))
def test_no_secret_is_shown_wherever_it_stands_in_a_head(place: str, secret: str) -> None:
    assume(secret.lower() not in _SCHEMES)
    _check_hidden(place.format(secret).encode(), secret)


@given(secret=st.text(string.ascii_letters + string.digits, min_size=6, max_size=20), data=st.data())
def test_no_part_of_a_secret_is_shown_wherever_the_bytes_are_cut(secret: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([*_HEADS, *(_document(one).decode() for one in _PLACES)]))
    side = place.format(secret).encode()
    padding = b"POST / HTTP/1.1\r\n\r\n<a>" if side.startswith(b"<") else b"POST / HTTP/1.1\r\nAccept: "
    began = side.find(secret.encode())
    assume(secret[:4] not in place and secret.lower() not in _SCHEMES)
    cut = padding + b" " * (MAX_SIDE_BYTES - len(padding) - data.draw(st.integers(began + 4, len(side))))
    cut += (b"" if side.startswith(b"<") else b"\r\n") + side
    assert secret[:4] not in shown(cut[:MAX_SIDE_BYTES], ()).replace(GONE, "")


def _document(content: str) -> bytes:
    return f"<Envelope><Body>{content}</Body></Envelope>".encode()


def _check_hidden(side: bytes, secret: str) -> None:
    said = shown(side, ()).replace(GONE, "")  # "remove" may be a secret, too
    assert secret not in unescape(said, {"&quot;": '"', "&apos;": "'"})
    assert secret not in said


@pytest.mark.parametrize("text", ["<Password\n>{}", "<Password {'a'}='x'>{}", "<Password <x>{}", "<a><b></a>{}"])
def test_nothing_is_shown_after_a_mistake(text: str) -> None:
    said = shown(f"POST / HTTP/1.1\r\n\r\n{text.replace('{}', SECRET)}".encode(), ())
    assert SECRET not in said
    assert said.endswith("\n(the rest is no XML that can be read, and is not shown)")


def test_what_is_no_secret_stays() -> None:
    head = "POST /x?sub=ab12 HTTP/1.1\r\nHost: a\r\nSOAPAction: b\r\n\r\n"
    body = (
        '<s:Envelope xmlns:s="urn:s"><s:Body><trt:GetStreamUri><trt:ProfileToken>main</trt:ProfileToken>'
        '<tt:Uri token="t1">rtsp://10.0.0.4:554/main &amp; more</tt:Uri></trt:GetStreamUri><a/></s:Body></s:Envelope>'
    )
    assert shown(f"{head}{body}".encode(), ()) == head.replace("\r\n", "\n") + body
    said = shown(f"<Envelope>{_SECURITY}</Envelope>".encode(), ())
    assert "<Username>onvif</Username>" in said
    assert "#PasswordDigest" in said
    assert SECRET not in said


def test_a_challenge_says_what_is_asked_for() -> None:
    challenge = 'WWW-Authenticate: Digest realm="onviftui", nonce="abc", qop="auth", algorithm=MD5'
    said = shown(f"HTTP/1.1 401 Unauthorized\r\n{challenge}\r\n\r\n".encode(), ())
    assert 'Digest realm="onviftui", qop="auth", algorithm=MD5' in said


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


@given(st.binary(max_size=300))
def test_any_bytes_give_text(side: bytes) -> None:
    assert isinstance(shown(side, ("secret",)), str)
