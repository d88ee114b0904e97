"""Names of many cameras by one pattern. Pure: the UI shows with it what the daemon will do.

`{name}` is the name so far, `{n}` counts from 1 in the order given, `{nvr}` is the NVR's name, `{ch}` the channel's
number; `{n:02}` and `{ch:02}` have leading zeros.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .names import without_account

LONGEST_NAME = 64
LONGEST_PATTERN = 128
FIELDS = "{name}, {n}, {n:02}, {nvr}, {ch}, {ch:02}"
_FIELD = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"(n|ch)(?::0?([1-9]))?")


@dataclass(frozen=True, slots=True)
class Subject:
    """A camera to be renamed."""

    id: int
    name: str
    nvr: str
    channel: int


def pattern_problem(pattern: str) -> str:
    """What is wrong with it, in words; "" when it can be used."""
    if not pattern.strip():
        return "is empty"
    if len(pattern) > LONGEST_PATTERN:
        return f"is longer than {LONGEST_PATTERN} characters"
    if not " ".join(pattern.split()).isprintable():  # before any of it is shown
        return "has characters that cannot be shown"
    for field in _FIELD.findall(pattern):
        if field not in ("name", "nvr") and not _NUMBER.fullmatch(field):
            return f"has {{{field}}}, which means nothing; there are {FIELDS}"
    if "{" in _FIELD.sub("", pattern) or "}" in _FIELD.sub("", pattern):
        return "has a brace without its other half"
    return ""


def new_names(pattern: str, subjects: Sequence[Subject]) -> dict[int, str]:
    """By camera, whatever they are like; `pattern_problem` must have found nothing."""
    return {subject.id: _expand(pattern, subject, number) for number, subject in enumerate(subjects, 1)}


def name_problems(names: Mapping[int, str], others: Mapping[int, str]) -> list[str]:
    """What is wrong with new names, a sentence each; `others` are the names of all other cameras."""
    found: list[str] = []
    for name, times in Counter(names.values()).items():
        if not name:
            found.append("A name would be empty.")
        elif not name.isprintable():  # before any of it is shown
            found.append(f"{name[:20]!r} has characters that cannot be shown.")
        elif len(name) > LONGEST_NAME:
            found.append(f"{name[:20]}… would have {len(name)} characters; {LONGEST_NAME} are possible.")
        elif without_account(name) != name:
            found.append("A name must not hold a password, as in an address.")
        elif times > 1:
            found.append(f"{times} cameras would be called {name}.")
    taken = {name: id_ for id_, name in others.items() if id_ not in names}
    wanted = dict.fromkeys(names.values())
    return found + [f"Camera {taken[name]} is called {name} already." for name in wanted if name in taken]


def _expand(pattern: str, subject: Subject, number: int) -> str:
    numbers = {"n": number, "ch": subject.channel}

    def value(match: re.Match[str]) -> str:
        field = match.group(1)
        if field in ("name", "nvr"):
            return subject.name if field == "name" else subject.nvr
        known = _NUMBER.fullmatch(field)
        if known is None:
            return match.group(0)
        return f"{numbers[known.group(1)]:0{known.group(2) or 1}d}"

    return " ".join(_FIELD.sub(value, pattern).split())
