"""The tour of the UI in the documentation is what the UI is now."""

from __future__ import annotations

import json
import re

import pytest

from .onviftui.scenes import SCENES
from .pictures import FOLDER
from .tour import FILE, SIZE
from .tour_page import ui_page


def test_the_page_is_fresh() -> None:
    assert (FOLDER.parent / "ui.md").read_text() == ui_page(), "run: python -m tests.pictures"


@pytest.mark.parametrize("name", [scene.name for scene in SCENES])
def test_a_picture_needs_nothing_from_elsewhere(name: str) -> None:
    svg = (FOLDER / f"{name}.svg").read_text()
    assert "@font-face" not in svg
    assert "url(http" not in svg
    assert not re.search(r"(href|src)=", svg)
    assert {path.stem for path in FOLDER.iterdir()} == {scene.name for scene in SCENES}


def test_the_recording_can_be_played() -> None:
    header, *events = map(json.loads, FILE.read_text().splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, *SIZE)
    moments = [at for at, _, _ in events]
    assert moments == sorted(moments)
    said = "".join(text for _, kind, text in events if kind == "o")
    for words in ("garage-box", "Loading dock", "Adopt"):
        assert words in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said)
