"""Clock, restart and logs of a camera (ONVIF Core section 8.3). Pure.

Clock and firmware are those of the machine that all cameras share: they are told truthfully, and not changed by a
recorder. A restart is real, but for this camera only.
"""

from __future__ import annotations

from proxyd.camera.commands import Ask, Restart

from ..faults import invalid_args, invalid_value, prohibited
from ..soap import Element, el
from .operation import Access, Context, Operation


def get_system_date_and_time(ctx: Context) -> Element:
    """Always open and always right: recorders build their tokens from UTCDateTime. Our zone is UTC."""
    return el(
        "tds:GetSystemDateAndTimeResponse",
        el(
            "tds:SystemDateAndTime",
            el("tt:DateTimeType", "NTP"),
            el("tt:DaylightSavings", "false"),
            el("tt:TimeZone", el("tt:TZ", "UTC0")),
            _date_time("tt:UTCDateTime", ctx),
            _date_time("tt:LocalDateTime", ctx),
        ),
    )


def _date_time(name: str, ctx: Context) -> Element:
    now = ctx.now
    return el(
        name,
        el(
            "tt:Time",
            el("tt:Hour", str(now.hour)),
            el("tt:Minute", str(now.minute)),
            el("tt:Second", str(now.second)),
        ),
        el(
            "tt:Date",
            el("tt:Year", str(now.year)),
            el("tt:Month", str(now.month)),
            el("tt:Day", str(now.day)),
        ),
    )


def set_system_date_and_time(ctx: Context) -> Element:
    """NTP is what it says already, so that is done; recorders that set their own time are refused."""
    kind = ctx.required("tds:DateTimeType")
    if kind not in ("NTP", "Manual"):
        raise invalid_value(f"There is no way {kind[:32]!r} to set the time, only Manual and NTP")
    ctx.flag("tds:DaylightSavings")
    if kind == "Manual":
        raise prohibited("The time comes from the machine that this camera runs on, which has it from NTP")
    return el("tds:SetSystemDateAndTimeResponse")


def set_system_factory_default(ctx: Context) -> Element:
    kind = ctx.required("tds:FactoryDefault")
    if kind not in ("Hard", "Soft"):
        raise invalid_value(f"There is no factory default {kind[:32]!r}, only Hard and Soft")
    raise prohibited("This camera has no factory default; its settings are changed where it is managed")


def system_reboot(_: Context) -> Ask[Element]:
    """All connections of this camera are closed a moment later, and it says Bye and Hello."""
    message = "Only this camera restarts, in about a second."
    return Ask(Restart(), lambda _: el("tds:SystemRebootResponse", el("tds:Message", message)))


def get_system_log(ctx: Context) -> Element:
    """Nothing of the daemon's log is for recorders: it speaks of other cameras and of the NVR."""
    kinds = {"System": "ter:SystemlogUnavailable", "Access": "ter:AccesslogUnavailable"}
    kind = ctx.required("tds:LogType")
    if kind not in kinds:
        raise invalid_value(f"There is no log {kind[:32]!r}, only System and Access")
    raise invalid_args("There is no log here; it is kept where the camera is managed", kinds[kind])


def get_system_support_information(_: Context) -> Element:
    reason = "There is no support information here; it is given where the camera is managed"
    raise invalid_args(reason, "ter:SupportInformationUnavailable")


OPERATIONS = (
    Operation("GetSystemDateAndTime", Access.PRE_AUTH, get_system_date_and_time, static=False),
    Operation("SetSystemDateAndTime", Access.WRITE_SYSTEM, set_system_date_and_time, static=False),
    Operation("SetSystemFactoryDefault", Access.UNRECOVERABLE, set_system_factory_default, static=False),
    Operation("SystemReboot", Access.UNRECOVERABLE, system_reboot, static=False),
    Operation("GetSystemLog", Access.READ_SYSTEM_SECRET, get_system_log, static=False),
    Operation("GetSystemSupportInformation", Access.READ_SYSTEM_SECRET, get_system_support_information, static=False),
)
