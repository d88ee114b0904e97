"""The daemon's own log: parameters and result of log.daemon. The other log, log.tail, says what was done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .fields import Id, IdOrNone
from .model import Model
from .params import Params


class LogDaemonParams(Params):
    """`level` is the least that is told. Of a camera or an NVR only the lines that name its number are its own. `text`
    is looked for in line, part and traceback, capitals or not."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    after: IdOrNone = 0
    before: IdOrNone = 0  # 0: from the newest backwards
    level: Literal["debug", "info", "warning", "error"] = "debug"
    camera: Id | None = None
    nvr: Id | None = None
    text: Annotated[str, StringConstraints(max_length=200)] = ""


class DaemonLine(Model):
    """One line of the journal. `detail` is the traceback of a bug, without the values of variables."""

    id: int
    at: str
    level: Literal["debug", "info", "warning", "error"]
    part: str  # of the daemon, in words: "streams", "NVRs"
    subject: str = ""  # "camera 3", "nvr 1" where the line names one
    message: str
    detail: str = ""


class DaemonLog(Model):
    """The newest matching lines, oldest first. `newest` is the last number given, matching or not: go on after it.
    `older`: there are more that match, before the first."""

    lines: list[DaemonLine]
    newest: int
    older: bool
    forgotten: int  # lines after `after` that are no longer kept
    left_out: int  # since the daemon started: lines that came too many at once
