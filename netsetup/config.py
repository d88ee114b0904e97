"""The arm's config file: the limits that only root sets, in TOML. All mistakes are named at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from .disk import read_file
from .errors import BadRequest
from .model import MOST_PARENTS, MOST_SLOTS, Limits

DEFAULT_FILE = Path("/etc/netsetup/netsetup.toml")
DEFAULT_STATE = Path("/var/lib/netsetup")
DEFAULT_SOCKET = Path("/run/netsetup/netsetup.sock")

_PREFIX = re.compile(r"[a-z][a-z0-9_-]{1,9}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\$?")
_LINK = re.compile(r"[^\s/:]{1,15}")
_LARGEST = 100_000
_NAMED = 20  # mistakes in one message


def load_limits(file: Path) -> Limits:
    """Raises BadRequest when the file cannot be read or is wrong, or when others than root could have written it."""
    try:
        text = read_file(file, _LARGEST, follow=True, trusted=True)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadRequest(f"Cannot read the limits in {file}: {why}.", "netsetup install writes that file.") from None
    return parse_limits(text, str(file))


def parse_limits(text: str, where: str = "the config") -> Limits:
    """Raises BadRequest that names every mistake."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadRequest(f"{where} is not TOML: {error}.") from None
    unknown = sorted(data.keys() - _READERS.keys())
    mistakes = [f"{name if name.isprintable() else repr(name)} is not known" for name in unknown]
    values: dict[str, Any] = {}
    for name, (read, what) in _READERS.items():
        if name in data:
            try:
                values[name] = read(data[name])
            except (TypeError, ValueError):
                mistakes.append(f"{name} must be {what}")
    if "parents" not in data:
        mistakes.append("parents is missing")
    if mistakes:
        known = ", ".join(_READERS)
        more = f"; and {len(mistakes) - _NAMED} more" if len(mistakes) > _NAMED else ""
        raise BadRequest(f"{where} is wrong: {'; '.join(mistakes[:_NAMED])}{more}.", f"It may hold {known}.")
    return Limits(**values)


def format_limits(limits: Limits) -> str:
    """The file that `parse_limits` reads."""

    def listed(words: Iterable[object]) -> str:
        return "[" + ", ".join(f'"{word}"' for word in words) + "]"

    return "\n".join(
        (
            "# What netsetup's privileged arm may do. Only root writes this file; restart netsetup.service after that.",
            f"parents = {listed(limits.parents)}      # wired adapters that may carry cameras",
            f"ranges = {listed(limits.ranges)}            # for static addresses; empty: the adapter's own network",
            f'name_prefix = "{limits.name_prefix}"    # interfaces are called this and a number',
            f"most = {limits.most}              # interfaces, on all adapters together",
            f'user = "{limits.user}"         # may ask the arm, beside root',
            "",
        )
    )


def _parents(value: Any) -> tuple[str, ...]:
    names = _texts(value, _LINK)
    if not 1 <= len(names) <= MOST_PARENTS or len(set(names)) != len(names):
        raise ValueError
    return names


def _ranges(value: Any) -> tuple[IPv4Network, ...]:
    if not isinstance(value, list) or len(value) > 64 or not all(isinstance(word, str) for word in value):
        raise ValueError
    return tuple(IPv4Network(word) for word in value)


def _prefix(value: Any) -> str:
    return _text(value, _PREFIX)


def _most(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_SLOTS:
        raise ValueError
    return value


def _texts(value: Any, pattern: re.Pattern[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(word, pattern) for word in value)


def _text(value: Any, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError
    return value


_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "parents": (_parents, f'a list of 1 to {MOST_PARENTS} adapters, such as ["eth0"]'),
    "ranges": (_ranges, 'a list of networks, such as ["10.77.0.0/24"]'),
    "name_prefix": (_prefix, "2 to 10 lower case letters, digits, _ and -, such as vcam"),
    "most": (_most, f"a number from 1 to {MOST_SLOTS}"),
    "user": (lambda value: _text(value, _USER), "a user's name"),
}
