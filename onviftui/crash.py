"""Where a bug in the UI ends up: a log file. People see one line with its id, never a traceback.

Tracebacks are written without local variables, so that no password on the stack reaches the disk.
"""

from __future__ import annotations

import os
import secrets
import traceback
from datetime import UTC, datetime
from pathlib import Path

SIZE_LIMIT = 1_000_000


def crash_log(environ: dict[str, str] | None = None) -> Path:
    """The file in the user's state folder (XDG Base Directory specification)."""
    env = os.environ if environ is None else environ
    base = env.get("XDG_STATE_HOME") or str(Path(env.get("HOME", "/tmp")) / ".local/state")  # noqa: S108 - in a folder of the user's own
    return Path(base) / "onviftui" / "crash.log"


def report_crash(error: BaseException, log: Path, crash_id: str = "") -> str:
    """Append the traceback to `log`; returns the sentence for the user. Never raises."""
    crash_id = crash_id or secrets.token_hex(3)
    kind = type(error).__name__
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > SIZE_LIMIT:
            log.replace(log.with_suffix(".old"))
        text = "".join(traceback.format_exception(error))
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as out:  # file names
            out.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {crash_id}\n{text}\n")
    except OSError:
        return f"A bug in onviftui ({kind}, id {crash_id}). The crash log {log} could not be written."
    return f"A bug in onviftui ({kind}, id {crash_id}). Please report it with {log}"
