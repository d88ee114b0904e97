"""From what a person typed to ids: numbers are ids, everything else is an exact name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from proxyd.errors import Conflict, InvalidInput, NotFound

_SPOKEN = {"nvr": "NVR"}


class Named(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


def find_id(typed: str, known: Sequence[Named], noun: str) -> int:
    """The id of the one that `typed` means. Raises NotFound or Conflict."""
    spoken = _SPOKEN.get(noun, noun)
    by_id = [item.id for item in known if str(item.id) == typed]
    if by_id:
        return by_id[0]
    by_name = [item.id for item in known if item.name == typed]
    if len(by_name) > 1:
        ids = ", ".join(str(id_) for id_ in sorted(by_name))
        raise Conflict(f"{len(by_name)} {spoken}s are called {typed!r}.", f"Use one of the ids {ids}.")
    if not by_name:
        raise NotFound(f"There is no {spoken} {typed!r}.", f"'onviftui {noun} list' shows ids and names.")
    return by_name[0]


def find_ids(typed: Sequence[str], everything: bool, known: Sequence[Named], noun: str) -> list[int]:
    """Ids in the order typed, each once; all of them with --all. Raises InvalidInput, NotFound or Conflict."""
    if everything and typed:
        raise InvalidInput(f"Give either --all or some {noun}s, not both.")
    if everything:
        return [item.id for item in known]
    if not typed:
        raise InvalidInput(f"Which {noun}?", f"Give ids or names, or --all; 'onviftui {noun} list' shows them.")
    return list(dict.fromkeys(find_id(word, known, noun) for word in typed))
