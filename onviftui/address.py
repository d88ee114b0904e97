"""What people type or paste as the address of an NVR or of a stream. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit


def split_address(typed: str) -> tuple[str, int | None]:
    """Host and port of "192.168.1.20", "nvr.local:8000", "[fe80::1]:80" or a pasted URL.

    The port is None when none was typed. Nothing is refused here: the daemon says what is wrong with a host.
    """
    text = typed.strip()
    if "://" not in text:
        if text.count(":") > 1 and not text.startswith("["):
            return text, None  # a bare IPv6 address
        text = f"//{text}"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return typed.strip(), None
    return (host, port) if host else (typed.strip(), None)


def read_port(typed: str) -> int | None:
    """The number, or None when it is none."""
    text = typed.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None


def user_in(address: str) -> str:
    """The user that an address names, "" when it names none; what is wrong with it the daemon says."""
    try:
        return urlsplit(address.strip()).username or ""
    except ValueError:
        return ""
