"""The bytes of one exchange with a recorder, and how they are shown to our user: bounded, and without secrets. Pure.

What could open the camera is taken out: passwords, nonces, digests with their creation times, Authorization, keys of
certificates, user info in URIs. What cannot be read as UTF-8 text is not shown, since nothing could be found in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_SIDE_BYTES = 16 * 1024
GONE = "(removed)"
_TEXT_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

# The whole content of these elements, also when it is cut off before the end; attributes are shown when they are few.
# What a stranger sent is searched here: each pattern takes time in proportion to the text.
_ELEMENTS = re.compile(
    r"(<(?:[^\s<>/:]+:)?(Password|Nonce|Created|PrivateKey|Passphrase|Key)(?=[\s>])(?:\s[^<>]{0,200}>|>)?)"
    r".*?(?=</(?:[^\s<>/:]+:)?\2\s*>|\Z)",
    re.DOTALL,
)
_HEADERS = re.compile(r"^((?:Proxy-)?Authorization|Cookie)([ \t]*:[ \t]*)(\w*).*(?:\r?\n[ \t].*)*", re.I | re.M)
_NONCES = re.compile(r"\b(c?nonce|response|opaque)=(\"[^\"]*\"|[^\s,]+)", re.I)
_USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@<>\"']+@", re.I)
_ASSIGNED = re.compile(r"\b(pass|passwd|password|pwd)=([^\s&;<>\"']+|\"[^\"]*\"|'[^']*')", re.I)
_DECLARED = re.compile(r"<\?xml[^>]*?\bencoding\s*=\s*[\"']([^\"']+)", re.I)


@dataclass(frozen=True, slots=True)
class RawExchange:
    """`request` and `reply` as on the wire, start line and headers first; each at most MAX_SIDE_BYTES long."""

    request: bytes = field(repr=False)
    reply: bytes = field(repr=False)

    @classmethod
    def of(cls, request: bytes, reply: bytes) -> RawExchange:
        """Cuts both to their bound."""
        return cls(request[:MAX_SIDE_BYTES], reply[:MAX_SIDE_BYTES])

    @property
    def size(self) -> int:
        return len(self.request) + len(self.reply)


def shown(side: bytes, secrets: Iterable[str]) -> str:
    """One side as text. `secrets` of 4 characters and more are taken out literally, wherever else they may stand."""
    text = _text(side)
    if text is None:
        return f"({len(side)} bytes that are no UTF-8 text)"
    for pattern, instead in (
        (_ELEMENTS, rf"\1{GONE}"),
        (_HEADERS, rf"\1\2\3 {GONE}"),
        (_NONCES, rf"\1={GONE}"),
        (_USER_INFO, rf"\1{GONE}@"),
        (_ASSIGNED, rf"\1={GONE}"),
    ):
        text = pattern.sub(instead, text)
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, GONE)
    if len(side) >= MAX_SIDE_BYTES:
        text += f"\n(cut off after {MAX_SIDE_BYTES} bytes)"
    return text


def _text(side: bytes) -> str | None:
    """Line ends as people read them; None for what hides its words from a search (UTF-16, UTF-7)."""
    body = side.partition(b"\r\n\r\n")[2] or side
    declared = _DECLARED.match(body.lstrip().decode("latin-1"))
    if b"\0" in side or (declared and declared[1].strip().lower() not in _TEXT_ENCODINGS):
        return None
    try:
        text = side.decode()
    except UnicodeDecodeError as error:
        if len(side) < MAX_SIDE_BYTES or error.start < len(side) - 3:  # else the cut went through a character
            return None
        text = side[: error.start].decode()
    return text.replace("\r\n", "\n")
