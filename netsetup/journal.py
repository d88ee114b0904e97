"""What was done, so that it can be undone: JSON lines, written and synced before the kernel is touched.

Entries: `original` (a host sysctl's value before us), `begun` (interfaces about to be made, which an interrupted run
may leave unmarked), `applied` (a deliberate change of the plans, with the plans before it). `undo` reads backwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .disk import read_file, write_atomic
from .errors import NetsetupError
from .model import MOST_PARENTS, Link, Plan, Sysctl

MOST_APPLIED = 20  # changes that can be undone one after the other
MOST_WORDS = 200  # steps of each that are told
_LARGEST = 16_000_000


class Journal:
    """Only the holder of the state folder's lock may use it. Damaged lines are ignored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[dict[str, Any]]:
        try:
            text = read_file(self.path, _LARGEST, errors="replace")
        except FileNotFoundError:
            return []
        except PermissionError:
            raise NetsetupError(f"{self.path} may not be read.", "Try it as root.") from None
        except OSError as error:
            raise NetsetupError(
                f"{self.path} cannot be read: {error.strerror}.",
                "Move it away: then changes made so far cannot be undone, but everything else works.",
            ) from None
        entries = []
        for line in text.splitlines():
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
