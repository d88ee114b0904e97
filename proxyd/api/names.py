"""Names from outside, as they may be shown to everybody: lists and devices put whole addresses there. Pure."""

from __future__ import annotations

import re

MAX_CHARS = 2048
# XM and Sunba write the account into the path; go2rtc and others into the query, which is left out as a whole.
_SECRET_PART = re.compile(r"((?:pass|pwd|psw|token|auth|key|secret)[a-z]{0,12}[=:])\S+", re.IGNORECASE)


def without_account(name: str) -> str:
    """Without the account and the query of an address in it. Of a name that holds none, the same."""
    name = name[:MAX_CHARS]
    began = name.find("://") + 3
    if began >= 3:
        name = name[:began] + name[began:].rpartition("@")[2]
        name = name[:began] + name[began:].partition("?")[0]
    else:
        name = re.sub(r"\S+", lambda word: _bare(word[0]), name)
    return _SECRET_PART.sub(r"\1…", name)


def _bare(word: str) -> str:
    """ "user:password@host" → "host"."""
    account, _, rest = word.rpartition("@")
    return rest if ":" in account else word
