"""A scan as people see it: one bar that is redrawn on a terminal, plain lines elsewhere; always on standard error.

Nothing is drawn by a clock: every line comes from a notification.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TextIO

from proxyd.api.client import RpcClient
from proxyd.api.models import Event, Job, JobState
from proxyd.errors import NotFound, ProxyError

from .output import cut, harmless

_CLEAR_TO_END = "\x1b[K"


def format_bar(done: int, total: int | None, width: int, *, unicode: bool = True) -> str:
    """A bar of `width` cells; empty while the total is unknown."""
    full, empty = ("█", "░") if unicode else ("#", "-")
    filled = 0 if not total else min(width, width * done // total)
    return full * filled + empty * (width - filled)


def format_count(job: Job) -> str:
    return f"{job.done}/{job.total}" if job.total is not None else f"{job.done}/?"


class ProgressLine:
    """Shows the newest state of one job."""

    def __init__(self, err: TextIO | None = None, *, label: str = "scan") -> None:
        self._err = err or sys.stderr
        self._label = label
        self._on_terminal = self._err.isatty()
        self._unicode = (getattr(self._err, "encoding", None) or "").lower().startswith("utf")
        self._last = ""

    def show(self, job: Job) -> None:
        if job.state is not JobState.RUNNING:
            return
        line = self._bar(job) if self._on_terminal else self._plain(job)
        if line == self._last:
            return
        self._last = line
        self._err.write(f"\r{line}{_CLEAR_TO_END}" if self._on_terminal else f"{line}\n")
        self._err.flush()

    def clear(self) -> None:
        """Leave an empty line behind for the result."""
        if self._on_terminal and self._last:
            self._err.write(f"\r{_CLEAR_TO_END}")
            self._err.flush()

    def _plain(self, job: Job) -> str:
        return f"{self._label} {format_count(job)} {_now(job)}"

    def _bar(self, job: Job) -> str:
        columns = shutil.get_terminal_size().columns
        bar = format_bar(job.done, job.total, 20 if columns < 100 else 40, unicode=self._unicode)
        eta = f"  about {job.eta_s:.0f} s left" if job.eta_s is not None and job.eta_s >= 1 else ""
        return cut(f"{self._label} {bar} {format_count(job)}{eta}  {_now(job)}", columns - 1)


def _now(job: Job) -> str:
    """What the scan does; before its first word it waits for the NVR."""
    return harmless(job.now) or "asking the NVR"


async def run_scan(
    client: RpcClient,
    nvr: int,
    *,
    progress: ProgressLine,
    start: bool = True,
    restore: bool = False,
    preview: bool = False,
    catch_interrupt: bool = True,
) -> Job:
    """Scan and wait for the end, drawing progress. With `catch_interrupt`, Ctrl-C cancels the job, and the cancelled
    job is the result."""
    await client.subscribe()  # before the scan, so that no event can be missed
    with _interrupts(catch_interrupt) as interrupted:
        params = {"id": nvr, "start": start, "restore": restore} | ({"preview": True} if preview else {})
        job: Job = await client.call("nvr.scan", params)
        progress.show(job)
        follow = asyncio.create_task(_follow(client, job, progress), name="scan progress")
        asked = asyncio.create_task(interrupted.wait(), name="wait for ctrl-c")
        try:
            await asyncio.wait({follow, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not follow.done():
                with contextlib.suppress(NotFound):  # ended in this very moment
                    await client.call("job.cancel", {"id": job.id})
            return await follow
        finally:
            for task in (follow, asked):
                task.cancel()
            await asyncio.gather(follow, asked, return_exceptions=True)
            progress.clear()


async def _follow(client: RpcClient, job: Job, progress: ProgressLine) -> Job:
    async for event in job_events(client, job.id):
        job = Job.model_validate(event.data)
        progress.show(job)
        if job.state is not JobState.RUNNING:
            return job
    raise ProxyError("The connection to proxyd ended before the scan did.", "Try 'onviftui job list'.")


async def job_events(client: RpcClient, job_id: int) -> AsyncIterator[Event]:
    async for event in client.events():
        if event.kind == "job" and event.action == "changed" and event.data.get("id") == job_id:
            yield event


@contextlib.contextmanager
def _interrupts(catch: bool) -> Iterator[asyncio.Event]:
    """Ctrl-C sets the event once; a second Ctrl-C ends the program as usual."""
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    if not catch:
        yield interrupted
        return

    def first_time() -> None:
        interrupted.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, first_time)
    try:
        yield interrupted
    finally:
        loop.remove_signal_handler(signal.SIGINT)
