"""What each noun and verb does: one coroutine each, from parsed arguments to output and exit code.

The table COMMANDS is what cli.py dispatches on; most nouns have a module of their own.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from proxyd.api.client import RpcClient
from proxyd.api.models import Status

from . import (
    adoption_commands,
    backup_commands,
    camera_commands,
    history_commands,
    interface_commands,
    job_commands,
    log_commands,
    nvr_commands,
    settings_commands,
    source_commands,
    undo_commands,
    user_commands,
)
from .output import Output, format_pairs, local_time

Command = Callable[[argparse.Namespace, RpcClient, Output], Awaitable[int]]


async def status(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    state: Status = await client.call("status")
    if out.json_mode:
        out.document(state)
        return 0
    states = ", ".join(f"{count} {name}" for name, count in state.states.items() if count)
    out.lines(
        format_pairs(
            [
                ("proxyd", f"{state.version}, pid {state.pid}, since {local_time(state.started)}"),
                ("mode", state.mode),
                ("data", state.data_dir),
                ("database", f"version {state.database_version}" if state.database_version else ""),
                ("NVRs", state.nvrs),
                ("cameras", f"{state.cameras}" + (f": {states}" if states else "")),
                ("traffic", f"{state.bps / 1e6:.1f} Mbit/s"),
                ("your role", state.role),
            ]
        )
    )
    if state.warning:
        out.note(state.warning)
    return 0


COMMANDS: dict[tuple[str, str | None], Command] = {
    **{("nvr", verb): command for verb, command in nvr_commands.COMMANDS.items()},
    **{("source", verb): command for verb, command in source_commands.COMMANDS.items()},
    **{("camera", verb): command for verb, command in camera_commands.COMMANDS.items()},
    **{("adoption", verb): command for verb, command in adoption_commands.COMMANDS.items()},
    **{("interface", verb): command for verb, command in interface_commands.COMMANDS.items()},
    **{("job", verb): command for verb, command in job_commands.COMMANDS.items()},
    **{("log", verb): command for verb, command in log_commands.COMMANDS.items()},
    ("history", None): history_commands.history,
    **{("user", verb): command for verb, command in user_commands.COMMANDS.items()},
    **{("backup", verb): command for verb, command in backup_commands.COMMANDS.items()},
    **{("settings", verb): command for verb, command in settings_commands.COMMANDS.items()},
    ("undo", None): undo_commands.undo,
    ("status", None): status,
}
