"""The guide from an empty box to the recorder, by keyboard alone at 80×24; resumable at every step."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from onviftui.screens.main import MainScreen
from onviftui.screens.nvr_form import NvrForm
from onviftui.store import Store
from onviftui.wizard.places import Place, after, before, begin_at, done, first_run, interfaces_to_offer
from onviftui.wizard.screen import WizardScreen
from proxyd.api.models import CameraState, Finding, JobState, NvrState, Role, ScanDiff, Status
from proxyd.errors import ArmUnreachable

from .fake_daemon import FakeDaemon, camera, interface, job, nvr
from .ui_driver import NARROW, Ui, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, (200, 60)], ids=["80x24", "200x60"])


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def daemon_at(socket: Path, cameras: int = 0) -> FakeDaemon:
    daemon = FakeDaemon(socket, cameras)
    daemon.answers["interface.doctor"] = [Finding(id="fine", severity="ok", what="The network is fine.")]
    return daemon


def store_of(mode: str = "loopback", role: Role = Role.ADMIN) -> Store:
    store = Store()
    store.status = Status.model_validate(
        {"version": "1", "pid": 1, "started": "", "mode": mode, "data_dir": "", "nvrs": 0, "cameras": 0}
        | {"states": {}, "role": role}
    )
    return store


def asleep(number: int) -> CameraState:
    return CameraState.STOPPED


async def at_step(ui: Ui, place: Place) -> None:
    def there() -> bool:
        return isinstance(ui.app.screen, WizardScreen) and ui.app.screen.pane.place is place

    await ui.until(there, f"the step {place}")


def test_it_begins_where_something_is_left_to_do() -> None:
    store = store_of()
    assert first_run(store) and begin_at(store) is Place.NETWORK
    store.put("nvr", nvr(state=NvrState.NEW, last_scan=None))
    assert not first_run(store) and begin_at(store) is Place.SCAN
    store.put("nvr", nvr())
    assert begin_at(store) is Place.SCAN  # no camera came out of it
    for number in (1, 2):
        store.put("camera", camera(number, CameraState.STOPPED))
    assert begin_at(store) is Place.NAMES
    store.put("camera", camera(1, CameraState.WAITING_FOR_ADDRESS))
    assert begin_at(store) is Place.START
    store.put("camera", camera(1))
    assert begin_at(store) is Place.ADOPT
    assert not done(Place.ADOPT, store)
    store.put("camera", camera(1, adopted_by="10.77.0.3"))
    assert done(Place.ADOPT, store)
    store.put("nvr", nvr(2, state=NvrState.NEW, last_scan=None))
    assert begin_at(store) is Place.SCAN  # of the new one


def test_a_viewer_is_not_guided() -> None:
    assert not first_run(store_of(role=Role.VIEWER))
    assert not first_run(store_of(role=Role.OPERATOR))


def test_interfaces_are_a_step_only_where_they_are_made() -> None:
    here, there = store_of("loopback"), store_of("netlink")
    assert (after(Place.NETWORK, here), before(Place.NVR, here)) == (Place.NVR, Place.NETWORK)
    assert (after(Place.NETWORK, there), before(Place.NVR, there)) == (Place.INTERFACES, Place.INTERFACES)
    assert interfaces_to_offer(there) == 16
    there.put("interface", interface(1))
    assert interfaces_to_offer(there) == 15
    for number in range(1, 4):
        there.put("camera", camera(number, CameraState.NO_INTERFACE, interface=None))
    assert interfaces_to_offer(there) == 2


@SIZES
async def test_from_nothing_to_running_cameras(socket: Path, size: tuple[int, int]) -> None:
    async with daemon_at(socket) as daemon, running_ui(socket, size, guide=True) as ui:
        await at_step(ui, Place.NETWORK)
        await ui.sees("The network is fine.")
        await ui.sees("proxyd runs in loopback mode")
        await ui.press("enter")
        await at_step(ui, Place.NVR)
        await ui.sees("NVR-4")
        await ui.press("enter")
        await ui.until(lambda: isinstance(ui.app.screen, NvrForm), "the form")
        await ui.press("enter") if ui.app.focused is ui.app.screen.query_one("#port", Input) else None
        await ui.write("admin")
        await ui.press("enter")
        await ui.write("right")
        await ui.press("ctrl+s")
        await at_step(ui, Place.SCAN)
        assert daemon.called("nvr.test")
        await ui.until(lambda: daemon.called("nvr.scan") == [{"id": 1, "start": False}], "the scan")
        daemon.change("nvr", nvr(1, channels=3, online=3))
        for number in (1, 2, 3):
            daemon.change("camera", camera(number, asleep(number)))
        daemon.change("job", job(1, JobState.DONE, done=3, total=3, diff=ScanDiff(new=[1, 2, 3])))
        await ui.sees("now a camera each")
        await ui.press("enter")
        await at_step(ui, Place.NAMES)
        await ui.sees("3 of 3 cameras will run.")
        await ui.press("e")
        assert isinstance(ui.app.focused, Input) and ui.app.focused.value == "01 Front gate"
        await ui.press("ctrl+u")
        await ui.write("Gate")
        await ui.press("enter")
        await ui.until(lambda: daemon.called("camera.update") == [{"id": 1, "name": "Gate"}], "the new name")
        await ui.sees("Gate")
        assert isinstance(ui.app.focused, Input) and ui.app.focused.value == "02 Yard"
        await ui.press("escape")
        await at_step(ui, Place.NAMES)
        await ui.press("space")
        await ui.sees("2 of 3 cameras will run.")
        assert "left out" in ui.line_with("02 Yard")
        await ui.press("enter")
        await at_step(ui, Place.START)
        await ui.sees("Left out and removed: 02 Yard.")
        await ui.press("enter")
        await ui.until(lambda: daemon.called("camera.start") == [{"ids": [1, 3]}], "the start")
        assert daemon.called("camera.remove") == [{"ids": [2]}]
        daemon.remove("camera", 2)
        await ui.sees("All cameras run.")
        await ui.press("enter")
        await at_step(ui, Place.ADOPT)
        await ui.sees("0 of 2 cameras adopted.")


async def test_leaving_loses_nothing_and_coming_back_lands_on_the_right_step(socket: Path) -> None:
    async with daemon_at(socket, 3) as daemon:
        for number in (1, 2, 3):
            daemon.tables["camera"][number] = camera(number, CameraState.STOPPED)
        async with running_ui(socket) as ui:
            await ui.press("w")
            await at_step(ui, Place.NAMES)
            await ui.press("j", "space", "escape")
            await ui.until(lambda: isinstance(ui.app.screen, MainScreen), "the overview")
            await ui.press("w")
            await at_step(ui, Place.NAMES)
            assert "left out" in ui.line_with("02 Yard")
        async with running_ui(socket) as ui:
            await ui.press("w")
            await at_step(ui, Place.NAMES)
            await ui.press("b")
            await at_step(ui, Place.SCAN)
            await ui.sees("It has been read: 3 channels")
            await ui.press("b", "b")
            await at_step(ui, Place.NETWORK)
            await ui.press("n", "n", "n", "n", "n")
            await at_step(ui, Place.ADOPT)


async def test_a_restart_of_the_daemon_in_the_middle(socket: Path) -> None:
    async with daemon_at(socket, 2) as daemon, running_ui(socket) as ui:
        for number in (1, 2):
            daemon.change("camera", camera(number, CameraState.STOPPED))
        await ui.press("w")
        await at_step(ui, Place.NAMES)
        await daemon.stop()
        await ui.sees("proxyd is away")
        await ui.press("n", "enter")
        await ui.hears("Nothing was changed")
        await at_step(ui, Place.START)
        await daemon.start()
        await ui.until(lambda: "away" not in ui.text, "the daemon is back")
        await ui.press("enter")
        await ui.until(lambda: daemon.called("camera.start") == [{"ids": [1, 2]}], "the start")


async def test_interfaces_are_shown_before_they_are_made(socket: Path) -> None:
    daemon = daemon_at(socket)
    snapshot = daemon.snapshot

    def netlink() -> object:
        known = snapshot()
        return known.model_copy(update={"status": known.status.model_copy(update={"mode": "netlink"})})

    daemon.snapshot = netlink  # type: ignore[method-assign,assignment]  # the same daemon in another mode
    async with daemon, running_ui(socket, guide=True) as ui:
        await at_step(ui, Place.NETWORK)
        await ui.press("enter")
        await at_step(ui, Place.INTERFACES)
        await ui.sees("make  16 more")
        await ui.press("minus", "minus", "plus")
        await ui.sees("make  15 more")
        await ui.press("e", "ctrl+u")
        await ui.write("2")
        await ui.press("enter")
        await ui.sees("make  2 more")
        await ui.press("enter")
        await ui.sees("This would be made: 2 interfaces")
        assert daemon.called("interface.add") == [{"count": 2, "dry_run": True}]
        await ui.press("b")
        await ui.sees("make  2 more")
        daemon.answers["interface.add"] = ArmUnreachable("netsetup's arm does not answer.", "Is it running?")
        await ui.press("enter")
        await ui.hears("netsetup's arm does not answer.")
        del daemon.answers["interface.add"]
        await ui.press("enter")
        await ui.sees("This would be made: 2 interfaces")
        await ui.press("enter")
        await ui.hears("2 interfaces added.")
        assert daemon.called("interface.add")[-1] == {"count": 2, "digest": "c0ffee"}
        await at_step(ui, Place.NVR)


async def test_it_draws_ascii_where_nothing_else_is_shown(socket: Path) -> None:
    async with daemon_at(socket, 3) as daemon, running_ui(socket, ascii_only=True) as ui:
        daemon.tables["camera"] = {n: camera(n, CameraState.STOPPED, name=f"Cam {n}") for n in (1, 2, 3)}
        for known in daemon.tables["camera"].values():
            daemon.change("camera", known)
        await ui.press("w")
        await at_step(ui, Place.NAMES)
        for _ in range(3):
            await ui.press("n")
            assert ui.text.isascii(), [char for char in ui.text if not char.isascii()]
