"""What is less than video for a recorder gives way to that: sessions with one NVR for a picture or for metadata alone.

None is opened for a while after trouble, and their places are free when the NVR says that it has no more. Pure: time
comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Callable

from proxyd.errors import UpstreamError, UpstreamUnreachable
from proxyd.rtsp.upstream_errors import NoPlace

_FULL_S = 60.0
_AWAY_S = 10.0


class GivingWay:
    """`let_go` of each who keeps such a session is called when its place is needed."""

    def __init__(self) -> None:
        self._not_before = 0.0
        self._keepers: set[Callable[[], None]] = set()

    def may_open(self, now: float) -> bool:
        """Whether such a session may be opened."""
        return now >= self._not_before

    def keeps(self, let_go: Callable[[], None]) -> None:
        self._keepers.add(let_go)

    def kept_no_more(self, let_go: Callable[[], None]) -> None:
        self._keepers.discard(let_go)

    def failed(self, error: UpstreamError, now: float) -> None:
        """A stream of this NVR, whoever wanted it."""
        if isinstance(error, NoPlace):
            self._not_before = now + _FULL_S
            for let_go in list(self._keepers):
                let_go()
        elif isinstance(error, UpstreamUnreachable):
            self._not_before = max(self._not_before, now + _AWAY_S)
