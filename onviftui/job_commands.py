"""The commands `onviftui job …`: what scans do and did, and yes or no to what one with --preview found."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from proxyd.api.client import RpcClient
from proxyd.api.models import Job, ScanDiff

from .nvr_commands import scan_summary
from .output import Column, Output, local_time
from .progress import format_count


async def job_list(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    jobs: list[Job] = await client.call("job.list")
    if out.json_mode:
        out.document(jobs)
        return 0
    columns = (
        Column("ID", right=True),
        Column("STATE"),
        Column("DONE", right=True),
        Column("STARTED", optional=True),
        Column("TITLE", least=12),
        Column("NOW", least=12),
    )
    rows = [
        (
            j.id,
            j.state,
            format_count(j),
            local_time(j.started),
            j.title,
            j.error or j.now,
        )
        for j in jobs
    ]
    if rows:
        out.table(columns, rows)
    else:
        out.say("No jobs yet.")
    return 0


def _change(method: str, words: Callable[[Job], list[str]]) -> Callable[..., Awaitable[int]]:
    async def run(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
        job: Job = await client.call(method, {"id": args.id})
        if out.json_mode:
            out.document(job)
        else:
            out.lines(words(job))
        return 0

    return run


COMMANDS = {
    "list": job_list,
    "cancel": _change("job.cancel", lambda job: [f"Job {job.id} is being cancelled; what it found so far is kept."]),
    "apply": _change("job.apply", lambda job: [*scan_summary(job.diff or ScanDiff(), job), "It is kept."]),
    "discard": _change("job.discard", lambda job: [f"What job {job.id} found is forgotten; nothing was changed."]),
}
