"""One camera in a list, before and after it was looked at: pure. No secret is in what is shown of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from proxyd.api.names import without_account

from ..address import BadAddress, parse_stream_address
from ..source import BadSource, NewSource, Stated, new_source

MAX_ENTRIES = 512
_MAX_NAME = 64


class BadList(ValueError):
    """Nothing of the text can be used. It says what is wrong; `hint` what to try."""

    def __init__(self, words: str, hint: str) -> None:
        super().__init__(words)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file says of one camera. `problem` set: the file itself shows that it cannot be used."""

    name: str
    main: str = field(default="", repr=False)
    sub: str = field(default="", repr=False)
    snapshot: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    stated: tuple[Stated, Stated] = (Stated(), Stated())
    notes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """`source` None: `problem` says why. `notes` are sentences about what is not taken over."""

    name: str
    source: NewSource | None
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """`notes` concern the whole file."""

    format: str
    items: tuple[Listed, ...]
    notes: tuple[str, ...] = ()


def clean_name(text: object) -> str:
    """As it may stand in a camera's name."""
    printable = "".join(c if c.isprintable() else " " for c in without_account(str(text or "")))
    return " ".join(printable.split())[:_MAX_NAME].strip()


def look_at(entries: Iterable[Entry], *, username: str = "", password: str = "") -> tuple[Listed, ...]:
    """Each entry as a source or with its problem; the same stream twice counts once. The account is for entries
    that have none."""
    seen: dict[tuple[tuple[str, int, str], str], str] = {}
    passwords: dict[tuple[str, int, str], str] = {}
    listed = []
    for entry in entries:
        item = _look(entry, username, password)
        if item.source is not None:
            source = item.source
            first = seen.setdefault((source.place, source.key), item.name)
            if first is not item.name:
                item = Listed(item.name, None, f"shows the same stream as {first}", item.notes)
            elif passwords.setdefault(source.place, source.password) != source.password:
                item = Listed(item.name, None, "has another password for an account that another entry has", item.notes)
        listed.append(item)
    return tuple(listed)


def _look(entry: Entry, username: str, password: str) -> Listed:
    name = clean_name(entry.name)
    if entry.problem:
        return Listed(name, None, entry.problem, entry.notes)
    if username and not entry.username and not _has_account(entry.main):
        entry = replace(entry, username=username, password=password)
    notes = list(entry.notes)
    for _ in range(3):  # a sub stream and a picture that cannot be used are left out
        try:
            source = new_source(
                main=entry.main,
                sub=entry.sub or None,
                snapshot=entry.snapshot or None,
                username=entry.username or None,
                password=entry.password,
                name=name,
                stated=entry.stated,
            )
        except BadSource as error:
            if error.part == "main":
                return Listed(name, None, f"its address {error}", tuple(notes))
            what = "sub stream" if error.part == "sub" else "picture"
            notes.append(f"Its {what} is left out: the address {error}.")
            entry = replace(entry, sub="") if error.part == "sub" else replace(entry, snapshot="")
            continue
        return Listed(name, source, "", tuple(notes))
    raise AssertionError("only a sub stream and a picture can be left out")


def _has_account(address: str) -> bool:
    try:
        return bool(parse_stream_address(address).username)
    except BadAddress:
        return False
