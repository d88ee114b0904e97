"""The format of a backup file: only its passphrase opens it, and no damage gets through."""

from __future__ import annotations

import dataclasses
import json
import os
import zlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxyd.backup.sealed import (
    LARGEST_CONTENT,
    LARGEST_HEAD,
    MOST_KEYS,
    Content,
    Head,
    open_sealed,
    read_head,
    seal,
)
from proxyd.errors import InvalidInput, ProxyError

HEAD = Head("2026-11-23T02:00:00Z", "0.1.0", 7, kdf=(2, 8, 1))  # scrypt as cheap as it gets
CONTENT = Content(b"SQLite format 3\0" + bytes(range(256)) * 40 + b"\n\n", ("key one", "key two"))


def sealed(passphrase: str = "right words", head: Head = HEAD) -> bytes:
    return seal(head, CONTENT, passphrase, salt=os.urandom(16), nonce=os.urandom(12))


def test_what_was_sealed_is_opened() -> None:
    data = sealed()
    assert open_sealed(data, "right words") == CONTENT
    head = read_head(data[:LARGEST_HEAD])
    assert (head.at, head.version, head.schema, head.kdf) == (HEAD.at, HEAD.version, HEAD.schema, HEAD.kdf)
    assert b"key one" not in data and b"SQLite" not in data and b"right" not in data


def test_no_two_are_alike() -> None:
    assert sealed()[-100:] != sealed()[-100:]


@pytest.mark.parametrize("passphrase", ["", "wrong words", "right words ", "Right words"])
def test_another_passphrase_does_not_open_it(passphrase: str) -> None:
    with pytest.raises(InvalidInput, match="passphrase is wrong, or the backup is damaged") as refused:
        open_sealed(sealed(), passphrase)
    assert "passphrase" in refused.value.fields
    assert passphrase not in str(refused.value) or not passphrase


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    whole = bytearray(sealed())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidInput):
        open_sealed(bytes(whole), "right words")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12_000))
def test_a_part_is_not_the_whole(length: int) -> None:
    whole = sealed()
    part = whole[: min(length, len(whole) - 1)]
    with pytest.raises(InvalidInput):
        open_sealed(part, "right words")


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(data: bytes) -> None:
    for text in (data, b"onviftui-backup 1\n" + data, b'onviftui-backup 1\n{"at": ' + data):
        with pytest.raises(InvalidInput):
            open_sealed(text, "x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2**18), ("n", 3), ("n", 0), ("n", True), ("r", 9), ("p", 5), ("p", -1), ("n", "16"),
        ("salt", "00"), ("name", "pbkdf2"),
    ],
)  # fmt: skip
def test_a_head_may_not_ask_for_much(field: str, value: object) -> None:
    first, line, rest = sealed().split(b"\n", 2)
    said = json.loads(line)
    said["kdf"][field] = value
    with pytest.raises(InvalidInput, match="damaged"):
        read_head(b"\n".join([first, json.dumps(said).encode(), rest]))


def test_another_format_is_told_from_damage() -> None:
    with pytest.raises(InvalidInput, match="does not know"):
        read_head(sealed().replace(b"onviftui-backup 1", b"onviftui-backup 2", 1))
    with pytest.raises(InvalidInput, match="no backup of onviftui"):
        read_head(b"\x89PNG\r\n")


def test_the_usual_cost_is_what_new_backups_have() -> None:
    data = sealed(head=dataclasses.replace(HEAD, kdf=Head("", "", 0).kdf))
    assert read_head(data).kdf == (2**15, 8, 1)
    assert open_sealed(data, "right words") == CONTENT


@pytest.mark.parametrize(
    "inner",
    [
        json.dumps({"keys": ["k"] * (MOST_KEYS + 1)}).encode() + b"\nSQLite",  # each costs time to be tried
        json.dumps({"keys": [1]}).encode() + b"\nSQLite",
        b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        b'{"keys": ["k"]}\n' + bytes(LARGEST_CONTENT),
    ],
    ids=["too many keys", "no texts", "too deep", "too large"],
)
def test_what_somebody_sealed_on_purpose_is_bounded(inner: bytes) -> None:
    whole = sealed()
    head = read_head(whole)
    key = Scrypt(salt=head.salt, length=32, n=2, r=8, p=1).derive(b"right words")
    body = AESGCM(key).encrypt(head.nonce, zlib.compress(inner, 1), whole[: head.length])
    with pytest.raises(InvalidInput, match="The backup is damaged"):
        open_sealed(whole[: head.length] + body, "right words")


def test_errors_are_for_people() -> None:
    with pytest.raises(ProxyError) as refused:
        open_sealed(sealed(), "no")
    assert refused.value.hint


def test_a_passphrase_is_the_same_on_every_keyboard() -> None:
    assert open_sealed(sealed("gr\u00fcn wie Gras"), "gru\u0308n wie Gras") == CONTENT
