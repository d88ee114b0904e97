"""Interfaces in the UI: added and removed after a look at what that means, and told why one has no address."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.screens.dialog import AskText, Confirm
from proxyd.errors import ArmUnreachable, Conflict

from .fake_daemon import FakeDaemon, interface
from .ui_driver import NARROW, WIDE, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


@SIZES
async def test_what_is_shown_is_what_is_added(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, size) as ui:
        await ui.press("4")
        await ui.sees("Press a to add interfaces")
        await ui.press("a")
        assert isinstance(ui.app.screen, AskText)
        await ui.press("5", "enter")
        await ui.sees("Add 5 interfaces?")
        assert "vcam1 on eth0, address by DHCP" in ui.text
        assert isinstance(ui.app.screen, Confirm)
        assert daemon.called("interface.add") == [{"count": 5, "dry_run": True}]
        await ui.press("y")
        await ui.hears("5 interfaces added.")
        assert daemon.called("interface.add")[1] == {"count": 5, "digest": "c0ffee"}


@SIZES
async def test_an_interface_is_removed_after_a_question(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, size) as ui:
        await ui.press("4")
        await ui.sees("lo:1")
        await ui.press("G", "d")
        await ui.sees("Remove vcam4?")
        await ui.press("escape")
        assert [call.get("digest") for call in daemon.called("interface.remove")] == [None]
        daemon.answers["interface.remove"] = Conflict("lo:4 is in use by Yard.", "Remove that camera first.")
        await ui.press("d")
        await ui.hears("is in use by Yard.")


async def test_reasons_and_refusals_are_said(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket, WIDE) as ui:
        words = "No DHCP answer on eth0: check that a DHCP server serves this network."
        known = interface(1, 1).model_copy(update={"address": None, "up": False, "message": words})
        daemon.change("interface", known)
        await ui.press("4")
        await ui.sees("No DHCP answer on eth0")
        daemon.answers["interface.add"] = ArmUnreachable("netsetup's arm does not answer.", "Is it running?")
        await ui.press("a", "1", "enter")
        await ui.hears("netsetup's arm does not answer.")
        await ui.press("a", "x", "enter")
        await ui.hears("Type a number from 1 to 512.")
