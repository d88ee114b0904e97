"""The words and signs of the user interface: states, rates, times, progress bars.

Pure. One place, so that table, detail, alarms and toasts say the same thing; a state is always
glyph + word + tone, never colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from proxyd.api.models import Camera, CameraState, JobState, NvrState, TraceEntry


class Tone(StrEnum):
    """What a colour means; the theme decides how it looks."""

    TEXT = "text"
    STRONG = "strong"
    MUTED = "muted"
    ACCENT = "accent"
    SUCCESS = "success"
    QUIET = "quiet"  # success that nobody needs to look at
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Sign:
    """A state for people: glyph (and its ASCII form), tone, word."""

    glyph: str
    ascii: str
    tone: Tone
    word: str


HTTPS_BEGINS = "on; its addresses are shown as soon as it listens"
PLAYING = Sign("●", "*", Tone.SUCCESS, "playing")
WAITING_GLYPH = ("◌", "~", Tone.WARNING)
HUMAN_GLYPH = ("✖", "!", Tone.ERROR)
OFF_GLYPH = ("○", "-", Tone.MUTED)
ON_GLYPH = ("●", ".", Tone.QUIET)

_CAMERA: dict[CameraState, tuple[str, str, Tone]] = {
    CameraState.RUNNING: ON_GLYPH,
    CameraState.STARTING: WAITING_GLYPH,
    CameraState.STOPPED: OFF_GLYPH,
    CameraState.WAITING_FOR_ADDRESS: WAITING_GLYPH,
    CameraState.ADDRESS_CHANGED: WAITING_GLYPH,
    CameraState.UPSTREAM_UNREACHABLE: WAITING_GLYPH,
    CameraState.NO_SIGNAL: OFF_GLYPH,
}
_NVR: dict[NvrState, tuple[str, str, Tone]] = {
    NvrState.NEW: OFF_GLYPH,
    NvrState.OK: ("●", "*", Tone.SUCCESS),
    NvrState.UNREACHABLE: WAITING_GLYPH,
}
_CLOCK_DAYS_S = 2 * 86400  # from here on the date says more than a number of days
_NVR_WORDS = {NvrState.NEW: "not scanned yet"}
_JOB: dict[JobState, tuple[str, str, Tone]] = {
    JobState.RUNNING: ("◌", "~", Tone.ACCENT),
    JobState.DONE: ("●", "*", Tone.SUCCESS),
    JobState.FAILED: HUMAN_GLYPH,
    JobState.CANCELLED: OFF_GLYPH,
}


def camera_sign(camera: Camera) -> Sign:
    """The state of a camera; a running one that somebody watches is `playing`."""
    if camera.state is CameraState.RUNNING and camera.clients:
        return PLAYING
    glyph, plain, tone = _CAMERA.get(camera.state, HUMAN_GLYPH)
    return Sign(glyph, plain, tone, camera.state.value)


def nvr_sign(state: NvrState, *, scan_failed: bool = False) -> Sign:
    """`scan_failed`: the only scan so far did, for a reason that is not a state."""
    if scan_failed and state is NvrState.NEW:
        return Sign(*HUMAN_GLYPH, "scan failed")
    glyph, plain, tone = _NVR.get(state, HUMAN_GLYPH)
    return Sign(glyph, plain, tone, _NVR_WORDS.get(state, state.value))


def job_sign(state: JobState) -> Sign:
    glyph, plain, tone = _JOB[state]
    return Sign(glyph, plain, tone, state.value)


@dataclass(frozen=True, slots=True)
class Look:
    """Which characters the terminal can show."""

    ascii: bool = False

    @property
    def dash(self) -> str:
        return "-" if self.ascii else "–"

    @property
    def ellipsis(self) -> str:
        return "~" if self.ascii else "…"

    @property
    def cursor(self) -> str:
        return ">" if self.ascii else "▸"

    @property
    def mark(self) -> str:
        return "+" if self.ascii else "✓"

    @property
    def times(self) -> str:
        return "x" if self.ascii else "×"

    @property
    def hidden(self) -> str:
        return "*" * 8 if self.ascii else "•" * 8

    def glyph(self, sign: Sign) -> str:
        return sign.ascii if self.ascii else sign.glyph

    def sorted_by(self, *, descending: bool) -> str:
        if self.ascii:
            return "v" if descending else "^"
        return "▾" if descending else "▴"

    def bar(self, done: int, total: int | None, width: int) -> str:
        """A progress bar of exactly `width` cells, in eighths where the terminal can."""
        inner = max(1, width - 2)
        share = 0.0 if not total else min(1.0, max(0.0, done / total))
        if self.ascii:
            filled = int(share * inner)
            return "[" + "#" * filled + "." * (inner - filled) + "]"
        eighths = int(share * inner * 8)
        whole, rest = divmod(eighths, 8)
        part = "" if not rest else "▏▎▍▌▋▊▉"[rest - 1]
        return "▕" + ("█" * whole + part).ljust(inner) + "▏"


def codec_name(codec: str) -> str:
    return {"H264": "H.264", "H265": "H.265"}.get(codec.upper(), codec)


def format_mbit(bps: int) -> str:
    """Bits per second as Mbit/s without the unit: "6.1", "142", "<0.1"; "" for nothing."""
    if bps <= 0:
        return ""
    mbit = bps / 1_000_000
    if mbit < 0.05:
        return "<0.1"
    return f"{mbit:.0f}" if mbit >= 100 else f"{mbit:.1f}"


def format_duration(seconds: float) -> str:
    """As people say it: "12 s", "3 min", "7 h 02 min", "4 days"."""
    whole = round(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} days"


def format_clock_offset(seconds: float | None, now: datetime) -> str:
    """How the NVR's clock stands: "right", "7 h 02 min behind", "set to 2017-11-22"."""
    if seconds is None:
        return ""
    if abs(seconds) < 5:
        return "right"
    if abs(seconds) >= _CLOCK_DAYS_S:
        try:
            return f"set to {now + timedelta(seconds=seconds):%Y-%m-%d}"
        except OverflowError:
            return "set to a date that cannot be"
    return f"{format_duration(seconds)} {'behind' if seconds < 0 else 'ahead'}"


