"""The cameras that could not start: why, and when each is tried again. Pure; the clock comes in."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from .spec import CameraSpec
from .status import Failure

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 30.0


@dataclass(slots=True)
class _Failed:
    spec: CameraSpec
    failure: Failure
    pause_s: float
    retry_at: float


class FailedStarts:
    """The pause grows with each failure in a row, and ends at once when the camera's spec changes. `now`: monotonic
    seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failed: dict[int, _Failed] = {}

    def note(self, spec: CameraSpec, failure: Failure) -> bool:
        """It could not start. Whether that is news."""
        old = self._failed.get(spec.id)
        pause_s = min(old.pause_s * 2, RETRY_MOST_S) if old and old.spec == spec else RETRY_FIRST_S
        self._failed[spec.id] = _Failed(spec, failure, pause_s, self._now() + pause_s)
        return old is None or old.failure != failure

    def must_wait(self, spec: CameraSpec) -> bool:
        failed = self._failed.get(spec.id)
        return failed is not None and failed.spec == spec and self._now() < failed.retry_at

    def due(self) -> bool:
        """Whether one of them should be tried again now."""
        return any(failed.retry_at <= self._now() for failed in self._failed.values())

    def failure(self, id_: int) -> Failure | None:
        failed = self._failed.get(id_)
        return failed.failure if failed else None

    def forget(self, id_: int) -> None:
        """It runs, or is gone."""
        self._failed.pop(id_, None)

    def keep(self, wanted: Container[int]) -> None:
        """Forget those that need not run any more."""
        self._failed = {id_: failed for id_, failed in self._failed.items() if id_ in wanted}
