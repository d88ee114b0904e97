"""Every key that is offered somewhere is pressed there, and something comes of it that a person or the daemon notices.

All keys of a place are pressed in the scene that `HOMES` names, with what they need before them in `BEFORE`; those of
the footer, of places that are something else at each step, and of dialogs in each of their scenes.
"""

from __future__ import annotations

import contextlib
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from onviftui.app import action_name
from onviftui.keys import KEYS, VIEWS, help_keys
from onviftui.screens.live_screen import LiveScreen
from onviftui.widgets.frame import KeyFooter
from onviftui.widgets.livetable import LiveTable
from onviftui.widgets.pane import MOVES
from proxyd.api.models import Role

from .scenes import SCENES, Scene
from .screen_text import screen_text
from .stage import Stage, on_stage

SIZE = (120, 40)
SIZES = {"sheet": (80, 24)}  # where there is more than one page
# scenes in which every key of the table is pressed that works there
HOMES = {view: view for view, _, _ in VIEWS} | {"adopting": "adopt", "camera": "camera", "ptz": "pad"}
HOMES |= {
    name: name for name in ("snapshot", "sheet", "settings", "users", "backups", "undo", "sources", "certificate")
}
# keys that stand in no footer, of places that are different in each of their scenes
ALSO = {
    "guide-interfaces": "b plus minus",
    "guide-scan": "c",
    "guide-start": "i",
    "snapshot-question": "enter",
    "ptz": "m enter",
}
_LEAVING = {"leave", "interrupt"}
_MOVES = {name for one in MOVES if isinstance(one, Binding) for name in one.key.split(",")}
# What must have been done before a key means anything; "cameras escape": there alone.
BEFORE: dict[str, tuple[str, ...]] = {
    "k": ("j",),
    "up": ("down",),
    "g": ("G",),
    "home": ("end",),
    "ctrl+u": ("ctrl+d",),
    "pageup": ("pagedown",),
    "ctrl+b": ("ctrl+f",),
    "cameras escape": ("space",),
    "nvrs escape": ("slash", "=ok", "enter"),
    "interfaces escape": ("slash", "=lo", "enter"),
    "jobs escape": ("slash", "=done", "enter"),
    "logs escape": ("w",),
    "system escape": ("slash", "=Users", "enter"),
    "logs n": ("f", "=Yard", "enter"),
    "logs N": ("f", "=Yard", "enter"),
    "sheet p": ("n",),
    "sheet pageup": ("n",),
    "sheet h": ("l",),
    "sheet left": ("right",),
    "ptz m": ("b",),
    "ptz enter": ("tab",),
    "guide-interfaces plus": ("b",),
    "guide-interfaces minus": ("b",),
}
# what takes back what a key did, where Esc does not
AFTER: dict[str, tuple[str, ...]] = {
    "greater_than_sign": ("less_than_sign",),
    "less_than_sign": ("greater_than_sign",),
    "equals_sign": ("equals_sign", "home"),
    "right": ("left",),
}


@pytest.mark.parametrize("scene", [one for one in SCENES if len(one.sizes) > 1], ids=lambda scene: scene.name)
async def test_every_key_that_is_offered_does_something(scene: Scene, tmp_path: Path) -> None:
    left: dict[str, set[str]] | None = None
    dead: list[str] = []
    for number in count():
        folder = tmp_path / str(number)
        folder.mkdir()
        async with on_stage(scene, SIZES.get(scene.name, SIZE), folder) as ui:
            left = _offered(ui, scene) if left is None else left
            base, as_it_was = ui.app.screen, screen_text(ui.app)
            there = True
            while left and there:
                key = next(iter(left))
                actions = left.pop(key)
                if not _has_room(ui, key):
                    continue
                await ui.play(BEFORE.get(f"{scene.name} {key}", BEFORE.get(key, ())))
                if not await _does(ui, key, actions):
                    dead.append(key)
                there = await _again(ui, scene, base, as_it_was, key)  # else anew
                base = ui.app.screen
            if there and not left:
                await _leads_out(ui)
                break
    assert not dead, f"{dead} did nothing in {scene.name}, or not what the table says"


