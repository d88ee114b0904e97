"""What each step of the guide says. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from proxyd.api.models import Camera, CameraState, Finding, InterfaceChange, Job, JobState, Nvr

from ..store import WAITING, Store
from ..widgets.finding_lines import finding_lines
from ..widgets.job_lines import job_lines
from ..widgets.line import Line, Piece, line, plain, wrap
from ..words import HUMAN_GLYPH, OFF_GLYPH, ON_GLYPH, WAITING_GLYPH, Look, Sign, Tone, count
from .places import PLACES, Place, done, free_interfaces, missing_interfaces

_MODES = {
    "loopback": (
        "proxyd runs in loopback mode: each camera gets an address 127.0.x.y of this machine. That is for trying it "
        "out: only programs on this machine reach the cameras. For recorders in your network run, as root: "
        "netsetup install"
    ),
    "netlink": "Each camera gets an interface of its own in your network, with a MAC and an address of its own.",
    "shared": (
        "All cameras share one address and are told apart by their ports. Recorders such as UniFi Protect want one "
        "address for each camera; for these run, as root: netsetup install"
    ),
}


def step_line(now: Place, store: Store, look: Look) -> Line:
    """All steps in one line: done, here, still to come."""
    pieces: list[Piece] = [(" ", Tone.TEXT)]
    for place in PLACES:
        if place is now:
            pieces += [(f"{look.cursor} ", Tone.ACCENT), (f"{place.value}   ", Tone.STRONG)]
        elif done(place, store) or (place is Place.NETWORK and now is not place):
            pieces += [("+ " if look.ascii else "✔ ", Tone.SUCCESS), (f"{place.value}   ", Tone.MUTED)]
        else:
            pieces += [("- " if look.ascii else "○ ", Tone.MUTED), (f"{place.value}   ", Tone.MUTED)]
    return tuple(pieces)


def title(words: str) -> list[Line]:
    return [line((f"  {words}", Tone.STRONG)), line("")]


def said(words: str, width: int, tone: Tone = Tone.TEXT) -> list[Line]:
    return [(("  ", Tone.TEXT), *pieces) for pieces in wrap(words, max(20, min(width, 100) - 4), tone, limit=6)]


def keys(*pairs: tuple[str, str]) -> Line:
    """ "Enter goes on   r examines again" """
    pieces: list[Piece] = [("  ", Tone.TEXT)]
    for key, does in pairs:
        pieces += [(f"{key} ", Tone.ACCENT), (f"{does}   ", Tone.TEXT)]
    return tuple(pieces)


def network_lines(store: Store, findings: Sequence[Finding] | None, trouble: str, width: int) -> list[Line]:
    """`findings` None: the answer is still to come."""
    lines = title("Is this machine ready for cameras?")
    lines += said(_MODES.get(store.status.mode if store.status else "", ""), width)
    lines += [line(""), keys(("Enter", "goes on"), ("r", "examines again"), ("Esc", "leaves the guide")), line("")]
    if trouble:
        lines += said(trouble, width, Tone.WARNING)
    elif findings is None:
        lines += said("Examining the network…", width, Tone.ACCENT)
    else:
        lines += [(("  ", Tone.TEXT), *pieces) for pieces in finding_lines(findings, closes=False)]
    return lines


def interface_lines(store: Store, wanted: int, change: InterfaceChange | None, look: Look, width: int) -> list[Line]:
    """`change`: what would be made; nothing is made before Enter."""
    total, free = len(store.interfaces), len(free_interfaces(store))
    lines = title("An interface for each camera")
    have = f"There are {count(total, 'interface')}, {free} of them free." if total else "There is no interface yet."
    lines += said(f"{have} Each camera needs one, with a MAC of its own.", width)
    if missing := missing_interfaces(store):
        lines += said(f"{count(missing, 'camera')} cannot run for want of one.", width, Tone.WARNING)
    lines.append(line(""))
    if change is None:
        lines.append(line(("  make  ", Tone.MUTED), (f"{wanted}", Tone.ACCENT), (" more", Tone.MUTED)))
        lines += [line(""), keys(("+ -", "more, fewer"), ("e", "type a number"), ("Enter", "shows what would be made"))]
        return [*lines, keys(("n", "goes on without"), ("b", "goes back"))]
    lines.append(line((f"  This would be made: {count(len(change.added), 'interface')}", Tone.STRONG)))
    for one in change.added[:12]:
        address = one.address or "address by DHCP"
        lines.append(
            line((f"    {plain(one.name):<15} ", Tone.TEXT), (f"{one.mac}  on {one.parent}, {address}", Tone.MUTED))
        )
    if len(change.added) > 12:
        lines.append(line((f"    and {len(change.added) - 12} more{look.ellipsis}", Tone.MUTED)))
    return [*lines, line(""), keys(("Enter", "makes exactly these"), ("b", "goes back to the number"))]


def nvr_lines(searching: bool, found: int, trouble: str, width: int) -> list[Line]:
    lines = title("Which NVR?")
    if trouble:
        lines += said(trouble, width, Tone.WARNING)
    elif searching:
        lines += said("Searching the network… (4 s)", width, Tone.ACCENT)
    elif not found:
        lines += said(
            "Nothing answered. Is the NVR in this network, and is ONVIF switched on there? a types its address.",
            width,
            Tone.WARNING,
        )
    else:
        lines += said("Choose it; address and account are tested before it is added.", width)
    return [
        *lines,
        line(""),
        keys(("Enter", "takes it"), ("a", "types an address"), ("r", "searches again"), ("b", "goes back")),
    ]


def scan_lines(nvr: Nvr | None, job: Job | None, look: Look, width: int, now: datetime) -> list[Line]:
    if nvr is None:
        return [*title("Read the channels"), *said("There is no NVR yet.", width), line(""), keys(("b", "goes back"))]
    lines = title(f"Read the channels of {plain(nvr.name)}")
    if job is not None:
        lines += [*job_lines(job, look, max(40, min(width, 110) - 2), now), line("")]
    if job is not None and job.state is JobState.RUNNING:
        return [*lines, keys(("c", "cancels"), ("Esc", "leaves it running"))]
    if job is not None and job.state is JobState.FAILED:
        return [*lines, keys(("Enter", "corrects address or account"), ("r", "scans again"), ("b", "goes back"))]
    if not nvr.last_scan:
        lines += said("It has not been read yet. This takes a few seconds to a minute.", width)
        return [*lines, line(""), keys(("Enter", "reads it"), ("b", "goes back"))]
    if job is None:
        lines += said(f"It has been read: {count(nvr.channels, 'channel')}, {nvr.online} with a picture.", width)
        lines.append(line(""))
    return [*lines, keys(("Enter", "goes on"), ("r", "scans again"), ("b", "goes back"))]


def name_lines(cameras: Sequence[Camera], left_out: Collection[int], editing: bool, width: int) -> list[Line]:
    lines = title("What shall the cameras be called?")
    if not cameras:
        return [*lines, *said("The scan found no channel.", width), line(""), keys(("b", "goes back"))]
    kept = len(cameras) - len(left_out)
    lines += said(f"{kept} of {count(len(cameras), 'camera')} will run. Recorders show these names.", width)
    if editing:
        return [*lines, line(""), keys(("Enter", "saves it, next one"), ("Esc", "ends"))]
    return [*lines, line(""), keys(("e", "edits"), ("Space", "leaves out"), ("Enter", "goes on"), ("b", "goes back"))]


def start_lines(cameras: Sequence[Camera], left_out: Collection[int], look: Look, width: int) -> list[Line]:
    """Before: what will be done. Afterwards: how it goes."""
    kept = [camera for camera in cameras if camera.id not in left_out]
    asleep = [camera for camera in kept if not camera.enabled]
    if asleep or left_out:
        lines = title(f"Start {count(len(asleep), 'camera')}" if asleep else "All that shall run runs")
        others = len(kept) - len(asleep)
        runs = f"{count(others, 'camera')} {'runs' if others == 1 else 'run'} already. " if others else ""
        if asleep:
            words = f"{runs}They run from now on, also after a restart. Recorders can find and play them."
            lines += said(words, width)
        if left_out:
            names = ", ".join(plain(camera.name) for camera in cameras if camera.id in left_out)
            words = f"Left out and removed: {names}. Pressing U on the NVR brings them back."
            lines += said(words, width, Tone.WARNING)
        does = "starts them" if asleep else "does that"
        return [*lines, line(""), keys(("Enter", does), ("b", "goes back"))]
    states = Counter(_kind(camera) for camera in kept)
    ready = states[ON_GLYPH] == len(kept)
    lines = title("All cameras run." if ready and kept else "The cameras start")
    for glyph, words in _KINDS:
        if states[glyph]:
            sign = Sign(*glyph, words)
            tone = Tone.SUCCESS if glyph is ON_GLYPH else sign.tone
            lines.append(line((f"  {look.glyph(sign)} ", tone), f"{states[glyph]} {words}"))
    reasons = Counter(camera.reason or camera.state.value for camera in kept if camera.state is not CameraState.RUNNING)
    for reason, number in reasons.most_common(4):
        lines += said(f"{f'{number} times: ' if number > 1 else ''}{reason}", width, Tone.WARNING)
    more = [("i", "makes interfaces")] if any(c.state is CameraState.NO_INTERFACE for c in kept) else []
    return [*lines, line(""), keys(("Enter", "goes on"), *more, ("b", "goes back"))]


_KINDS = (
    (ON_GLYPH, "running"),
    (WAITING_GLYPH, "on the way"),
    (OFF_GLYPH, "without a picture on the NVR"),
    (HUMAN_GLYPH, "need you"),
)


def _kind(camera: Camera) -> tuple[str, str, Tone]:
    if camera.state is CameraState.RUNNING:
        return ON_GLYPH
    if camera.state in WAITING:
        return WAITING_GLYPH
    return OFF_GLYPH if camera.state in (CameraState.NO_SIGNAL, CameraState.STOPPED) else HUMAN_GLYPH


def adopt_lines(cameras: Sequence[Camera], width: int, *, under_way: bool) -> list[Line]:
    running = [camera for camera in cameras if camera.enabled]
    adopted = sum(bool(camera.adopted_by) for camera in running)
    lines = title("Let the recorder have them")
    if running and adopted == len(running):
        lines += said(f"All {count(adopted, 'camera')} are adopted: that is all. Well done.", width, Tone.SUCCESS)
        return [*lines, line(""), keys(("Enter", "shows the cameras"))]
    lines += said(
        f"{adopted} of {count(len(running), 'camera')} adopted. The guided adoption shows one camera after another, "
        "with the address, user and password to type into the recorder, and ticks each off when it plays.",
        width,
    )
    does = "shows it: it is under way" if under_way else "begins it"
    return [*lines, line(""), keys(("Enter", does), ("n", "ends here"), ("b", "goes back"))]
