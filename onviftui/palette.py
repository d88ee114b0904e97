"""The commands of the palette, and which of them a few typed letters mean. Pure but for what a command runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from textual.fuzzy import Matcher

from proxyd.api.models import Role

from .keys import VIEWS, help_keys
from .roles import may
from .store import Store
from .ui import Ui
from .widgets.line import plain
from .words import camera_sign, count, nvr_sign

MOST_SHOWN = 200  # more than anybody reads; a few letters find the rest


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette. `preview` is run while the cursor stands on it, and again must be harmless."""

    label: str
    what: str
    run: Callable[[], None]
    key: str = ""
    preview: Callable[[], None] | None = None


def search(commands: Sequence[Command], typed: str) -> list[Command]:
    """Those that hold every typed word, the nearest first; all in their order when nothing is typed."""
    words = typed.split()
    if not words:
        return list(commands[:MOST_SHOWN])
    matchers = [Matcher(word) for word in words]
    found: list[tuple[float, int]] = []
    for place, command in enumerate(commands):
        scores = [max(matcher.match(command.label), matcher.match(command.what) / 4) for matcher in matchers]
        if all(scores):
            found.append((-sum(scores), place))
    return [commands[place] for _, place in sorted(found)[:MOST_SHOWN]]


def key_commands(view: str, role: Role, press: Callable[[str], None]) -> Iterator[Command]:
    """Every key of this place that does something by itself."""
    for key in help_keys(view, role):
        if key.action and (key.label or key.action not in ("palette", "interrupt")):
            first = key.keys.split(",")[0]
            label = key.label or key.help.partition(";")[0].partition(",")[0]
            yield Command(label[:1].upper() + label[1:], key.help, partial(press, first), key.shown)


def view_commands(show: Callable[[str], None]) -> Iterator[Command]:
    for view, digit, title in VIEWS:
        yield Command(f"Go to {title}", "", partial(show, view), digit)


def place_commands(
    store: Store, open_camera: Callable[[int], None], show_nvr: Callable[[int], None]
) -> Iterator[Command]:
    """Each camera and each NVR by its name."""
    for nvr in store.nvrs.values():
        words = f"NVR at {nvr.host}, {nvr_sign(store.nvr_state(nvr)).word}"
        yield Command(f"Go to NVR {plain(nvr.name)}", words, partial(show_nvr, nvr.id))
    for camera in store.cameras.values():
        words = f"{camera_sign(camera).word}, {camera.address or 'no address yet'}"
        yield Command(f"Go to camera {plain(camera.name)}", words, partial(open_camera, camera.id))


def bulk_commands(ui: Ui, marked: Sequence[int]) -> Iterator[Command]:
    """What is done to many at once: to the marked cameras, else to all. Each asks first where it hurts."""
    store = ui.store
    cameras = [store.cameras[key] for key in marked if key in store.cameras] or list(store.cameras.values())
    which = f"the {count(len(cameras), 'marked camera')}" if marked else f"all {count(len(cameras), 'camera')}"
    if not may(store.role, Role.OPERATOR):
        return
    stopped = [camera.id for camera in cameras if not camera.enabled]
    running = [camera.id for camera in cameras if camera.enabled]
    if stopped:
        yield Command(f"Start {count(len(stopped), 'stopped camera')}", "", lambda: ui.toggle_cameras(stopped))
    if running:
        yield Command(f"Stop {which}", "asks first", lambda: ui.toggle_cameras(running))
        yield Command(f"Restart {which}", "asks first where somebody is watching", lambda: ui.restart_cameras(running))
    adopted = [camera.id for camera in cameras if camera.adopted_by]
    if adopted:
        what = f"Forget which recorders have {which if len(adopted) == len(cameras) else count(len(adopted), 'camera')}"
        yield Command(what, "asks first; who comes next is met anew", lambda: ui.forget_adoption(adopted))
    if len(store.nvrs) > 1:
        yield Command("Scan all NVRs", "one after the other, each as a job", lambda: _scan(ui, list(store.nvrs)))


def _scan(ui: Ui, nvrs: Iterable[int]) -> None:
    for nvr in nvrs:
        ui.ask("nvr.scan", {"id": nvr, "preview": True}, doing="Starting the scans…")
    ui.show_view("jobs")
