"""What a user likes is kept, and no damage to its file costs more than what is damaged."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onviftui.preferences import CHOICES, LABELS, LARGEST_FILE, Preferences, default_path, load, parse, render, save


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a" / "preferences.json"
    chosen = Preferences(theme="onviftui-light", mouse=False, pictures="blocks")
    save(path, chosen)
    assert load(path) == chosen
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["preferences.json"]


def test_a_file_that_is_not_there_gives_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "none.json") == Preferences()
    assert load(tmp_path) == Preferences()  # a folder


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"x"', '{"mouse": "yes"}', '{"pictures": "oil"}', '{"theme": 3}', "[" * 100_000, "\x00"],
)
def test_damage_gives_the_defaults(text: str) -> None:
    assert parse(text) == Preferences()


def test_damage_costs_only_what_is_damaged() -> None:
    assert parse('{"mouse": false, "pictures": 7, "theme": "' + "x" * 65 + '"}') == Preferences(mouse=False)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"mouse": false}' + " " * LARGEST_FILE + "}")
    assert load(path) == Preferences(mouse=False)


def test_what_a_newer_version_wrote_stays(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"scent": "lavender", "mouse": true}')
    save(path, Preferences(mouse=False))
    assert json.loads(path.read_text())["scent"] == "lavender"
    assert load(path) == Preferences(mouse=False)


def test_a_save_that_fails_leaves_the_file(tmp_path: Path) -> None:
    (tmp_path / "p.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        save(tmp_path / "p.json", Preferences())
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.json"]


@given(
    st.builds(
        Preferences, theme=st.text(max_size=64), mouse=st.booleans(), pictures=st.sampled_from(CHOICES["pictures"])
    )
)
def test_text_and_preferences_are_a_pair(preferences: Preferences) -> None:
    assert parse(render(preferences)) == preferences


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert isinstance(parse(text), Preferences)


def test_each_preference_is_explained() -> None:
    assert list(LABELS) == [field.name for field in fields(Preferences)]


def test_the_file_is_where_people_look_for_it() -> None:
    home = Path("/home/anna")
    assert default_path({}, home) == home / ".config/onviftui/preferences.json"
    assert default_path({"XDG_CONFIG_HOME": "/x"}, home) == Path("/x/onviftui/preferences.json")
    assert default_path({"XDG_CONFIG_HOME": "x"}, home) == home / ".config/onviftui/preferences.json"
    assert default_path({"ONVIFTUI_PREFERENCES": "/s/bert.json"}, home) == Path("/s/bert.json")