def _offered(ui: Stage, scene: Scene) -> dict[str, set[str]]:
    """By the footer or the dialog, and in a home by the table: the actions of each key, where the table names them."""
    screen = ui.app.screen
    if not isinstance(screen, LiveScreen):
        bindings = [one for kind in type(screen).__mro__ for one in vars(kind).get("BINDINGS", []) if _ours(kind)]
        names = [name for one in bindings if isinstance(one, Binding) for name in one.key.split(",")]
        if isinstance(ui.app.focused, Input):
            names = [name for name in names if name not in ("left", "right")]
        said = ui.text
        return {name: set() for name in names if name != "ctrl+c" and ("+" not in name or f"^{name[-1]}" in said)}
    keys = [key for _, _, key in screen.query_one(KeyFooter)._places]
    if scene.name in HOMES:
        assert ui.app.view_id == HOMES[scene.name]
        here = help_keys(HOMES[scene.name], Role.ADMIN)
        here = [
            key for key in here if key.where == "pad" or scene.name != "ptz"
        ]  # the others as in the camera's other panes
        keys += [key for key in here if (key.where or key.action) and key.action != "draw"]
    offered: dict[str, set[str]] = {}
    for key in keys:
        for name in key.keys.split(",") if key.action not in _LEAVING else ():
            offered.setdefault(name, set()).add(key.action.partition("(")[0])
    typing, elsewhere = isinstance(ui.app.focused, Input), scene.name not in HOMES and ui.app.view_id in HOMES.values()
    if typing or elsewhere:  # they are typed, or do the same as at home
        offered = {
            name: set() if typing else actions for name, actions in offered.items() if name in ("enter", "escape")
        }
    offered |= {name: set() for name in ALSO.get(scene.name, "").split()}
    offered |= {digit: {"view"} for view, digit, _ in VIEWS if scene.name == "overview" != view}
    if len(ui.app.screen_stack) == 1 and f"{scene.name} escape" not in BEFORE:
        offered.pop("escape", None)
    return offered


def _ours(kind: type) -> bool:
    return kind.__module__.startswith("onviftui.")


def _has_room(ui: Stage, key: str) -> bool:
    """Whether there is anything to move in, for a key that moves."""
    focused: Widget | None = ui.app.focused
    if key not in _MOVES or focused is None:
        return True
    if isinstance(focused, LiveTable):
        return len(focused.keys) > 1
    return focused.max_scroll_y > 0 or not focused.is_scrollable


async def _does(ui: Stage, key: str, actions: set[str]) -> bool:
    """Whether the screen, a message, the clipboard or what the daemon hears is different afterwards; and one of these
    actions was done, if there are any."""
    ui.app.clear_notifications()
    await ui.settled()
    heard, run = set(), ui.app.run_action

    async def listening(action: Any, *args: Any, **kwargs: Any) -> bool:
        heard.add(action_name(action))
        return await run(action, *args, **kwargs)

    before = _noticed(ui)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ui.app, "run_action", listening)  # hears what the key does, and does it
        await ui.press(key)
    if _noticed(ui) == before:
        await ui.all_there()
    wanted = actions | ({"follow"} if "open" in actions else set())  # Enter on an alarm
    return _noticed(ui) != before and (not any(wanted) or bool(wanted & heard))


def _noticed(ui: Stage) -> tuple[object, ...]:
    app = ui.app
    return (
        [id(screen) for screen in app.screen_stack],
        id(app.focused),
        ui.toasts,
        len(ui.daemon.calls),
        app.clipboard,
        screen_text(app),
    )


async def _again(ui: Stage, scene: Scene, base: Screen[Any], as_it_was: str, key: str) -> bool:
    """Back in the scene, by the shortest way; False when something is not as it was, such as when the daemon changed
    it."""
    app = ui.app
    await ui.all_there()
    app.clear_notifications()
    depth = app.screen_stack.index(base) + 1 if base in app.screen_stack else 1
    while len(app.screen_stack) > depth:
        app.pop_screen()
        await ui.settled()
    await ui.all_there()
    if app.screen is base and screen_text(app) == as_it_was:
        return True
    await ui.press(*AFTER.get(key, ("escape", "home") if depth == 1 else ("home",)))
    await ui.all_there()
    if app.screen is base and screen_text(app) == as_it_was:
        return True
    while len(app.screen_stack) > 1:
        app.pop_screen()
        await ui.settled()
    await ui.press("escape", "escape", "home")
    with contextlib.suppress(LookupError):
        await ui.play(scene.keys)
    return screen_text(app) == as_it_was


async def _leads_out(ui: Stage) -> None:
    """Ctrl-c warns, and twice quits, from wherever that is; Esc leads back."""
    depth = len(ui.app.screen_stack)
    ui.app.clear_notifications()
    await ui.press("ctrl+c")
    assert ui.app.is_running
    assert any("once more" in toast for toast in ui.toasts)
    await ui.press("escape", "escape", "escape")  # out of a field, out of a search, out of the dialog
    assert len(ui.app.screen_stack) == 1 or len(ui.app.screen_stack) < depth
    for _ in range(5):  # the second one must come soon
        if ui.app._exit:
            break
        await ui.press("ctrl+c")
    assert ui.app.return_code == 0


def test_no_key_of_the_table_is_left_out() -> None:
    """What the scenes above do not find in a footer is pressed in a home, or named in `ALSO`."""
    named = {name for names in ALSO.values() for name in names.split()}
    for key in KEYS:
        for place in key.where.split():
            if place not in HOMES.values():
                assert key.footer or set(key.keys.split(",")) <= named, f"{key.keys} in {place} is pressed nowhere"
