"""Interfaces in the UI: added and removed after a look at what that means, and told why one has no address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onviftui.screens.dialog import AskText, Confirm
from onviftui.widgets.interface_lines import interface_lines
from onviftui.widgets.line import texts
from proxyd.api.models import Finding
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


@SIZES
async def test_what_the_doctor_found_stands_beside_its_interface(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket, size) as ui:
        daemon.answers["interface.doctor"] = [
            Finding(
                id="mac-blocked",
                severity="problem",
                what="The network lets lo:2 say nothing.",
                todo="Allow several MACs on the switch's port.",
                interface="lo:2",
            ),
            Finding(id="fine", severity="ok", what="All is well.", interface="lo:1"),
        ]
        await ui.press("4")
        await ui.sees("x examines it and the network.")
        await ui.press("x")
        await ui.sees("1 problem")
        await ui.press("escape")
        await ui.until(lambda: "has a problem" in ui.line_with("lo:2"), "the problem in its row")
        assert "in use" in ui.line_with("lo:1 ")
        await ui.press("j")
        await ui.sees("Do: Allow several MACs")
        await ui.press("enter")
        await ui.sees("1 problem")


async def test_parent_and_lease_are_told_in_words(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket, (200, 60)) as ui:
        until = (ui.app.local_now() + timedelta(hours=7, minutes=2, seconds=20)).isoformat()
        changes = {"parent": "eth0", "method": "dhcp", "lease_until": until, "kind": "netlink"}
        daemon.change("interface", interface(1, 1).model_copy(update=changes))
        daemon.change("interface", interface(2).model_copy(update={"parent": "eth1", "method": "static"}))
        await ui.press("4")
        await ui.sees("by DHCP on eth0, 7 h 02 min of its lease left (until ")
        assert "Pool: 3 interfaces, 1 in use, 2 free." in ui.text
        assert "eth0" in ui.line_with("127.0.10.1 ")
        assert "for ever" in ui.line_with("127.0.10.2 ")
        await ui.press("j")
        await ui.sees("set by hand on eth1")


def test_a_lease_that_has_run_out_or_makes_no_sense_is_no_trouble() -> None:
    now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    for until, words in (("2026-11-22T08:00:00Z", "has run out"), ("soon", "by DHCP on eth0")):
        item = interface(1).model_copy(update={"parent": "eth0", "method": "dhcp", "lease_until": until})
        assert words in texts(interface_lines(item, [item], "", None, now, 80, 3))[0]
