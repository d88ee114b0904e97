"""Every view and screen looks as it did, at three sizes and in three themes.

After a change that is meant: `ONVIFTUI_SNAPSHOTS=write .venv/bin/pytest tests/onviftui/test_ui_snapshots.py`, and read
the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .scenes import SCENES, SIZES, Scene, on_stage
from .screen_text import screen_styles, screen_text

FOLDER = Path(__file__).parent / "screens"
THEMES = ("dark", "light", "16")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_the_screen_looks_as_it_did(
    scene: Scene, size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with on_stage(scene, SIZES[size], tmp_path) as ui:
        parts = [screen_text(ui.app)]
        for theme in THEMES:
            ui.app.dress(theme)
            await ui.pilot.pause()
            parts.append(f"--- {theme}\n{screen_styles(ui.app)}")
    seen = "\n".join(parts) + "\n"
    kept = FOLDER / f"{scene.name}.{size}.txt"
    if os.environ.get("ONVIFTUI_SNAPSHOTS") == "write":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(seen)
    assert seen == kept.read_text(), f"{kept.name} is not what is drawn now"


def test_no_screen_is_kept_that_nobody_draws() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{scene.name}.{size}.txt" for scene in SCENES for size in SIZES
    }
