"""Roles in the UI: what may not be done is not offered, and a key that is pressed all the same says why, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.keys import KEYS, footer_keys, help_keys, withheld
from onviftui.roles import may, needed
from onviftui.screens.dialog import AskText, Confirm
from onviftui.screens.live_screen import LiveScreen
from onviftui.screens.nvr_form import NvrForm
from proxyd.api.methods import METHODS
from proxyd.api.models import Role

from .fake_daemon import FakeDaemon, troubled
from .ui_driver import WIDE, running_ui

CHANGES = {name for name, method in METHODS.items() if method.role is not Role.VIEWER}


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def test_each_role_may_do_what_those_before_it_may() -> None:
    assert [[may(role, least) for least in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True] * 3,
    ]
    assert needed("camera.remove") is Role.ADMIN
    assert needed("camera.of_tomorrow") is Role.VIEWER  # the daemon decides


def test_footer_and_help_leave_out_what_the_role_may_not() -> None:
    offered = {key.action for key in footer_keys("cameras", Role.VIEWER)}
    assert "snapshot" in offered
    assert not offered & {"start_stop", "restart", "remove", "edit", "scan"}
    assert "start_stop" in {key.action for key in footer_keys("cameras", Role.OPERATOR)}
    assert "remove" not in {key.action for key in help_keys("cameras", Role.OPERATOR)}
    assert {key.action for key in help_keys("cameras", Role.ADMIN)} >= {"remove", "scan", "add_nvr"}


def test_an_action_with_a_meaning_that_the_role_may_use_is_not_withheld() -> None:
    key = withheld("nvrs", "edit", Role.OPERATOR)
    assert key is not None
    assert key.role is Role.ADMIN
    assert withheld("cameras", "edit", Role.OPERATOR) is None
    assert withheld("cameras", "nobody_knows", Role.VIEWER) is None


@pytest.mark.parametrize("view", ["overview", "cameras", "nvrs", "interfaces", "adopt", "jobs", "logs"])
async def test_a_viewer_presses_every_key_and_changes_nothing(socket: Path, view: str) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        daemon.role = Role.VIEWER
        async with running_ui(socket, WIDE) as ui:
            ui.app.show_view(view)
            await ui.pilot.pause()
            forbidden = [key for key in KEYS if key.where and key.works_in(view) and not may(Role.VIEWER, key.role)]
            footer = ui.text.splitlines()[-1]
            for key in forbidden:
                assert not key.label or f" {key.shown} {key.label}" not in footer
                ui.app.clear_notifications()
                await ui.press(key.keys.split(",")[0])
                await ui.hears(f"needs the role {key.role}")
                assert len(ui.toasts) == 1
                assert isinstance(ui.app.screen, LiveScreen)
            assert not CHANGES & {method for method, _ in daemon.calls}


async def test_enter_on_what_a_viewer_may_not_correct_says_so(socket: Path) -> None:
    async with FakeDaemon(socket, 16) as daemon:
        troubled(daemon)
        daemon.role = Role.VIEWER
        async with running_ui(socket) as ui:
            await ui.press("2")
            ui.table.move_to(7)  # wrong NVR password: Enter would open the form of the NVR
            await ui.press("enter")
            await ui.hears("needs the role admin")
            assert not isinstance(ui.app.screen, NvrForm | Confirm | AskText)


async def test_a_viewer_is_told_who_begins_an_adoption_and_what_undo_takes(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon:
        daemon.role = Role.VIEWER
        async with running_ui(socket) as ui:
            await ui.press("5")
            await ui.sees("An operator can begin with the 4 that nobody has.")
            assert "a  begins" not in ui.text
            await ui.press("u")
            await ui.hears("“undo” needs the role operator")


async def test_the_keys_come_back_with_a_role_that_may(socket: Path) -> None:
    daemon = FakeDaemon(socket, 4)
    daemon.role = Role.VIEWER
    await daemon.start()
    async with running_ui(socket) as ui:
        await ui.press("2")
        assert "start/stop" not in ui.text.splitlines()[-1]
        await daemon.stop()
        daemon.role = Role.ADMIN
        await daemon.start()
        await ui.until(lambda: "start/stop" in ui.text.splitlines()[-1], "the keys of an administrator")
        assert "view only" not in ui.text
    await daemon.stop()


async def test_trouble_is_told_to_everybody_and_what_to_do_to_those_who_may(socket: Path) -> None:
    for role, offered in ((Role.VIEWER, False), (Role.ADMIN, True)):
        async with FakeDaemon(socket, 16) as daemon:
            troubled(daemon)
            daemon.role = role
            async with running_ui(socket, WIDE) as ui:
                line = ui.line_with("wrong NVR password for user admin")
                assert ("Enter: fix it" in line) is offered
                await ui.press("enter")
                if offered:
                    assert isinstance(ui.app.screen, NvrForm)
                else:
                    await ui.hears("needs the role admin")
