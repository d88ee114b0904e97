"""The bytes of one exchange with a recorder, and how they are shown to our user: bounded, and without secrets. Pure.

What is shown is what is known to be harmless: some header fields, and XML as `raw_xml` reads it. What cannot be read as
UTF-8 text is not shown, since nothing could be found in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .raw_text import GONE, cleaned, without
from .raw_xml import shown_xml

MAX_SIDE_BYTES = 16 * 1024
_TEXT_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

_FIELDS = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "accept-ranges",
        "allow",
        "blocksize",
        "cache-control",
        "connection",
        "content-base",
        "content-encoding",
        "content-length",
        "content-location",
        "content-type",
        "cseq",
        "date",
        "expect",
        "from",
        "host",
        "keep-alive",
        "last-modified",
        "location",
        "max-forwards",
        "pragma",
        "proxy-require",
        "public",
        "range",
        "require",
        "retry-after",
        "rtp-info",
        "scale",
        "server",
        "session",
        "soapaction",
        "speed",
        "te",
        "trailer",
        "transfer-encoding",
        "transport",
        "unsupported",
        "upgrade",
        "user-agent",
        "vary",
        "via",
    }
)
_CHALLENGES = frozenset({"www-authenticate", "proxy-authenticate"})
_PROOFS = frozenset({"authorization", "proxy-authorization"})
_SCHEMES = frozenset({"basic", "digest", "bearer", "negotiate", "ntlm"})
_HARMLESS_PARAMETERS = re.compile(r'\b(realm|qop|algorithm|stale)=("[^"\\]{0,64}"|[A-Za-z0-9-]{1,32})', re.I)
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
    known = tuple(secret for secret in secrets if len(secret) >= 4)
    head, end, body = (b"", b"", side) if side.lstrip()[:1] == b"<" else side.partition(b"\r\n\r\n")
    text = _text(head, body, len(side))
    if text is None:
        return f"({len(side)} bytes that are no UTF-8 text)"
    whole = len(side) < MAX_SIDE_BYTES
    lines = text[0].split("\r\n") if head else []
    if not end and not whole:
        lines[-1:] = []  # of half a line nobody can tell what in it is secret
    lines = [_field(line, known) if number else cleaned(line, known) for number, line in enumerate(lines)]
    if end:
        lines.append("")
    if end or not head:
        lines.append(_body(text[1], side, known, whole=whole))
    said = "\n".join(lines)
    if not whole:
        said += f"\n(cut off after {MAX_SIDE_BYTES} bytes)"
    return said


def _field(line: str, secrets: tuple[str, ...]) -> str:
    """A header field, with its value if its name is known to be harmless. Lines that go on a field have none."""
    name, colon, value = line.partition(":")
    known = name.strip().lower()
    if not colon or not re.fullmatch(r"[A-Za-z0-9-]{1,40}[ \t]*", name):
        return GONE
    if known in _FIELDS:
        return f"{name}:{cleaned(value, secrets)}"
    scheme = value.split(maxsplit=1)[0] if value.strip() else ""
    if scheme.lower() in _SCHEMES and known in _CHALLENGES | _PROOFS:
        said = [scheme, GONE]
        if known in _CHALLENGES:
            said[1:1] = [", ".join("=".join(pair) for pair in _HARMLESS_PARAMETERS.findall(value))]
        return without(f"{name}: {' '.join(filter(None, said))}", secrets)
    return f"{name}: {GONE}"


def _body(text: str, side: bytes, known: tuple[str, ...], *, whole: bool) -> str:
    if not text:
        return ""
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return shown_xml(text, known, whole=whole)
    if side.startswith((b"HTTP/1.1 ", b"RTSP/1.0 ")):  # our own words, or SDP
        return "\n".join(cleaned(line, known) for line in text.splitlines())
    return f"({len(text.encode())} bytes that are no XML)"


def _text(head: bytes, body: bytes, size: int) -> tuple[str, str] | None:
    """Head and body; None for what hides its words from a search (UTF-16, UTF-7)."""
    declared = _DECLARED.match(body.lstrip().decode("latin-1"))
    if b"\0" in head or b"\0" in body or (declared and declared[1].strip().lower() not in _TEXT_ENCODINGS):
        return None
    try:
        return head.decode(), body.decode()
    except UnicodeDecodeError as error:
        cut = body if error.object == body else head
        if size < MAX_SIDE_BYTES or error.start < len(cut) - 3 or (cut is head and body):
            return None  # else the cut went through a character
        kept = cut[: error.start].decode()
        return (kept, "") if cut is head else (head.decode(), kept)
