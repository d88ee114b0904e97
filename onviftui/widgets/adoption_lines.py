"""The guided adoption in words: what to adopt now, how far its recorder is, and what is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from rich.cells import cell_len

from proxyd.api.models import Adoption, AdoptionStep, Camera

from ..words import Look, Tone, count, format_time
from .big_digits import big
from .line import Line, Piece, fit, line, plain, wrap

_PAUSED = "searches find none that nobody has adopted."
FULL_STEPS = 3  # of the cameras whose turn it is; the others in one line each


def adoption_lines(
    adoption: Adoption,
    cameras: Sequence[Camera],
    passwords: dict[int, str],
    look: Look,
    width: int,
    zone: tzinfo | None = None,
    *,
    operator: bool = True,
) -> list[Line]:
    """`passwords`: by camera, those that the user wants to see. `zone`: of times of day. `operator`: the user may
    use the keys that are named here."""
    by_id = {camera.id: camera for camera in cameras}
    if adoption.state not in ("running", "paused"):
        return _idle(adoption, cameras, width, operator=operator)
    lines: list[Line] = []
    turns = [step for step in adoption.steps if step.state == "now"]
    done = sum(step.state == "adopted" for step in adoption.steps)
    for number, step in enumerate(turns):
        camera = by_id.get(step.camera)
        if number < FULL_STEPS and camera is not None:
            place = [one.camera for one in adoption.steps].index(step.camera) + 1
            hidden = f"{look.hidden}   {'r reveals it' if operator else 'for operators'}"
            password = passwords.get(step.camera) or hidden
            lines += _turn(step, camera, place, len(adoption.steps), password, look, width, zone, large=number == 0)
        else:
            lines.append(line(("   also now: ", Tone.MUTED), (plain(step.name), Tone.STRONG), f"   {step.address}"))
    if adoption.state == "paused":
        lines += [
            line(""),
            line((f"   Paused: {done} of {count(len(adoption.steps), 'camera')} adopted.", Tone.STRONG)),
            line((f"   {'p' if operator else 'An operator'} goes on. Until then, {_PAUSED}", Tone.MUTED)),
        ]
    elif not turns:
        lines += [line(""), *_padded(wrap(_blocked(adoption), width - 6, Tone.WARNING, limit=4))]
    return [*lines, line(""), *_progress(adoption, look, width), line(""), *_others(adoption, look, width)]


def nobody_has(cameras: Iterable[Camera]) -> int:
    """How many cameras wait for a recorder."""
    return sum(not camera.adopted_by and camera.enabled for camera in cameras)


def _progress(adoption: Adoption, look: Look, width: int) -> list[Line]:
    """How many are done, and whose turn comes next."""
    ended = sum(step.state in ("adopted", "skipped") for step in adoption.steps)
    bar = look.bar(ended, len(adoption.steps), max(10, min(50, width - 40)))
    following = next((step for step in adoption.steps if step.state == "waiting"), None)
    pieces: list[Piece] = [("   ", Tone.TEXT), (bar, Tone.ACCENT), (f" {ended}/{len(adoption.steps)}", Tone.STRONG)]
    if following is not None:
        pieces += [("   next: ", Tone.MUTED), (plain(following.name), Tone.TEXT)]
    return [tuple(pieces)]


def _turn(
    step: AdoptionStep,
    camera: Camera,
    place: int,
    total: int,
    password: str,
    look: Look,
    width: int,
    zone: tzinfo | None,
    *,
    large: bool,
) -> list[Line]:
    lines: list[Line] = [
        line(""),
        line(
            (f"   Adopt camera {place} of {total} now:  ", Tone.TEXT),
            (plain(step.name), Tone.ACCENT),
        ),
        line(""),
        line(("      in the recorder add  ", Tone.MUTED), (step.address or "no address", Tone.STRONG)),
        *(_large(step.address or "", width) if large and not look.ascii else []),
        line(
            ("      user  ", Tone.MUTED),
            (plain(camera.username), Tone.STRONG),
            ("   password  ", Tone.MUTED),
            (password, Tone.STRONG),
        ),
        line(""),
        (("   ", Tone.TEXT), *_marks(step, look, zone)),
    ]
    if step.trouble:
        lines += _padded(wrap(step.trouble, width - 6, Tone.WARNING, limit=4))
    return lines


def _large(address: str, width: int) -> list[Line]:
    """The address for somebody who stands at the recorder's keyboard."""
    drawn = big(address)
    if not drawn or cell_len(drawn[0]) + 6 > width:
        return []
    return [line(""), *(line((f"      {row}", Tone.ACCENT)) for row in drawn), line("")]


