"""The footer offers the keys that can do something as things stand, and what lists say that have nothing yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.widgets.frame import KeyFooter
from onviftui.wizard.places import Place
from onviftui.wizard.screen import WizardScreen
from proxyd.api.models import Adoption, AdoptionStep, CameraState, Finding, JobState, NvrState
from proxyd.api.undo import Undoable

from .fake_daemon import FakeDaemon, camera, interface, job, nvr
from .ui_driver import NARROW, Ui, running_ui

ROOMY = (200, 60)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def offered(ui: Ui) -> set[str]:
    """The labels of the keys that the footer shows now."""
    return {key.label for _, _, key in ui.app.screen.query_one(KeyFooter)._places}


async def offers(ui: Ui, *labels: str) -> None:
    """Beside what is everywhere."""
    await ui.until(lambda: offered(ui) - {"quit", "help"} == set(labels), f"{labels} in the footer")


async def at_step(ui: Ui, place: Place) -> None:
    screen = ui.app.screen
    assert isinstance(screen, WizardScreen)
    await ui.until(lambda: screen.pane.place is place, f"the step {place}")


def step(number: int, state: str) -> AdoptionStep:
    known = camera(number)
    return AdoptionStep.model_validate({"camera": number, "name": known.name, "address": known.address, "state": state})


async def test_without_anything_only_what_leads_to_something_is_offered(socket: Path) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, ROOMY) as ui:
        for view, labels in (
            ("2", ("add NVR", "find")),
            ("3", ("add NVR", "find", "sources")),
            ("4", ("examine", "add")),
            ("5", ()),
            ("6", ()),
        ):
            await ui.press(view)
            await offers(ui, *labels)
        await ui.press("5")
        await ui.sees("There are no cameras yet. Scan your NVR: press 3, then r.")
        await ui.press("c")
        await ui.hears("No guided adoption is under way. a begins one.")
        for view in "23456":  # what is not offered does nothing, and harms nobody
            await ui.press(view, "s", "space", "y", "o", "t", "R", "c", "d", "n", "p", "enter", "escape")
        assert not [call for call in daemon.calls if call[0] not in ("subscribe", "status", "history")]


async def test_rows_bring_their_keys(socket: Path) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, ROOMY) as ui:
        await ui.press("3")
        daemon.change("nvr", nvr())
        await ui.until(lambda: {"open", "scan", "edit", "test", "remove"} <= offered(ui), "the keys of an NVR")
        await ui.press("6")
        daemon.change("job", job())
        await offers(ui, "open", "cancel", "scan", "filter")
        daemon.change("job", job(state=JobState.DONE, ended="2026-11-22T09:05:00Z"))
        await offers(ui, "open", "scan", "filter")
        await ui.press("enter")
        await offers(ui, "go on", "back")
        daemon.change("job", job())
        await offers(ui, "cancel", "back")
        await ui.press("escape", "2")
        daemon.change("camera", camera(1))
        await ui.until(lambda: {"open", "start/stop", "filter"} <= offered(ui), "the keys of a camera")
        assert "add NVR" not in offered(ui)
        await ui.press("slash")
        await ui.write("nothing like that")
        await ui.sees("Enter keep it  Esc drop it")
        await ui.press("enter")
        await ui.until(lambda: "open" not in offered(ui) and "filter" in offered(ui), "no row")


async def test_an_interface_says_why_a_key_does_nothing(socket: Path) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket) as ui:
        daemon.change("interface", interface(1).model_copy(update={"address": None}))
        await ui.press("4")
        await ui.sees("lo:1")
        await ui.press("enter")
        await ui.hears("lo:1 is free: no camera stands on it.")
        await ui.press("y")
        await ui.hears("lo:1 has no address yet.")


async def test_the_guided_adoption_offers_what_its_state_allows(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        await ui.press("5")
        await offers(ui, "begin")
        turns = [step(1, "now"), step(2, "waiting")]
        daemon.hub.changed("adoption", Adoption(state="running", steps=turns))
        await offers(ui, "open", "skip", "pause", "password", "copy", "cancel")
        daemon.hub.changed("adoption", Adoption(state="paused", steps=[step(1, "waiting"), step(2, "waiting")]))
        await offers(ui, "pause", "cancel")
        daemon.hub.changed("adoption", Adoption(state="done", steps=[step(1, "adopted"), step(2, "adopted")]))
        await offers(ui, "begin")
        for number in (1, 2):
            daemon.change("camera", camera(number, adopted_by="10.77.0.3"))
        await offers(ui)


async def test_each_step_of_the_guide_offers_its_own_keys(socket: Path) -> None:
    places: dict[Place, set[str]] = {
        Place.NETWORK: {"go on", "next", "again"},
        Place.NVR: {"go on", "next", "back", "by hand", "again"},
        Place.SCAN: {"go on", "next", "back", "again"},
        Place.NAMES: {"go on", "next", "back", "edit", "leave out"},
        Place.START: {"go on", "next", "back"},
        Place.ADOPT: {"go on", "next", "back"},
    }
    async with FakeDaemon(socket) as daemon, running_ui(socket, guide=True) as ui:
        daemon.answers["interface.doctor"] = [Finding(id="fine", severity="ok", what="The network is fine.")]
        await ui.until(lambda: isinstance(ui.app.screen, WizardScreen), "the guide")
        daemon.change("nvr", nvr(state=NvrState.OK))
        daemon.change("camera", camera(1, CameraState.STOPPED))
        for place, labels in places.items():
            await at_step(ui, place)
            await offers(ui, *labels, "leave")
            await ui.press("n")


async def test_undo_says_what_can_be_taken_back_when_there_is_nothing(socket: Path) -> None:
    async with FakeDaemon(socket) as daemon, running_ui(socket, NARROW) as ui:
        daemon.answers["undo.list"] = []
        await ui.press("8")
        ui.table.move_to(next(row for row in ui.table.keys if "Undo" in ui.table.text_of(row)))
        await ui.press("enter")
        await ui.sees("There is nothing to take back since proxyd started.")
        assert "the last one from everywhere with u." in ui.text
        await offers(ui, "refresh", "back")
        await ui.press("enter")
        assert daemon.called("undo.apply") == []
        daemon.answers["undo.list"] = [
            Undoable(number=1, at="2026-11-22T09:00:00Z", who="anna", what="Renamed Yard to Gate.", role="operator")
        ]
        await ui.press("r")
        await ui.sees("Renamed Yard to Gate.")
        await offers(ui, "take back", "refresh", "back")
