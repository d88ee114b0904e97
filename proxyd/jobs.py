"""Scans as jobs: progress for everybody who watches, cancel, and the partial result kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from proxyd.api.models import Job, JobState, ScanDiff
from proxyd.errors import Conflict, NotFound, ProxyError
from proxyd.held_scans import KEEP_S, HeldScan, HeldScans
from proxyd.hub import Hub
from proxyd.memory import give_back
from proxyd.nvr.result import ScannedChannel, ScanProgress, ScanResult
from proxyd.nvr.scan import ScanSettings, scan
from proxyd.sources.scan import read_sources
from proxyd.store.rows import NvrRow, Ports
from proxyd.store.store import Store

log = logging.getLogger(__name__)

_KEPT = 50  # ended jobs that job.list still shows
_AT_ONCE = 4  # scans; more wait
_PUBLISH_EVERY_S = 0.1
_STOP_TIMEOUT_S = 10.0
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Jobs:
    """`scanned(nvr_id, error)` is awaited when a scan has ended and its result is in the store."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        *,
        ports: Ports,
        settings: ScanSettings,
        scanned: Callable[[int, Exception | None], Awaitable[None]],
        now: Callable[[], str],
    ) -> None:
        self._store = store
        self._hub = hub
        self._ports = ports
        self._settings = settings
        self._scanned = scanned
        self._now = now
        self._jobs: dict[int, Job] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._ending: set[int] = set()
        self._restoring: set[int] = set()  # jobs that bring back removed cameras too
        self._held = HeldScans(self._given_up)
        self._again: dict[int, tuple[bool, bool]] = {}  # NVR → start, restore: those to be scanned once more
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._last_id = 0
        self._last_published = 0.0

    @property
    def ports(self) -> Ports:
        """Of new cameras."""
        return self._ports

    def jobs(self) -> list[Job]:
        return list(self._jobs.values())

    def running_on(self, nvr_id: int) -> Job | None:
        return next((job for job in self._jobs.values() if job.nvr == nvr_id and job.state is JobState.RUNNING), None)

    def get(self, id_: int) -> Job:
        if id_ not in self._jobs:
            raise NotFound(f"There is no job {id_}.", "job list shows the jobs; ended ones are kept for a while.")
        return self._jobs[id_]

    def waiting_on(self, nvr_id: int) -> bool:
        """What a scan of this NVR found waits for `apply`."""
        return self._held.waiting_on(nvr_id)

    def start_scan(self, nvr: NvrRow, *, start: bool, restore: bool, again: bool = False, preview: bool = False) -> Job:
        """Starts a scan; when one of this NVR runs already, that one is the answer. `again`: there is something new
        that it may have missed, so another one follows; so it does when only this one is to `restore`. `preview`: what
        became different waits for `apply`, except at an NVR's first scan."""
        if running := self.running_on(nvr.id):
            if again or (restore and running.id not in self._restoring):
                _, restore_too = self._again.get(nvr.id, (start, False))
                self._again[nvr.id] = (start, restore or restore_too)
            return running
        self._last_id += 1
        id_ = self._last_id
        job = Job(
            id=id_,
            kind="scan",
            nvr=nvr.id,
            title=f"Scan of {nvr.name}",
            state=JobState.RUNNING,
            started=self._now(),
            preview=preview and nvr.last_scan is not None,
        )
        self._held.drop_for(nvr.id)  # what is read now is newer
        self._jobs[id_] = job
        work = self._scan(nvr, job, start=start, restore=restore)
        task = self._tasks[id_] = asyncio.create_task(work, name=f"scan of NVR {nvr.id}")
        if restore:
            self._restoring.add(id_)
        task.add_done_callback(lambda _: self._forget_task(id_))
        self._prune()
        self._show(job, force=True)
        return job

    async def cancel(self, id_: int) -> Job:
        """Returns when the job has ended and its partial result is stored."""
        job = self.get(id_)
        task = self._tasks.get(id_)
        if task is None or job.state is not JobState.RUNNING:
            raise Conflict(f"Job {id_} has already ended ({job.state}).")
        if id_ not in self._ending:  # a second cancel must not cut off the storing of what the first one left
            self._ending.add(id_)
            self._again.pop(job.nvr, None)
            task.cancel()
        await asyncio.wait([task])
        return job

    async def apply(self, id_: int) -> Job:
        """Keep what a scan with preview found: exactly what its diff says. Raises Conflict when that has become
        something else, or nothing waits (any more)."""
        job = self.get(id_)
        held = self._held.take(job)
        try:
            job.diff = await self._keep(
                held.nvr,
                [],
                held.result,
                start=held.start,
                restore=held.restore,
                expected=job.diff,
            )
        except BaseException:
            self._given_up(job)
            raise
        job.outcome, job.until = "kept", None
        await self._follow(held.nvr.id, None)
        self._show(job, force=True)
        return job

    def discard(self, id_: int) -> Job:
        """Raises Conflict as `apply` does."""
        job = self.get(id_)
        self._held.take(job)
        self._given_up(job)
        return job

    def forget_for(self, nvr_id: int) -> None:
        """What was found waits no more: the NVR is another one, or gone."""
        self._held.drop_for(nvr_id)

    def _given_up(self, job: Job) -> None:
        job.outcome, job.until = "discarded", None
        self._show(job, force=True)

    async def cancel_for(self, nvr_id: int) -> None:
        self.forget_for(nvr_id)
        if job := self.running_on(nvr_id):
            await self.cancel(job.id)

    async def stop(self) -> None:
        running = list(self._tasks.items())
        self._again.clear()
        self._held.close()
        for id_, task in running:
            if id_ not in self._ending:
                self._ending.add(id_)
                task.cancel()
        if running:
            await asyncio.wait([task for _, task in running], timeout=_STOP_TIMEOUT_S)

    def _forget_task(self, id_: int) -> None:
        del self._tasks[id_]
        self._restoring.discard(id_)

    def _show(self, job: Job, *, force: bool = False) -> None:
        """Publishes the job, at most ten times a second unless forced."""
        now = time.monotonic()
        if force or now - self._last_published >= _PUBLISH_EVERY_S:
            self._last_published = now
            self._hub.changed("job", job)

    def _prune(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.state is not JobState.RUNNING]
        for id_ in ended[:-_KEPT]:
            del self._jobs[id_]
            self._hub.removed("job", id_)

    async def _scan(self, nvr: NvrRow, job: Job, *, start: bool, restore: bool) -> None:
        channels: list[ScannedChannel] = []
        result: ScanResult | None = None
        error: ProxyError | None = None
        state = JobState.DONE
        try:
            result = await self._read(nvr, job, channels.append, restore=restore)
        except asyncio.CancelledError:
            state = JobState.CANCELLED
        except ProxyError as refused:
            state, error = JobState.FAILED, refused
        except Exception:
            log.exception("nvr %d: a bug in the scan", nvr.id)
            state, error = JobState.FAILED, ProxyError("A bug ended the scan; proxyd's log has the details.")
        self._ending.add(job.id)
        try:
            job.now, job.eta_s = "looking what is different" if job.preview else "starting cameras", None
            if job.preview:
                await self._compare(nvr, job, result, start=start, restore=restore)
            else:
                job.diff = await self._keep(nvr, channels, result, start=start, restore=restore)
        except ProxyError as refused:
            state, error = JobState.FAILED, refused
        finally:  # who waits for the end of the job then finds the cameras it made
            await self._follow(nvr.id, error)
            self._ending.discard(job.id)
            job.state, job.ended, job.now = state, self._now(), ""
            if error:
                job.error, job.hint = error.message, error.hint
            self._show(job, force=True)
        await asyncio.to_thread(give_back)
        if nvr.id in self._again:
            start, restore = self._again.pop(nvr.id)
            with contextlib.suppress(ProxyError):  # removed meanwhile
                self.start_scan(await self._store.nvr(nvr.id), start=start, restore=restore)

    async def _follow(self, nvr_id: int, error: ProxyError | None) -> None:
        try:
            await self._scanned(nvr_id, error)
        except ProxyError as refused:  # the NVR was removed meanwhile
            log.warning("nvr %d: after the scan: %s", nvr_id, refused)
        except Exception:
            log.exception("nvr %d: a bug after the scan", nvr_id)

    async def _read(
        self, nvr: NvrRow, job: Job, on_channel: Callable[[ScannedChannel], None], *, restore: bool
    ) -> ScanResult:
        job.now = "waiting for other scans"
        async with self._slots:
            began = time.monotonic()

            def on_progress(progress: ScanProgress) -> None:
                job.done, job.total, job.now = progress.done, progress.total, progress.now
                job.clock_offset_s = progress.clock_offset_s
                if progress.total and progress.done:
                    spent_s = time.monotonic() - began
                    job.eta_s = round(spent_s / progress.done * (progress.total - progress.done), 1)
                self._show(job)

            if nvr.kind == "rtsp":
                known = await self._store.sources(nvr.id)
                sources = [source for source in known if restore or not source.ignored]
                return await read_sources(nvr.access, sources, on_progress=on_progress, on_channel=on_channel)
            return await scan(nvr.access, on_progress=on_progress, on_channel=on_channel, settings=self._settings)

    async def _compare(self, nvr: NvrRow, job: Job, result: ScanResult | None, *, start: bool, restore: bool) -> None:
        """Of a preview: what is different waits. Of one that was cancelled or failed nothing is kept."""
        if result is None:
            job.outcome = "discarded"
            return
        diff = await self._keep(nvr, [], result, start=start, restore=restore, dry_run=True)
        if diff is None or not (diff.new or diff.changed or diff.missing or diff.offline):
            job.diff = await self._keep(nvr, [], result, start=start, restore=restore)
            return
        job.diff, job.outcome = diff, "waiting"
        job.until = (datetime.fromisoformat(self._now()) + timedelta(seconds=KEEP_S)).strftime(_TIME)
        self._held.hold(HeldScan(nvr, job, result, start, restore))

    async def _keep(
        self,
        nvr: NvrRow,
        channels: list[ScannedChannel],
        result: ScanResult | None,
        *,
        start: bool,
        restore: bool,
        dry_run: bool = False,
        expected: ScanDiff | None = None,
    ) -> ScanDiff | None:
        """Stores what was read. Only a complete scan may call a channel missing."""
        if result is None and not channels:
            return None
        diff = await self._store.apply_scan(
            nvr.id,
            channels if result is None else result.channels,
            complete=result is not None and result.complete,
            start=start,
            restore=restore,
            ports=self._ports,
            dry_run=dry_run,
            expected=expected,
        )
        if result is not None and not dry_run:
            await self._store.set_identity(nvr.id, result.identity, self._now())
        diff.warnings.extend(result.warnings if result else ())
        return diff