def _local(at: str, zone: tzinfo | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(zone)


def format_when(at: str | None, now: datetime, zone: tzinfo | None = None) -> str:
    """A moment, absolute so that it needs no ticking: "14:03", "yesterday 18:04", "12 Nov 18:04"."""
    moment = _local(at, zone) if at else None
    if moment is None:
        return ""
    today = now.astimezone(zone).date()
    clock = moment.strftime("%H:%M")
    if moment.date() == today:
        return clock
    if moment.date() == today - timedelta(days=1):
        return f"yesterday {clock}"
    return f"{moment.day} {moment.strftime('%b')} {clock}"


def format_time(at: str, zone: tzinfo | None = None) -> str:
    """The time of day with seconds, as logs show it."""
    moment = _local(at, zone)
    return moment.strftime("%H:%M:%S") if moment else at[:19]


def count(number: int, one: str, many: str = "") -> str:
    """ "1 camera", "3 cameras"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def channel_list(channels: list[int], limit: int = 8) -> str:
    """ "ch 1-8, 12", with `limit` numbers and ranges at most."""
    runs = _runs(channels)
    left = sum(last - first + 1 for first, last in runs[limit:])
    more = f" and {left} more" if left else ""
    return f"ch {_ranges(runs[:limit])}{more}" if channels else ""


def number_ranges(numbers: list[int]) -> str:
    """ "1-8, 12, 13": three and more in a row as first and last."""
    return _ranges(_runs(numbers))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """First and last of what follows each other, from three on; all others by themselves."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    pairs = ([(first, first), (last, last)] if last == first + 1 else [(first, last)] for first, last in runs)
    return [run for pair in pairs for run in pair]


def _ranges(runs: list[tuple[int, int]]) -> str:
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def request_words(entry: TraceEntry) -> str:
    """What a recorder asked for: "GetProfiles", "PullMessages (37 times)"."""
    return f"{entry.operation} ({entry.times} times)" if entry.times > 1 else entry.operation
