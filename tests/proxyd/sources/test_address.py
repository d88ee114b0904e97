"""Addresses as people write them, and that no account is left in what is kept or shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.sources.address import Address, BadAddress, parse_picture_address, parse_stream_address, same_device


@pytest.mark.parametrize(
    ("text", "url", "host", "port", "account"),
    [
        ("rtsp://192.0.2.7/live", "rtsp://192.0.2.7/live", "192.0.2.7", 554, ("", "")),
        (" rtsp://192.0.2.7:554/live ", "rtsp://192.0.2.7/live", "192.0.2.7", 554, ("", "")),
        ("RTSP://Cam.Local:8554", "rtsp://cam.local:8554/", "cam.local", 8554, ("", "")),
        ("rtsp://u:p@192.0.2.7/a?b=c#d", "rtsp://192.0.2.7/a?b=c", "192.0.2.7", 554, ("u", "p")),
        ("rtsp://u:p%40ss%2F@192.0.2.7/a", "rtsp://192.0.2.7/a", "192.0.2.7", 554, ("u", "p@ss/")),
        ("rtsp://u:p@ss@192.0.2.7/a@b", "rtsp://192.0.2.7/a@b", "192.0.2.7", 554, ("u", "p@ss")),
        ("rtsp://u:p/s#?@192.0.2.7:88/a", "rtsp://192.0.2.7:88/a", "192.0.2.7", 88, ("u", "p/s#?")),
        ("rtsp://u@192.0.2.7?x=1", "rtsp://192.0.2.7/?x=1", "192.0.2.7", 554, ("u", "")),
        ("rtsp://192.0.2.7:554/a@b", "rtsp://192.0.2.7/a@b", "192.0.2.7", 554, ("", "")),
        ("rtsp://u:p@[2001:db8::7]:8554/a", "rtsp://[2001:db8::7]:8554/a", "2001:db8::7", 8554, ("u", "p")),
        ("rtsps://u:p@192.0.2.7:322/a", "rtsps://192.0.2.7/a", "192.0.2.7", 322, ("u", "p")),
        ("rtspx://192.0.2.7:7441/a", "rtsps://192.0.2.7:7441/a", "192.0.2.7", 7441, ("", "")),
    ],
)
def test_addresses_and_accounts_are_told_apart(
    text: str, url: str, host: str, port: int, account: tuple[str, str]
) -> None:
    found = parse_stream_address(text)
    assert (found.url, found.host, found.port) == (url, host, port)
    assert (found.username, found.password) == account


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("192.0.2.7/live", "does not begin with rtsp://"),
        ("rtsp:/192.0.2.7", "does not begin with rtsp://"),
        ("rtspt://192.0.2.7/a", "kind rtspt"),
        ("ffmpeg:rtsp://192.0.2.7/a", "kind ffmpeg"),
        ("http://192.0.2.7/a.flv", "kind http"),
        ("rtsp://192.0.2.7/a b", "spaces"),
        ("rtsp://192.0.2.7:70000/a", "impossible port"),
        ("rtsp://192.0.2.7:/a", "impossible port"),
        ("rtsp://u:p@/a", "names no host"),
        ("rtsp://-bad-/a", "names no host"),
        ("rtsp://0.0.0.0/a", "names no host"),
        ("rtsp://[::1]x/a", "impossible port"),
        ("rtsp://u:secret@[cam/a", "brackets in its host"),
        ("rtsp://[192.0.2.7]/a", "brackets in its host"),
        ("rtsp://{FRIGATE_RTSP_USER}:secret@192.0.2.7/a", "placeholder"),
        ("rtsp://${CAMERA}:8554/a", "placeholder"),
        (f"rtsp://{'u' * 65}:p@192.0.2.7/a", "account"),
        ("rtsp://192.0.2.7/" + "a" * 2048, "longer"),
    ],
)
def test_what_cannot_be_used_says_why(text: str, words: str) -> None:
    with pytest.raises(BadAddress, match=words) as raised:
        parse_stream_address(text)
    assert "secret" not in str(raised.value)


def test_pictures_come_by_http() -> None:
    assert parse_picture_address("https://u:p@192.0.2.7/snap.jpg").url == "https://192.0.2.7/snap.jpg"
    with pytest.raises(BadAddress, match="kind rtsp"):
        parse_picture_address("rtsp://192.0.2.7/a")


def test_passwords_in_path_and_query_are_not_shown_and_do_not_change_the_key() -> None:
    one, other = (
        parse_stream_address(f"rtsp://192.0.2.7/user=admin_password={word}_channel=1_stream=0.sdp?pwd={word}&x=1")
        for word in ("tlJwpbo6", "Other")
    )
    assert one.shown == "rtsp://192.0.2.7/user=admin_password=…_channel=1_stream=0.sdp?pwd=…&x=1"
    assert one.key == other.key != parse_stream_address("rtsp://192.0.2.7/user=admin_channel=2").key
    assert "tlJwpbo6" not in repr(one)


def test_one_device_is_one_host_and_one_account() -> None:
    with_account = parse_stream_address("rtsp://u:p@192.0.2.7/a")
    assert same_device(with_account, parse_stream_address("rtsp://192.0.2.7:8554/b"))
    assert not same_device(with_account, parse_stream_address("rtsp://u:q@192.0.2.7/b"))
    assert not same_device(with_account, parse_stream_address("rtsp://u:p@192.0.2.8/b"))


_PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=40)


@given(_PLAIN)
def test_any_text_is_an_address_or_refused_in_words(text: str) -> None:
    for candidate in (text, f"rtsp://{text}", f"rtsp://u:{text}@192.0.2.7/a"):
        try:
            found = parse_stream_address(candidate)
        except BadAddress as error:
            assert str(error)
            continue
        assert isinstance(found, Address)
        assert parse_stream_address(found.url) == Address(found.url, found.host, found.port)


@given(_PLAIN, _PLAIN)
def test_escaped_accounts_come_out_whole(username: str, password: str) -> None:
    account = f"{quote(username, safe='')}:{quote(password, safe='')}"
    found = parse_stream_address(f"rtsp://{account}@192.0.2.7/a")
    assert (found.username, found.password, found.url) == (username, password, "rtsp://192.0.2.7/a")
