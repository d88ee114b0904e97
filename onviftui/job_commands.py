"""The commands `onviftui job apply` and `job discard`: yes or no to what a scan with --preview found."""

from __future__ import annotations

import argparse

from proxyd.api.client import RpcClient
from proxyd.api.models import Job, ScanDiff

from .nvr_commands import scan_summary
from .output import Output


async def job_apply(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    job: Job = await client.call("job.apply", {"id": args.id})
    if out.json_mode:
        out.document(job)
    else:
        out.lines(scan_summary(job.diff or ScanDiff(), job))
        out.say("It is kept.")
    return 0


async def job_discard(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    job: Job = await client.call("job.discard", {"id": args.id})
    if out.json_mode:
        out.document(job)
    else:
        out.say(f"What job {job.id} found is forgotten; nothing was changed.")
    return 0


COMMANDS = {"apply": job_apply, "discard": job_discard}
