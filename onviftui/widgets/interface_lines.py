"""One interface in words: its pool, where its address comes from, and what the doctor found about it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from proxyd.api.models import Finding, Interface

from ..words import Tone, format_duration, format_when
from .line import Line, line, plain, wrap

_TONES = {"problem": Tone.ERROR, "warning": Tone.WARNING, "note": Tone.TEXT, "ok": Tone.MUTED}


def findings_of(item: Interface, findings: Sequence[Finding] | None) -> list[Finding]:
    """Those of the last examination that are about this interface."""
    return [finding for finding in findings or () if finding.interface == item.name]


def doctor_word(item: Interface, findings: Sequence[Finding] | None) -> str:
    """The worst that was found; "" before any examination."""
    if findings is None:
        return ""
    severities = {finding.severity for finding in findings_of(item, findings)}
    return next((word for word in ("problem", "warning", "note") if word in severities), "fine")


def lease_words(item: Interface, now: datetime) -> str:
    """For the column: the moment, which stays true without ticking."""
    if item.lease_until:
        return format_when(item.lease_until, now, now.tzinfo)
    return "for ever" if item.method == "static" and item.address else ""


def _source(item: Interface, now: datetime) -> str:
    """Where its address comes from, and for how long."""
    on = f" on {item.parent}" if item.parent else ""
    if item.method == "static":
        return f"set by hand{on}"
    if item.method == "dhcp" and item.lease_until:
        try:
            left_s = (datetime.fromisoformat(item.lease_until) - now).total_seconds()
        except ValueError:
            return f"by DHCP{on}"
        until = format_when(item.lease_until, now, now.tzinfo)
        left = f"{format_duration(left_s)} of its lease left" if left_s > 0 else "its lease has run out"
        return f"by DHCP{on}, {left} (until {until})"
    return f"by DHCP{on}" if item.method == "dhcp" else {"loopback": "this machine alone"}.get(item.kind, "")


def interface_lines(
    item: Interface,
    all_: Sequence[Interface],
    camera: str,
    findings: Sequence[Finding] | None,
    now: datetime,
    width: int,
    height: int,
) -> list[Line]:
    """Three lines at least; more findings where there is room."""
    free = sum(not other.camera for other in all_)
    source = _source(item, now)
    what = f"Enter opens {plain(camera)}." if camera else "A new camera may stand here."
    lines = [
        line(
            (f" {item.name}", Tone.STRONG),
            f"   {item.mac}   {item.address or 'no address'}",
            (f"   {source}" if source else "", Tone.MUTED),
        ),
        line((f" Pool: {len(all_)} interfaces, {len(all_) - free} in use, {free} free.  {what}", Tone.MUTED)),
    ]
    said = wrap(item.message, max(20, width - 2), Tone.WARNING, limit=2) if item.message else []
    for finding in findings_of(item, findings):
        words = f"{finding.severity}: {finding.what}" + (f" Do: {finding.todo}" if finding.todo else "")
        said += wrap(words, max(20, width - 2), _TONES[finding.severity], limit=3)
    if findings is None and not said:
        said = [line(("x examines it and the network.", Tone.MUTED))]
    return [*lines, *[((" ", Tone.TEXT), *pieces) for pieces in said[: max(1, height - len(lines))]]]
