"""Lines that a stranger sent or was sent, without what might be secret in them. Pure.

More is taken out than has to be: what follows a word such as "password=", what stands before an @ in an address, and
queries of addresses but for our own. Each pattern takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

GONE = "(removed)"

_QUERY = re.compile(r"\?(?!(?:sub=[0-9A-Za-z]{1,64}|wsdl)(?!\S))\S.*", re.S)
_ASSIGNED = re.compile(
    r"((?:pass|pwd|secret|nonce|credential|token|privat|psk|key|auth|digest|response|opaque|signature|cookie)"
    r"[\w-]{0,40}[ \t]{0,8}[=:]).*",
    re.I | re.S,
)


def cleaned(text: str, known: Iterable[str] = ()) -> str:
    """Without `known` secrets, without user info and queries in addresses, and what is said to be a secret."""
    text = _QUERY.sub(f"?{GONE}", _without_user_info(without(text, known)))
    return _ASSIGNED.sub(rf"\1{GONE}", text)


def _without_user_info(text: str) -> str:
    began, ended = text.find("://") + 3, text.rfind("@")
    if not 3 <= began <= ended:
        return text
    # Where there is a query before the @, either may be part of a password.
    unclear = any(char in "?=" for char in text[began:ended])
    return text[:began] + GONE + ("" if unclear else text[ended:])


def without(text: str, known: Iterable[str]) -> str:
    """Without these secrets alone."""
    for secret in known:
        text = text.replace(secret, GONE)
    return text
