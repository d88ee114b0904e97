"""What both sides share: parameters of a header value, and the answer to a challenge. Pure."""

from __future__ import annotations

import hashlib
import re

MAX_HEADER_CHARS = 8192
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
# By algorithm; what is not here is not known.
STRENGTH = {"": 2, "MD5": 2, "MD5-SESS": 2, "SHA-256": 3, "SHA-256-SESS": 3}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^,\s]*")
_SKIP = re.compile(r"[\s,]+")


def response(
    algorithm: str,
    *,
    method: str,
    uri: str,
    username: str,
    password: str,
    realm: str,
    nonce: str,
    qop: str,
    cnonce: str,
    nc: str,
) -> str:
    """RFC 7616 section 3.4.1; `qop` "" as RFC 2069. Raises ValueError for an unknown algorithm."""
    name = algorithm.upper() or "MD5"
    session = name.endswith("-SESS")
    hash_name = _HASHES.get(name.removesuffix("-SESS"))
    if hash_name is None:
        raise ValueError(f"unknown digest algorithm {algorithm}")

    def h(text: str) -> str:
        return hashlib.new(hash_name, raw_bytes(text), usedforsecurity=False).hexdigest()

    ha1 = h(f"{username}:{realm}:{password}")
    if session:
        ha1 = h(f"{ha1}:{nonce}:{cnonce}")
    ha2 = h(f"{method}:{uri}")
    return h(f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}" if qop else f"{ha1}:{nonce}:{ha2}")


def split_credentials(header: str) -> list[tuple[str, dict[str, str]]]:
    """[(scheme, parameters)] of an auth header value; tolerant, never raises, linear in the length."""
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(header):
        if skip := _SKIP.match(header, at):
            at = skip.end()
            continue
        name = _TOKEN.match(header, at)
        if name is None:
            at += 1
            continue
        at = name.end()
        equals = _EQUALS.match(header, at)
        if equals is None:
            found.append((name.group(), {}))
            continue
        at = equals.end()
        if quoted := _QUOTED.match(header, at):
            value, at = re.sub(r"\\(.)", r"\1", quoted.group(1), flags=re.DOTALL), quoted.end()
        else:
            bare = _BARE.match(header, at)
            assert bare is not None  # the pattern matches nothing, too
            value, at = bare.group(), bare.end()
        if found:
            found[-1][1].setdefault(name.group().lower(), value)
    return found


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def raw_bytes(text: str) -> bytes:
    """UTF-8 that never fails: header values may hold lone surrogates where a peer sent other bytes."""
    return text.encode("utf-8", "surrogatepass")
