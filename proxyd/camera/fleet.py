"""The cameras that run: starts, updates and stops them until they are what is desired.

A camera that cannot start is named with its reason, and tried again with a growing pause.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping

from proxyd.api.models import CameraState

from .failed_starts import FailedStarts
from .reconcile import reconcile
from .running import RunningCamera, StartFailed
from .spec import CameraSpec
from .status import Failure

log = logging.getLogger(__name__)

_STARTS_AT_ONCE = 16


class Fleet:
    """By camera id in `running`. `make` gives a camera that does not run yet, `started` is told of each that does,
    `stopped` is awaited for each that does no more. One call at a time is the caller's to see to."""

    def __init__(
        self,
        make: Callable[[CameraSpec], RunningCamera],
        *,
        started: Callable[[RunningCamera], None],
        stopped: Callable[[int], Awaitable[None]],
    ) -> None:
        self._make = make
        self._started = started
        self._stopped = stopped
        self._failed = FailedStarts(time.monotonic)
        self.running: dict[int, RunningCamera] = {}

    async def follow(self, desired: Mapping[int, CameraSpec], restart: Collection[int]) -> None:
        """Returns when what has to be is stopped, updated and started. `restart`: stopped even if nothing about them
        changed, and started at once."""
        for id_ in restart & self.running.keys():
            await self._stop(id_)
        actions = reconcile(desired, {id_: camera.spec for id_, camera in self.running.items()})
        await asyncio.gather(*(self._stop(id_) for id_ in actions.stop))
        for spec in actions.update:
            self.running[spec.id].update(spec)
        self._failed.keep(desired)
        slots = asyncio.Semaphore(_STARTS_AT_ONCE)
        await asyncio.gather(*(self._start(spec, slots, spec.id in restart) for spec in actions.start))

    async def stop(self) -> None:
        await asyncio.gather(*(self._stop(id_) for id_ in list(self.running)))

    def failure(self, id_: int) -> Failure | None:
        """Why a camera could not start."""
        return self._failed.failure(id_)

    def has_due(self) -> bool:
        """Whether a camera that could not start should be tried again now."""
        return self._failed.due()

    def forget(self, id_: int) -> None:
        """The camera has been removed."""
        self._failed.forget(id_)

    async def _start(self, spec: CameraSpec, slots: asyncio.Semaphore, at_once: bool) -> None:
        if self._failed.must_wait(spec) and not at_once:
            return
        try:
            camera = self._make(spec)
            async with slots:
                await camera.start()
        except StartFailed as error:
            self._note_failure(spec, error.failure)
        except Exception:
            log.exception("camera %d: a bug while starting", spec.id)
            failure = Failure(CameraState.FAILED, "A bug keeps this camera from starting; proxyd's log has details.")
            self._note_failure(spec, failure)
        else:
            self.running[spec.id] = camera
            self._started(camera)
            self._failed.forget(spec.id)
            log.info("camera %d: listens on %s", spec.id, spec.address)

    def _note_failure(self, spec: CameraSpec, failure: Failure) -> None:
        if self._failed.note(spec, failure):
            log.warning("camera %d: %s", spec.id, failure.reason)

    async def _stop(self, id_: int) -> None:
        camera = self.running.pop(id_, None)
        if camera:
            await camera.stop()
            await self._stopped(id_)
            log.info("camera %d: stopped", id_)
