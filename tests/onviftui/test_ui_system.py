"""View 8: its entries open, explain themselves and keep away who may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.screens import system
from onviftui.screens.about import About
from onviftui.screens.system import Entry
from proxyd.api.models import Role

from .fake_daemon import FakeDaemon
from .ui_driver import NARROW, WIDE, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])


@SIZES
async def test_about_says_all_versions(tmp_path: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(tmp_path / "s", 1), running_ui(tmp_path / "s", size) as ui:
        await ui.press("8")
        assert "8 System" in ui.text
        ui.table.move_to(next(n for n, entry in enumerate(system.ENTRIES) if entry.label == "About"))
        await ui.sees("Enter opens it.")
        await ui.press("enter")
        await ui.sees("Apache-2.0")
        assert "unknown" not in ui.text
        for words in ("onviftui", "proxyd", "textual", "Python", "/nowhere"):
            assert words in ui.text
        await ui.press("escape")
        assert not isinstance(ui.app.screen, About)


async def test_an_entry_for_others_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("Vault", "What only admins may see", About, Role.ADMIN)
    monkeypatch.setattr(system, "ENTRIES", (entry,))
    daemon = FakeDaemon(tmp_path / "s", 1)
    daemon.role = Role.OPERATOR
    async with daemon, running_ui(tmp_path / "s") as ui:
        await ui.press("8")
        await ui.sees("Only admins may open it.")
        await ui.press("enter")
        await ui.hears("needs the role admin")
        assert not isinstance(ui.app.screen, About)


async def test_the_palette_says_in_full_what_the_cursor_is_on(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 1), running_ui(tmp_path / "s", NARROW) as ui:
        await ui.press("2", "colon", "s", "h", "e", "e", "t")
        await ui.sees("Pictures of the marked cameras, or of all that are shown")


async def test_the_newest_message_stands_alone_and_an_error_waits_until_it_was_read(tmp_path: Path) -> None:
    async with FakeDaemon(tmp_path / "s", 1), running_ui(tmp_path / "s", NARROW) as ui:
        ui.app.toast("The first.")
        await ui.hears("The first.")
        ui.app.toast("The second.")
        await ui.hears("The second.")
        assert ui.toasts == ["The second."]
        ui.app.toast("It failed.", "error")
        await ui.hears("It failed.")
        ui.app.toast("Done.")
        await ui.hears("Done.")
        assert ui.toasts == ["It failed.", "Done."]
