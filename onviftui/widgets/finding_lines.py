"""What an examination found, in words: the worst first, each with what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from proxyd.api.models import Finding

from ..words import Tone
from .line import Line, line, wrap

WIDTH = 62  # as dialogs have it; wider lines would be harder to read
_TONES = {"problem": Tone.ERROR, "warning": Tone.WARNING, "note": Tone.TEXT, "ok": Tone.MUTED}
_TEXT_LINES = 6  # of one sentence; wider terminals would not make it longer


def finding_lines(findings: Sequence[Finding], *, closes: bool = True) -> list[Line]:
    """What many interfaces share is said once; the word of the severity, not its colour alone, says how bad it is.
    `closes`: with the line that says how a dialog is closed."""
    counts = {word: sum(x.severity == word for x in findings) for word in ("problem", "warning")}
    found = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for word, count in counts.items() if count)
    lines: list[Line] = [line((found or "No problem found", Tone.STRONG)), line("")]
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        alike = (finding.id, finding.why, finding.todo) if finding.interface else (finding.what,)
        groups.setdefault((finding.severity, *alike), []).append(finding)
    for first, *rest in groups.values():
        more = f" The same: {_few([x.interface for x in rest])}." if rest else ""
        lines += wrap(f"{first.severity}: {first.what}{more}", WIDTH, _TONES[first.severity], limit=_TEXT_LINES)
        lines += wrap(first.why, WIDTH, Tone.MUTED, limit=_TEXT_LINES) if first.why else []
        lines += wrap(f"Do: {first.todo}", WIDTH, Tone.ACCENT, limit=_TEXT_LINES) if first.todo else []
        lines.append(line(""))
    return [*lines, line(("Esc closes this", Tone.MUTED))] if closes else lines


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:6])} and {len(names) - 6} more"
