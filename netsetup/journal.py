"""What was done, so that it can be undone: JSON lines, written and synced before the kernel is touched.

Entries: `original` (a host sysctl's value before us), `begun` (interfaces about to be made, which an interrupted run
may leave unmarked), `applied` (a deliberate change of the plans, with the plans before it). `undo` reads backwards.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .errors import NetsetupError
from .model import MOST_PARENTS, Link, Plan, Sysctl

MOST_APPLIED = 20  # changes that can be undone one after the other
MOST_WORDS = 200  # steps of each that are told


class Journal:
    """Only the holder of the state folder's lock may use it. Damaged lines are ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[dict[str, Any]]:
        try:
            lines = self.path.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise NetsetupError(f"{self.path} cannot be read: {error.strerror}.", "Try it as root.") from None
        entries = []
        for line in lines:
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if _is_whole(entry):
                entries.append(entry)
        return entries

    def originals(self) -> dict[tuple[str, str, str], Sysctl]:
        """Host sysctls as they were before us, by (family, link, key)."""
        found: dict[tuple[str, str, str], Sysctl] = {}
        for entry in self.entries():
            if entry.get("entry") == "original":
                sysctl = Sysctl(entry["family"], entry["link"], entry["key"], entry["value"])
                found.setdefault((sysctl.family, sysctl.link, sysctl.key), sysctl)
        return found

    def begun(self) -> dict[str, str]:
        """MAC by name of interfaces that an interrupted run may have made."""
        return {name: mac for e in self.entries() if e.get("entry") == "begun" for name, mac in e["links"].items()}

    def begin(self, originals: Iterable[Sysctl], links: Iterable[Link]) -> None:
        known = self.originals()
        new = [s for s in originals if (s.family, s.link, s.key) not in known]
        entries = [{"entry": "original", **asdict(sysctl)} for sysctl in new]
        names = {link.name: link.mac for link in links}
        if names:
            entries.append({"entry": "begun", "links": names})
        if entries:
            self._write([*self.entries(), *entries])

    def end(self, restored: Iterable[Sysctl] = ()) -> None:
        """The kernel is as wished, or as it was: nothing is half made. `restored`: originals that were put back."""
        gone = {(s.family, s.link, s.key) for s in restored}
        entries = self.entries()
        kept = [
            entry
            for entry in entries
            if entry.get("entry") == "applied"
            or (entry.get("entry") == "original" and (entry["family"], entry["link"], entry["key"]) not in gone)
        ]
        if kept != entries:
            self._write(kept)

    def rename(self, names: Mapping[str, str]) -> None:
        """An adapter has another name now: what is put back one day is put back there. Old name → new name."""
        entries = self.entries()
        now = [_renamed(entry, names) for entry in entries]
        if now != entries:
            self._write(now)

    def applied(self, before: Sequence[Plan], changes: Sequence[str]) -> None:
        """A deliberate change was made; the oldest are forgotten beyond MOST_APPLIED."""
        told = list(changes[:MOST_WORDS])
        entry = {"entry": "applied", "before": [plan.to_json() for plan in before], "changes": told}
        entries = [*self.entries(), entry]
        surplus = sum(e.get("entry") == "applied" for e in entries) - MOST_APPLIED
        for old in [e for e in entries if e.get("entry") == "applied"][: max(0, surplus)]:
            entries.remove(old)
        self._write(entries)

    def last(self) -> tuple[tuple[Plan, ...], tuple[str, ...]] | None:
        """The plans before the last deliberate change, and what that change did."""
        for entry in reversed(self.entries()):
            if entry.get("entry") == "applied":
                return tuple(Plan.from_json(plan) for plan in entry["before"]), tuple(entry["changes"])
        return None

    def pop(self) -> None:
        """Forgets the last deliberate change: it was undone."""
        entries = self.entries()
        for position in range(len(entries) - 1, -1, -1):
            if entries[position].get("entry") == "applied":
                del entries[position]
                self._write(entries)
                return

    def _write(self, entries: Sequence[Mapping[str, Any]]) -> None:
        write_atomic(self.path, "".join(json.dumps(entry) + "\n" for entry in entries))


def _is_whole(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    try:
        match entry.get("entry"):
            case "original":
                return all(isinstance(entry[word], str) for word in ("family", "link", "key", "value"))
            case "begun":
                return all(isinstance(word, str) for link in entry["links"].items() for word in link)
            case "applied":
                before = [Plan.from_json(plan) for plan in entry["before"]]
                return len(before) <= MOST_PARENTS and all(isinstance(word, str) for word in entry["changes"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
    return False


def _renamed(entry: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    if entry.get("entry") == "applied":
        return entry | {"before": [p | {"parent": names.get(p["parent"], p["parent"])} for p in entry["before"]]}
    return entry | {"link": names[entry["link"]]} if entry.get("link") in names else entry


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """What root writes into the state folder is the arm's, which could not read it otherwise. Nothing else becomes the
    arm's that way: callers open with O_NOFOLLOW, and a file that has a second name stays whose it is."""
    owner, own = folder.stat(), os.fstat(descriptor)
    if os.geteuid() == 0 and owner.st_uid != own.st_uid and stat.S_ISREG(own.st_mode) and own.st_nlink == 1:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def cannot_write(path: Path, error: OSError) -> NetsetupError:
    """The words for what a full disk or missing rights did."""
    if isinstance(error, PermissionError):
        return NetsetupError(f"{path} may not be written.", "Try it as root.")
    return NetsetupError(f"Cannot write {path}: {error.strerror}.", "Is the disk full?")


def write_atomic(path: Path, text: str) -> None:
    """Mode 0600; after a power cut there is the old content or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    # The folder is the arm's: root must not follow a link of either kind that is put there.
    new.unlink(missing_ok=True)  # of a writer that was killed; who writes holds the lock
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            give_to_owner_of(path.parent, descriptor)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
