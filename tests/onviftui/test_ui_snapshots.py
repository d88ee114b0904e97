"""Every view, pane and screen looks as it did, at three sizes and in three themes, and none is without a scene.

After a change that is meant: `ONVIFTUI_SNAPSHOTS=write .venv/bin/pytest tests/onviftui/test_ui_snapshots.py` (with `-k
cameras` for the scenes concerned), and read the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.screen import Screen

from onviftui.app import OnviftuiApp
from onviftui.camera_panes.pane import Pane
from onviftui.keys import VIEWS
from onviftui.screens.camera import PANES
from onviftui.screens.main import MainScreen
from onviftui.screens.view import View
from onviftui.wizard.panes import PANES as STEPS
from onviftui.wizard.screen import WizardScreen

from .classes import below, made
from .scenes import SCENES, Scene
from .screen_text import screen_styles, screen_text
from .stage import Stage, on_stage

FOLDER = Path(__file__).parent / "screens"
THEMES = ("dark", "light", "16")


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_the_screen_looks_as_it_did(scene: Scene, tmp_path: Path) -> None:
    """One terminal that is made smaller: what is drawn depends on the size that it has now, and on nothing before."""
    first = max(scene.sizes.values())
    async with on_stage(scene, first, tmp_path) as ui:
        for name, size in sorted(scene.sizes.items(), key=lambda item: item[1], reverse=True):
            if size != first:
                await ui.resize(*size)
            seen = await _looks(ui)
            kept = FOLDER / f"{scene.name}.{name}.txt"
            if os.environ.get("ONVIFTUI_SNAPSHOTS") == "write":
                kept.parent.mkdir(exist_ok=True)
                kept.write_text(seen)
            assert seen == kept.read_text(), f"{kept.name} is not what is drawn now"


async def _looks(ui: Stage) -> str:
    """What shows it, its characters, and where which style begins in each theme."""
    parts = [f"shows: {' '.join(shown_by(ui.app))}", screen_text(ui.app)]
    for theme in THEMES:
        ui.app.dress(theme)
        await ui.settled()
        parts.append(f"--- {theme}\n{screen_styles(ui.app)}")
    return "\n".join(parts) + "\n"


def shown_by(app: OnviftuiApp) -> list[str]:
    """The class of the screen, and of what has the keyboard in it."""
    screen = app.screen
    parts: list[object] = []
    if isinstance(screen, MainScreen):
        parts = [screen.view]
    elif isinstance(screen, WizardScreen):
        parts = [screen.pane]
    elif screen.focused is not None:
        parts = [one for one in screen.focused.ancestors if isinstance(one, Pane)]
    return [type(one).__name__ for one in (screen, *parts)]


def test_no_screen_is_kept_that_nobody_draws() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{scene.name}.{size}.txt" for scene in SCENES for size in scene.sizes
    }


def test_each_screen_view_and_pane_has_a_scene() -> None:
    """What is kept says what it shows, and the test above that this is so."""
    shown = {name for path in FOLDER.iterdir() for name in path.read_text().partition("\n")[0].split()[1:]}
    parts = {one.__name__ for kind in (View, Pane) for one in below(kind) if vars(one).keys() & {"view_id", "pane_id"}}
    wanted = made(Screen) | parts | {one.__name__ for one in STEPS}
    assert len(parts) >= len(VIEWS) + len(PANES)
    assert wanted - shown == set(), "these have no scene in tests/onviftui/scenes.py"
