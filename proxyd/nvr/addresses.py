"""Addresses that an NVR gives out, made usable: pure.

NVRs name an internal host, wrap URIs in white space, escape them twice or leave out the scheme. The path, the query
and the port are what counts; the host is always the one the user typed, and user info never leaves this module.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from proxyd.camera.urls import bracketed

MAX_ADDRESS_CHARS = 2048
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DEFAULT_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}


class BadAddress(ValueError):
    """The NVR gave something that is no address of the expected kind. The text names no secret."""


def at_typed_host(raw: str, *, host: str, schemes: Sequence[str], base_port: int | None = None) -> str:
    """The address `raw` on the host the user typed, with its own port, path and query, without user info.

    A relative address gets the first of `schemes` and `base_port`. Raises BadAddress.
    """
    text = _unescaped("".join(raw.split("\n")).strip())
    if not text:
        raise BadAddress("an empty address")
    if len(text) > MAX_ADDRESS_CHARS:
        raise BadAddress(f"an address of {len(text)} characters")
    if any(ord(c) <= 32 or ord(c) == 127 for c in text):
        raise BadAddress("an address with spaces or control characters")
    matched = _SCHEME.match(text)
    if matched is None:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", text):
            raise BadAddress(f"an address of kind {text.partition(':')[0][:16]!r}")
        port = f":{base_port}" if base_port and base_port != _DEFAULT_PORTS[schemes[0]] else ""
        return f"{schemes[0]}://{bracketed(host)}{port}/{text.lstrip('/')}"
    scheme = matched.group(1).lower()
    if scheme not in schemes:
        raise BadAddress(f"a {scheme[:16]} address where {' or '.join(schemes)} is expected")
    authority, path_onward = _split_authority(text[matched.end() :])
    port_number = _port(authority.rpartition("@")[2])
    port = f":{port_number}" if port_number and port_number != _DEFAULT_PORTS[scheme] else ""
    return f"{scheme}://{bracketed(host)}{port}{path_onward or '/'}"


def port_of(url: str) -> int:
    """The port that `url` (from at_typed_host) is served on."""
    parts = urlsplit(url)
    return parts.port or _DEFAULT_PORTS[parts.scheme]


def with_port(url: str, port: int) -> str:
    """The same address on another port."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{bracketed(parts.hostname or '')}:{port}").geturl()


def _unescaped(text: str) -> str:
    """`&amp;` left in a parsed text was escaped twice (seen on Dahua and TVT)."""
    return html.unescape(text) if "&amp;" in text else text


def _split_authority(rest: str) -> tuple[str, str]:
    """ "user:p@ss@host:554/path?q" → (authority, "/path?q"). An '@' in the path belongs to the path."""
    end = _first_of(rest, "/?#")
    authority, path = rest[:end], rest[end:]
    user, colon, _ = authority.partition(":")
    before_query = path[: _first_of(path, "?#")]
    if colon and "@" not in authority and "@" in before_query and not set(".[") & set(user):
        # "admin:pa/ss@host/path": the password was not escaped; what precedes the last '@' is all user info.
        rest = path[before_query.rindex("@") + 1 :]
        end = _first_of(rest, "/?#")
        authority, path = rest[:end], rest[end:]
    path = path.partition("#")[0]
    return authority, path if path.startswith("/") or not path else f"/{path}"


def _first_of(text: str, marks: str) -> int:
    """Where the first of `marks` stands, the length of the text when none does."""
    return min((p for mark in marks if (p := text.find(mark)) != -1), default=len(text))


def _port(host_and_port: str) -> int | None:
    """The port of "host:port"; "1.2.3.4:8106:8106" (a real camera) counts once; None when missing."""
    after_host = host_and_port.rpartition("]")[2] if "]" in host_and_port else host_and_port
    if after_host.count(":") > 1 and "]" not in host_and_port:
        first, _, last = after_host.rpartition(":")
        if first.rpartition(":")[2] != last:
            return None  # a bare IPv6 address without brackets: no port can be told from it
    digits = after_host.rpartition(":")[2] if ":" in after_host else ""
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits[:6]) <= 65535:
        raise BadAddress("an address with an impossible port")
    return int(digits)
