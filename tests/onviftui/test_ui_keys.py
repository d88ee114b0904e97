"""No dead key, and no key that the table does not know: in every view and on every screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input

from onviftui.app import OnviftuiApp
from onviftui.keys import KEYS, VIEWS, view_bindings
from onviftui.opened import _commands
from onviftui.screens.live_screen import LiveScreen
from onviftui.screens.view import View
from onviftui.widgets.livetable import LiveTable
from onviftui.widgets.ptz_pad import PtzPad
from proxyd.api.models import Role

from .classes import below
from .scenes import SCENES
from .stage import on_stage
from .ui_driver import Ui


@pytest.fixture(autouse=True)
def _many_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def _places() -> dict[str, Any]:
    """Views and screens by the id that the table knows them by."""
    views = {one.view_id: one for one in below(View) if "view_id" in vars(one)}
    return views | {one.view_id: one for one in [*below(LiveScreen), PtzPad] if vars(one).get("view_id")}


def test_every_place_of_the_table_exists_and_binds_what_the_table_says() -> None:
    places = _places()
    named = {place for key in KEYS for place in key.where.split()}
    for place in sorted(named & places.keys()):
        shown = [binding.key for binding in view_bindings(place) if isinstance(binding, Binding)]
        bound = {b.key for b in vars(places[place]).get("BINDINGS", []) if isinstance(b, Binding)}
        assert set(shown) <= bound, place
        assert bound <= set(shown), f"{place} binds keys that the table does not know: {bound - set(shown)}"
    assert {view for view, _, _ in VIEWS} <= places.keys()


def test_every_key_of_the_table_has_something_that_it_does() -> None:
    places = _places()
    for key in KEYS:
        if not key.action:
            continue
        action = "action_" + key.action.partition("(")[0]
        for place in key.where.split() or [""]:
            owners = [places[place]] if place in places else below(Widget) if place else []  # or a mode of a widget
            assert any(hasattr(owner, action) for owner in [*owners, OnviftuiApp]), f"{key.keys} in {place}: {action}"


def test_every_dialog_has_a_way_back() -> None:
    for dialog in below(ModalScreen):
        if dialog.__name__ in ("Modal", "TooSmall"):
            continue  # what all inherit from; and what goes by itself when there is room again
        keys = {
            name
            for one in dialog.__mro__
            for binding in vars(one).get("BINDINGS", [])
            if isinstance(binding, Binding)
            for name in binding.key.split(",")
        }
        assert "escape" in keys, dialog


async def _position(ui: Ui) -> tuple[float, ...]:
    """Where the cursor stands, or how far the pane is scrolled."""
    focused: Any = ui.app.focused
    place = [*focused.keys, None].index(focused.cursor_key) if isinstance(focused, LiveTable) else -1
    return (place, focused.scroll_offset.y, getattr(focused, "_cursor", 0))


@pytest.mark.parametrize("name", ["cameras", "interfaces", "logs", "camera", "help", "discover"])
async def test_lists_and_panes_move_by_the_same_keys(name: str, tmp_path: Path) -> None:
    scene = next(scene for scene in SCENES if scene.name == name)
    async with on_stage(scene, (80, 24), tmp_path) as ui:
        assert not isinstance(ui.app.focused, Input)
        await ui.press("g")
        first = await _position(ui)
        for down, up in (("j", "k"), ("down", "up"), ("G", "g"), ("end", "home"), ("ctrl+d", "ctrl+u")):
            await ui.press(down)
            assert await _position(ui) > first, down
            await ui.press(up)
            assert await _position(ui) == first, up
        await ui.press("pagedown")
        assert await _position(ui) > first
        await ui.press("pageup")
        assert await _position(ui) == first


async def test_the_palette_goes_to_a_camera_and_tries_themes_before_one_is_taken(tmp_path: Path) -> None:
    scene = next(scene for scene in SCENES if scene.name == "cameras")
    async with on_stage(scene, (80, 24), tmp_path) as ui:
        theme = ui.app.theme
        await ui.press("colon")
        await ui.write("light high")
        await ui.until(lambda: ui.app.theme == "onviftui-contrast-light", "a preview")
        await ui.press("escape")
        assert ui.app.theme == theme
        await ui.press("ctrl+p")
        await ui.write("theme light")
        await ui.press("enter")
        assert ui.app.theme == "onviftui-light"
        assert ui.app.preferences.theme == "light"
        await ui.press("colon")
        await ui.write("load dock")
        await ui.press("enter")
        await ui.sees("07 Loading dock")
        assert ui.app.view_id == "camera"


async def test_the_palette_offers_what_is_marked_and_nothing_that_the_role_may_not_do(tmp_path: Path) -> None:
    scene = next(scene for scene in SCENES if scene.name == "cameras")
    async with on_stage(scene, (120, 40), tmp_path) as ui:
        await ui.press("space", "space", "colon")
        await ui.write("marked")
        await ui.sees("Stop the 2 marked cameras")
        await ui.press("escape")
        assert ui.app.store.status is not None
        ui.app.store.status = ui.app.store.status.model_copy(update={"role": Role.VIEWER})
        offered = [command.label for command in _commands(ui.app)]
        assert "Go to Cameras" in offered
        assert not [label for label in offered if label.startswith(("Start", "Stop", "Restart", "Remove", "Scan"))]


def test_a_modal_screen_is_a_screen_of_ours() -> None:
    """The classes that these tests look at are found at all."""
    assert len(below(ModalScreen)) >= 8
    assert all(issubclass(one, Screen) for one in below(LiveScreen))
