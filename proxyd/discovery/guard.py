"""What is looked at before any parser sees a datagram: size, encoding, document types, number and depth of tags.

Pure. Everybody on the LAN can send to these sockets, and the codec behind trusts its input: an entity bomb of 1 kB
stalls it for seconds, deep nesting exhausts its stack, long lists of names cost it a walk through the tree for each.
"""

from __future__ import annotations

import re

MAX_DATAGRAM_BYTES = 16 * 1024
MAX_TAGS = 256  # real messages have fewer than 60; comments count, too
MAX_DEPTH = 24
MAX_WORDS = 512  # separated by white space: types and scopes are such lists

# Inside of a tag neither quoted nor unquoted text can hold "<", so each try ends at the next one: linear.
_TAG = re.compile(r"""<(/?)(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")


class Refused(ValueError):
    """The datagram is not worth parsing. `reason` says why, without quoting it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def admit(data: bytes) -> str:
    """The datagram as text that may be parsed. Raises Refused."""
    if len(data) > MAX_DATAGRAM_BYTES:
        raise Refused(f"larger than {MAX_DATAGRAM_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("not UTF-8") from None
    if "\0" in text:
        raise Refused("not text")
    text = text.strip()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Refused("a document type declaration")
    if text.count("<") > MAX_TAGS:
        raise Refused(f"more than {MAX_TAGS} tags")
    if len(text.split(None, MAX_WORDS)) > MAX_WORDS:
        raise Refused(f"more than {MAX_WORDS} words")
    if depth(text) > MAX_DEPTH:
        raise Refused(f"nested deeper than {MAX_DEPTH}")
    return text


def depth(text: str) -> int:
    """How deep tags are nested, at most; never less than a parser would find in well-formed XML."""
    now = deepest = 0
    for tag in _TAG.finditer(text):
        if tag[0].startswith(("<?", "<!")):
            continue
        if tag[1]:
            now -= 1
        elif not tag[0].endswith("/>"):
            now += 1
            deepest = max(deepest, now)
    return deepest
