"""Addresses of streams as people and other programs write them: pure.

An account inside an address is split off at once; what is kept, shown and compared holds none. The text of an error
never repeats what was typed.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from proxyd.api.fields import Host
from proxyd.camera.urls import bracketed

MAX_ADDRESS_CHARS = 2048
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_OTHER_NAMES = {"rtspx": "rtsps"}  # go2rtc's for TLS without SRTP, which is all that is spoken here
_HOST = TypeAdapter(Host)
# XM and Sunba write the account into the path, others into the query.
_SECRET_PART = re.compile(r"((?:^|[/?&_;])(?:password|passwd|pass|pwd|psw|token|auth|key)[=:])[^&/_;?]*", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\{[A-Z][A-Z0-9_]*\}")


class BadAddress(ValueError):
    """The sentence says what is wrong and what to do, and holds nothing of the address."""


@dataclass(frozen=True, slots=True)
class Address:
    """`url` is scheme://host[:port]/path?query, without account and fragment. `username` "" when there is none."""

    url: str = field(repr=False)
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """For people: without what looks like a password."""
        return without_secrets(self.url)

    @property
    def key(self) -> str:
        """Tells this stream from others of its host, whatever the password in its path or query is now."""
        path = without_secrets(self.url.partition("//")[2].partition("/")[2])
        return f"rtsp-{hashlib.sha256(path.encode()).hexdigest()[:24]}"


def parse_stream_address(text: str) -> Address:
    """An rtsp:// or rtsps:// address. Raises BadAddress."""
    return _parse(text, ("rtsp", "rtsps"))


def parse_picture_address(text: str) -> Address:
    """An http:// or https:// address of a still picture. Raises BadAddress."""
    return _parse(text, ("http", "https"))


def without_secrets(url: str) -> str:
    return _SECRET_PART.sub(r"\1…", url)


def same_device(one: Address, other: Address) -> bool:
    """Whether both are at one host with one account; an address without account takes that of the other."""
    accounts = {(a.username, a.password) for a in (one, other) if a.username}
    return one.host == other.host and len(accounts) < 2


def _parse(text: str, schemes: tuple[str, ...]) -> Address:
    text = text.strip()
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    if not text:
        raise BadAddress(f"is empty; an address begins with {wanted}")
    if len(text) > MAX_ADDRESS_CHARS:
        raise BadAddress(f"is longer than {MAX_ADDRESS_CHARS} characters")
    if any(ord(c) <= 32 or ord(c) == 127 for c in text):
        raise BadAddress("has spaces or control characters in it; write a space as %20")
    if _PLACEHOLDER.search(text):
        raise BadAddress("has a placeholder in it; put the value in its place")
    found = _SCHEME.match(text)
    scheme = found.group(1).lower() if found else ""
    text, scheme = text[len(scheme) :], _OTHER_NAMES.get(scheme, scheme)
    if scheme not in schemes:
        raise BadAddress(_other_kind(scheme, wanted))
    if not text.startswith("://"):
        raise BadAddress(f"does not begin with {wanted}")
    account, place, path = _split(text[len("://") :])
    host, port = _place(place, _DEFAULT_PORTS[scheme])
    username, password = _account(account)
    shown_port = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return Address(f"{scheme}://{bracketed(host)}{shown_port}{path}", host, port, username, password)


def _other_kind(scheme: str, wanted: str) -> str:
    if scheme and len(scheme) <= 16:
        return f"is of kind {scheme}, only {wanted} can be used"
    return f"does not begin with {wanted}"


def _split(rest: str) -> tuple[str, str, str]:
    """ "user:p@ss@host:554/path?q#f" → (account, host and port, "/path?q"). Passwords are often written as they are,
    with "@", "/", "?" or "#" in them."""
    end = _first_of(rest, "/?#")
    if "@" not in rest[:end]:
        colon = rest.find(":", 0, end)
        after = rest[colon + 1 : end] if colon != -1 else ""
        if colon != -1 and not (after.isascii() and after.isdigit()) and "@" in rest and "[" not in rest[:end]:
            end = rest.index("@", end)  # no port stands behind the colon, so it begins a password
            end += 1 + _first_of(rest[end + 1 :], "/?#")
    account, _, place = rest[:end].rpartition("@")
    path = rest[end:].partition("#")[0]  # behind it go2rtc keeps its own options
    return account, place, path if path.startswith("/") else f"/{path}"


def _place(text: str, default_port: int) -> tuple[str, int]:
    if text.startswith("["):
        host, closing, port = text.partition("]")
        if ":" not in host or not closing:
            raise BadAddress("has brackets in its host, which are for IPv6 addresses only, such as [2001:db8::20]")
        host, colon, port = host + "]", port[:1], port[1:]
        good = colon in ("", ":")
    else:
        host, colon, port = text.partition(":")
        good = True
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1 if port else default_port
    if not good or (colon and not port) or not 0 < number < 65536:
        raise BadAddress("has an impossible port; it is a number from 1 to 65535")
    try:
        return _HOST.validate_python(host), number
    except ValidationError:
        raise BadAddress("names no host; it is an IP address or a name, such as 192.168.1.20") from None


def _account(text: str) -> tuple[str, str]:
    username, _, password = text.partition(":")
    username, password = unquote(username), unquote(password)
    if len(username) > 64 or len(password) > 128 or not (username + password).isprintable():
        raise BadAddress("has an account that no device knows (too long, or with control characters)")
    return username, password


def _first_of(text: str, marks: str) -> int:
    return min((p for mark in marks if (p := text.find(mark)) != -1), default=len(text))