def _marks(step: AdoptionStep, look: Look, zone: tzinfo | None) -> list[Piece]:
    tick, open_ = ("+", "~") if look.ascii else ("✔", "◌")
    pieces: list[Piece] = []
    waited = False
    for words, done in (
        ("reached", step.reached),
        ("signed in", step.signed_in),
        ("asked for streams", step.asked_streams),
        ("playing", False),
    ):
        tone = Tone.SUCCESS if done else Tone.MUTED if waited else Tone.WARNING
        pieces.append((f"{tick if done else open_} {words}   ", tone))
        waited = waited or not done
    if step.recorder:
        return [*pieces, (f"by {plain(step.recorder)}", Tone.MUTED)]
    return [*pieces, (f"since {format_time(step.since, zone)}", Tone.MUTED)] if step.since else pieces


def _others(adoption: Adoption, look: Look, width: int) -> list[Line]:
    signs = {"adopted": ("✔", "+", Tone.SUCCESS), "skipped": ("○", "-", Tone.MUTED), "waiting": ("◌", "~", Tone.MUTED)}
    first = {"waiting": 0, "skipped": 1, "adopted": 2}
    lines: list[Line] = []
    others = [step for step in adoption.steps if step.state != "now"]
    for step in sorted(others, key=lambda one: first[one.state]):
        glyph, plain_glyph, tone = signs[step.state]
        words = f"adopted by {step.by}" if step.state == "adopted" else step.state
        lines.append(
            line(
                (f"   {plain_glyph if look.ascii else glyph} ", tone),
                (f"{fit(plain(step.name), max(16, min(40, width - 56)), ellipsis=look.ellipsis)} ", Tone.TEXT),
                (f"{step.address or '':<22}", Tone.MUTED),
                (words, tone),
            )
        )
    return lines


def _blocked(adoption: Adoption) -> str:
    waiting = [step for step in adoption.steps if step.state == "waiting"]
    troubles = " ".join(f"{step.trouble}" for step in waiting[:2] if step.trouble)
    return f"None of the {count(len(waiting), 'camera')} left can be adopted now. {troubles}".strip()


def _idle(adoption: Adoption, cameras: Sequence[Camera], width: int, *, operator: bool) -> list[Line]:
    free = nobody_has(cameras)
    lines: list[Line] = [line("")]
    if adoption.state in ("done", "cancelled"):
        done = sum(step.state == "adopted" for step in adoption.steps)
        ended = "done" if adoption.state == "done" else "was cancelled"
        said = f"   The guided adoption {ended}: {done} of {count(len(adoption.steps), 'camera')} adopted."
        lines += [line((said.replace("adoption done", "adoption is done"), Tone.STRONG)), line("")]
    lines += _padded(
        wrap(
            "For recorders that take in one camera at a time: searches find one camera, and the next one as soon as a "
            "recorder plays the first. Cameras that are adopted stay as they are.",
            width - 6,
            Tone.TEXT,
            limit=4,
        )
    )
    lines.append(line(""))
    if free:
        them = "the one that nobody has" if free == 1 else f"the {free} that nobody has"
        if operator:
            lines.append(line(("   a", Tone.ACCENT), (f"  begins with {them}", Tone.TEXT)))
        else:
            lines.append(line((f"   An operator can begin with {them}.", Tone.MUTED)))
    else:
        none = "   There are no cameras yet. Scan your NVR: press 3, then r."
        lines.append(line(("   All cameras are adopted." if cameras else none, Tone.MUTED)))
    return lines


def _padded(lines: Sequence[Line]) -> list[Line]:
    return [(("   ", Tone.TEXT), *pieces) for pieces in lines]
