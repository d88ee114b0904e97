"""A scan in words: progress bar, what is asked now, time left, and what changed. Pure."""

from __future__ import annotations

from datetime import datetime

from proxyd.api.models import Job, JobState, ScanDiff

from ..words import Look, Tone, channel_list, format_clock_offset, format_duration, job_sign
from .line import Line, Piece, fit, line, plain, wrap


def progress_words(job: Job) -> str:
    """ "11/16", "3 so far" while the number of channels is unknown."""
    if job.total is None:
        if job.state is not JobState.RUNNING:
            return str(job.done) if job.done else ""
        return f"{job.done} so far" if job.done else "starting"
    return f"{job.done}/{job.total}"


def eta_words(job: Job) -> str:
    if job.state is not JobState.RUNNING or job.eta_s is None:
        return ""
    return f"~{format_duration(job.eta_s)} left"


def progress_line(job: Job, look: Look, width: int, label_width: int = 30) -> Line:
    """One line per job: title (less of it where there is little room), bar, count, time left."""
    label_width = max(12, min(label_width, width - 38))
    bar_width = max(10, min(40, width - label_width - 26))
    title = fit(plain(job.title), label_width, ellipsis=look.ellipsis)
    sign = job_sign(job.state)
    return line(
        (f"  {look.glyph(sign)} ", sign.tone),
        (f"{title} ", Tone.TEXT),
        (look.bar(job.done, job.total, bar_width), Tone.ACCENT),
        (f" {progress_words(job)}", Tone.TEXT),
        (f"  {eta_words(job)}", Tone.MUTED),
    )


def diff_summary(diff: ScanDiff) -> str:
    """ "new 3, changed 1, missing 0" in one breath; "nothing changed" when so."""
    parts = [
        f"{len(found)} {word}"
        for found, word in (
            (diff.new, "new"),
            (diff.changed, "changed"),
            (diff.missing, "missing"),
            (diff.offline, "without signal"),
        )
        if found
    ]
    return ", ".join(parts) or "nothing changed"


def diff_lines(diff: ScanDiff, look: Look, width: int) -> list[Line]:
    """What a scan found, by kind, with channel numbers, then the warnings."""
    kinds: tuple[tuple[str, list[int], Tone, str], ...] = (
        ("new", diff.new, Tone.SUCCESS, "now a camera each"),
        ("changed", diff.changed, Tone.ACCENT, "streams or names are different; identity kept"),
        ("missing", diff.missing, Tone.ERROR, "no longer on the NVR; kept until you remove them"),
        ("offline", diff.offline, Tone.MUTED, "no picture on the NVR there"),
    )
    lines: list[Line] = []
    if not any(channels for _, channels, _, _ in kinds):
        lines, kinds = [line(("  Nothing has changed.", Tone.TEXT))], ()
    for word, channels, tone, meaning in kinds:
        pieces: list[Piece] = [
            (f"  {word:<9}", tone if channels else Tone.MUTED),
            (f"{len(channels):>3}", Tone.STRONG if channels else Tone.MUTED),
        ]
        if channels:
            pieces += [(f"   {channel_list(channels, 12)}", Tone.TEXT), (f"   {meaning}", Tone.MUTED)]
        lines.append(tuple(pieces))
    for warning in diff.warnings[:20]:
        lead: Piece = ("! " if look.ascii else "▲ ", Tone.WARNING)
        for number, words in enumerate(wrap(warning, max(20, width - 4), Tone.TEXT, limit=4)):
            lines.append((("  ", Tone.TEXT), lead if not number else ("  ", Tone.TEXT), *words))
    return lines


def _outcome(job: Job) -> str:
    if job.outcome == "waiting":
        return "   Nothing is changed yet. This is what would be:"
    if job.preview and job.outcome == "discarded":
        return "   It was looked at and not kept: everything is as it was."
    return ""


def _word_lines(diff: ScanDiff, look: Look, width: int) -> list[Line]:
    """Channel by channel, what a rescan found."""
    lines: list[Line] = []
    kinds = (("+", diff.new, Tone.SUCCESS), ("~", diff.changed, Tone.ACCENT), ("-", diff.missing, Tone.ERROR))
    for glyph, channels, tone in kinds:
        for channel in channels:
            words = fit(plain(diff.words.get(channel, "")), max(10, width - 14), ellipsis=look.ellipsis).rstrip()
            lines.append(line((f"    {glyph} ch {channel:<4}", tone), words))
    return [line(""), *lines] if any(diff.words.values()) else []


def _found(job: Job, now: datetime) -> list[Line]:
    """What is known of the NVR so far: how its clock stands, and how many channels it has."""
    clock = format_clock_offset(job.clock_offset_s, now)
    if clock not in ("", "right"):
        clock = f"the NVR's is {clock}; that does no harm"
    pairs = (("clock", clock), ("channels", f"{job.total} found" if job.total else ""))
    return [line((f"  {label:<9}", Tone.MUTED), (words, Tone.TEXT)) for label, words in pairs if words]


def job_lines(job: Job, look: Look, width: int, now: datetime) -> list[Line]:
    """The whole story of one job. `now`: the moment, for a clock that is wrong by years."""
    sign = job_sign(job.state)
    bar_width = max(12, min(50, width - 24))
    lines: list[Line] = []
    if job.total is not None or job.state is JobState.RUNNING:
        bar = look.bar(job.done, job.total, bar_width)
        lines = [line(("  ", Tone.TEXT), (bar, Tone.ACCENT), (f" {progress_words(job)}", Tone.STRONG)), line("")]
    if job.state is JobState.RUNNING:
        lines += _found(job, now)
        lines.append(line(("  now      ", Tone.MUTED), (plain(job.now) or "asking the NVR", Tone.TEXT)))
        left = eta_words(job).removesuffix(" left") or "not known yet"
        lines.append(line(("  left     ", Tone.MUTED), (left, Tone.TEXT)))
    else:
        lines.append(line((f"  {look.glyph(sign)} {sign.word}", sign.tone), (_outcome(job), Tone.TEXT)))
    if job.error:
        lines += [((("  ", Tone.TEXT)), *w) for w in wrap(job.error, width - 4, Tone.ERROR, limit=4)]
    if job.hint:
        lines += [((("  ", Tone.TEXT)), *w) for w in wrap(job.hint, width - 4, Tone.TEXT, limit=4)]
    if job.diff is not None:
        lines += [line(""), *diff_lines(job.diff, look, width)]
        lines += _word_lines(job.diff, look, width) if job.preview else []
    return lines
