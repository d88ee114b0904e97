"""What the overview says of the whole house: cameras by state, what passes, NVRs, recorders, scans. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from proxyd.api.history import History
from proxyd.api.models import CameraState, JobState, LogEntry, Nvr

from ..store import WAITING, Store
from ..words import (
    HUMAN_GLYPH,
    OFF_GLYPH,
    ON_GLYPH,
    WAITING_GLYPH,
    Look,
    Sign,
    Tone,
    camera_sign,
    count,
    format_mbit,
    format_time,
    format_when,
    nvr_sign,
)
from .job_lines import diff_summary, progress_line
from .line import Line, Piece, fit, line, line_len, plain
from .sparkline import sparkline

NVR_LIMIT = 16
RECORDER_LIMIT = 8
LABEL = 11  # cells before each section on low screens, where there is no line to spare for headings
_ADDRESS = 21  # cells at most: an IPv4 address with a port
_ORDER = (Tone.SUCCESS, Tone.QUIET, Tone.WARNING, Tone.MUTED, Tone.ERROR)  # of states: what runs, what is to do
_TONES = {"info": Tone.TEXT, "warning": Tone.WARNING, "error": Tone.ERROR}


def titled(title: str, lines: Sequence[Line], *, low: bool) -> list[Line]:
    """A section with its heading: above it, or beside its first line where the screen is low."""
    if not lines:
        return []
    if not low:
        return [line(""), line((f"    {title}", Tone.MUTED)), *lines]
    first, *rest = lines
    label = (fit(f"  {title.lower().replace('nvrs', 'NVRs')}", LABEL), Tone.MUTED)
    return [(label, *first), *(((" " * LABEL, Tone.TEXT), *more) for more in rest)]


def camera_lines(store: Store, look: Look, width: int) -> list[Line]:
    """How many cameras there are in each state, in the words of the table."""
    states: Counter[Sign] = Counter(camera_sign(camera) for camera in store.cameras.values())
    if not states:
        return []
    pieces: list[Line] = []
    for sign, number in sorted(states.items(), key=lambda item: (_ORDER.index(item[0].tone), -item[1])):
        pieces.append(((f"{look.glyph(sign)} {number} ", sign.tone), (f"{sign.word}   ", Tone.TEXT)))
    return _flow(pieces, width)


def _flow(pieces: Sequence[Line], width: int) -> list[Line]:
    """As many on a line as fit."""
    lines: list[Line] = []
    current: list[Piece] = [("  ", Tone.TEXT)]
    used = 2
    for group in pieces:
        cells = sum(cell_len(text) for text, _ in group)
        if used > 2 and used + cells > width:
            lines.append(tuple(current))
            current, used = [("  ", Tone.TEXT)], 2
        current += group
        used += cells
    return [*lines, tuple(current)]


def traffic_lines(store: Store, history: History | None, look: Look, width: int) -> list[Line]:
    """What passes now, and in the last minutes while that is known."""
    bps = store.counts().bps
    watched = sum(bool(camera.clients) for camera in store.cameras.values())
    if not bps and not watched:
        return []
    words = f"    {format_mbit(bps) or '0.0'} Mbit/s to recorders, {count(watched, 'camera')} watched"
    lines = [line((words, Tone.TEXT))]
    if history is not None and any(history.bps):
        minutes = len(history.bps) * history.step_s // 60
        most = f"at most {format_mbit(max(history.bps))} Mbit/s"
        lost = sum(history.lost)
        said = (
            f"{'' if look.ascii else '  '}{most} in {minutes} min, {f'{lost} packets lost' if lost else 'nothing lost'}"
        )
        drawn = sparkline(history.bps, max(10, min(60, width - len(said) - 5)), look)
        lines.append(line((f"    {drawn}", Tone.ACCENT), (said, Tone.WARNING if lost else Tone.MUTED)))
    return lines


def nvr_lines(store: Store, look: Look, width: int, now: datetime) -> list[Line]:
    shown = list(store.nvrs.values())[:NVR_LIMIT]
    address = min(_ADDRESS, max((cell_len(_address(nvr)) for nvr in shown), default=0))
    return [_nvr(nvr, store, look, width, address, now) for nvr in shown]


def _address(nvr: Nvr) -> str:
    return f"{nvr.host}:{nvr.port}"


def _nvr(nvr: Nvr, store: Store, look: Look, width: int, address: int, now: datetime) -> Line:
    sign = nvr_sign(store.nvr_state(nvr), scan_failed=store.failed_scan(nvr.id) is not None)
    cameras = [camera for camera in store.cameras.values() if camera.nvr == nvr.id]
    good = sum(c.state is CameraState.RUNNING for c in cameras)
    off = sum(c.state in (CameraState.STOPPED, CameraState.NO_SIGNAL) for c in cameras)
    waiting = sum(c.state in WAITING for c in cameras)
    pieces: list[Piece] = [
        (f"  {look.glyph(sign)} ", sign.tone),
        (fit(plain(nvr.name), _name_width(width), ellipsis=look.ellipsis), Tone.TEXT),
        (f"  {fit(_address(nvr), address, ellipsis=look.ellipsis)}", Tone.MUTED),
    ]
    for number, glyph in (
        (good, ON_GLYPH),
        (waiting, WAITING_GLYPH),
        (off, OFF_GLYPH),
        (len(cameras) - good - waiting - off, HUMAN_GLYPH),
    ):
        if number:
            tone = Tone.SUCCESS if glyph is ON_GLYPH else glyph[2]
            pieces.append((f"  {look.glyph(Sign(*glyph, ''))} {number}", tone))
    last = format_when(nvr.last_scan, now, now.tzinfo)
    end = (f"  {f'scanned {last}' if last else sign.word}", Tone.MUTED)
    return (*pieces, end) if line_len((*pieces, end)) <= width else tuple(pieces)


def _name_width(width: int) -> int:
    """Of the first column of NVRs and recorders, so that what follows stands below each other."""
    return max(15, min(30, width - 52))


def recorder_lines(store: Store, look: Look, width: int) -> list[Line]:
    """Who has cameras, or was the last to ask one: address, how many it has adopted, how many it plays now."""
    adopted: Counter[str] = Counter(camera.adopted_by for camera in store.cameras.values() if camera.adopted_by)
    playing: Counter[str] = Counter(
        camera.recorder for camera in store.cameras.values() if camera.recorder and camera.clients
    )
    seen = {camera.recorder for camera in store.cameras.values() if camera.recorder}
    known = sorted(adopted.keys() | seen, key=lambda address: (-adopted[address], -playing[address], address))
    if not known:
        return []
    lines: list[Line] = []
    for address in known[:RECORDER_LIMIT]:
        sign = Sign(*(ON_GLYPH if playing[address] else OFF_GLYPH), "")
        has = f"{count(adopted[address], 'camera')} adopted" if adopted[address] else "asked, adopted none"
        lines.append(
            line(
                (f"  {look.glyph(sign)} ", Tone.SUCCESS if playing[address] else sign.tone),
                (fit(plain(address), _name_width(width), ellipsis=look.ellipsis), Tone.TEXT),
                (f"  {has}", Tone.TEXT),
                (f", {playing[address]} playing" if playing[address] else "", Tone.MUTED),
            )
        )
    if len(known) > RECORDER_LIMIT:
        lines.append(line((f"    and {len(known) - RECORDER_LIMIT} more", Tone.MUTED)))
    return lines


def scan_lines(store: Store, look: Look, width: int, now: datetime) -> list[Line]:
    """Those that run; else what the last one found."""
    running = store.running_jobs()
    lines: list[Line] = []
    for job in running[:4]:
        lines.append(progress_line(job, look, width))
        if job.now:
            lines.append(line((f"      {plain(job.now)}", Tone.MUTED)))
    if not running:
        kept = [job for job in store.jobs.values() if job.state is JobState.DONE and job.diff and job.outcome == "kept"]
        if kept:
            job = max(kept, key=lambda j: j.id)
            when = format_when(job.ended, now, now.tzinfo)
            found = diff_summary(job.diff) if job.diff else ""
            lines = [line((f"    {plain(job.title)}: {found}   {when}", Tone.MUTED))]
    return lines


def event_lines(entries: Sequence[LogEntry], limit: int, now: datetime) -> list[Line]:
    """The newest first."""
    latest = list(entries)[-limit:]
    return [
        line((f"    {format_time(entry.at, now.tzinfo)}  ", Tone.MUTED), (plain(entry.message), _TONES[entry.level]))
        for entry in reversed(latest)
    ]
