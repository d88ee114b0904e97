"""What a session's environment is: our own words, and the few of the client's that say what his terminal can. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

MAX_VALUE = 64
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")
_ACCEPTED = {
    "COLORTERM": re.compile(r"[A-Za-z0-9-]{1,16}"),
    "LANG": re.compile(r"[A-Za-z0-9@._-]{1,32}"),
    "LC_ALL": re.compile(r"[A-Za-z0-9@._-]{1,32}"),
    "LC_CTYPE": re.compile(r"[A-Za-z0-9@._-]{1,32}"),
    "NO_COLOR": re.compile(r"[ -~]{1,16}"),
    "TERM_PROGRAM": re.compile(r"[A-Za-z0-9._-]{1,32}"),
    "TERM_PROGRAM_VERSION": re.compile(r"[A-Za-z0-9._-]{1,32}"),
    "ONVIFTUI_PICTURES": re.compile(r"[a-z0-9-]{1,16}"),
}
_UNKNOWN_TERM = "vt100"  # draws with what every terminal has
WIDEST, HIGHEST, MOST_PIXELS = 500, 200, 16384


class CappedVariables(dict[bytes, bytes]):
    """Takes the place of asyncssh's own store of `env` requests, which has no bound: what is not wanted is not kept."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, name: bytes, value: bytes) -> None:
        known = name.decode("ascii", "replace")
        wanted = known in _ACCEPTED and len(value) <= MAX_VALUE
        if wanted and (name in self or len(self) < self._most):
            super().__setitem__(name, value)


def accepted(sent: Mapping[bytes, bytes]) -> dict[str, str]:
    """The client's variables that are wanted and look like what they should be."""
    kept = {}
    for raw_name, raw_value in sent.items():
        name, value = raw_name.decode("ascii", "replace"), raw_value.decode("utf-8", "replace")
        pattern = _ACCEPTED.get(name)
        if pattern is not None and pattern.fullmatch(value):
            kept[name] = value
    return kept


def for_session(sent: Mapping[bytes, bytes], term: str | None, peer: str, folder: Path, name: str) -> dict[str, str]:
    """The whole environment of a session. `term`: None without a terminal; `peer`: "ADDRESS PORT ADDRESS PORT";
    `folder`: where the front keeps its own things; `name`: the user's, which is safe in a path."""
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "users" / name),
        "XDG_RUNTIME_DIR": str(folder / "none"),  # there is nothing for a session
        "SSH_CONNECTION": peer,
        "LANG": "C.UTF-8",
    }
    if term is not None:
        own["TERM"] = term if _TERM.fullmatch(term) else _UNKNOWN_TERM
    return own | accepted(sent)


def sane_size(width: int, height: int, pixel_width: int = 0, pixel_height: int = 0) -> tuple[int, int, int, int]:
    """Columns, rows and pixels of a terminal, whatever the client says: a screen costs memory."""
    return (
        min(width, WIDEST) if width > 0 else 80,
        min(height, HIGHEST) if height > 0 else 24,
        min(max(pixel_width, 0), MOST_PIXELS),
        min(max(pixel_height, 0), MOST_PIXELS),
    )
