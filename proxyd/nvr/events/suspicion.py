"""Whether an NVR names one and the same channel in the events of all its channels: pure.

Some show it at once, by telling one state several times (`route.named_alike`). Those that tell no states to begin with
are found out by what happens: while only one channel is ever named, a state that began twice also ends twice, as it
does when two cameras see something at the same time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from proxyd.camera.events import Items
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.events.translate import motion_of

ENDED_TWICE = 3  # so often, or it was chance: a device that says things again says their end again, too
MANY = 100  # events of one channel only are strange; there may be little to see elsewhere, though
_MAX_KEYS = 64


@dataclass(slots=True)
class _Runs:
    """Of one property: how often in a row it was said to begin, and then to end."""

    begins: int = 0
    ends: int = 0
    ended_twice: int = 0


class Suspicion:
    """Of one NVR with several channels."""

    def __init__(self) -> None:
        self._channels: set[int] = set()
        self._heard = 0
        self._runs: OrderedDict[tuple[str, Items], _Runs] = OrderedDict()
        self.proven = False

    @property
    def apart(self) -> bool:
        """Several channels were named: this NVR tells them apart."""
        return len(self._channels) > 1

    @property
    def likely(self) -> bool:
        return not self.apart and self._heard >= MANY

    def note(self, event: NvrEvent, channel: int) -> None:
        """`event` is said to be of `channel`."""
        if self.apart:
            return
        self._channels.add(channel)
        if self.apart:
            self.proven = False
            self._runs.clear()
            return
        self._heard += 1
        if event.operation in ("Initialized", "Deleted") or (on := motion_of(event)) is None:
            return
        runs = self._runs.get(event.key)
        if runs is None:
            if len(self._runs) >= _MAX_KEYS:
                self._runs.popitem(last=False)
            runs = self._runs[event.key] = _Runs()
        if on:
            runs.begins = runs.begins + 1 if runs.ends == 0 else 1
            runs.ends = 0
        else:
            runs.ends += 1
            runs.ended_twice += runs.ends == 2 and runs.begins >= 2
            self.proven = self.proven or runs.ended_twice >= ENDED_TWICE
