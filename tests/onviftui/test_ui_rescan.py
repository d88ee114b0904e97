"""A rescan shows what it would change; Enter keeps exactly that, Esc leaves everything as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.alarms import alarms
from onviftui.screens.job import JobScreen
from onviftui.screens.main import MainScreen
from onviftui.store import Store
from proxyd.api.models import CameraState, Interface, Job, JobState, Role, ScanDiff
from proxyd.errors import Conflict

from .fake_daemon import FakeDaemon, camera, interface, job, nvr
from .ui_driver import HUGE, NARROW, running_ui

SIZES = pytest.mark.parametrize("size", [NARROW, HUGE], ids=["80x24", "160x48"])
DIFF = ScanDiff(
    new=[5],
    changed=[2],
    missing=[4],
    words={5: "Gate", 2: "main now H.265, 2560×1440", 4: "Ramp"},
)


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def waiting(number: int = 1) -> Job:
    return job(number, JobState.DONE, done=4, total=4, preview=True, outcome="waiting", diff=DIFF)


@SIZES
async def test_enter_keeps_what_a_rescan_found(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket, size) as ui:
        await ui.press("3", "r")
        await ui.until(lambda: isinstance(ui.app.screen, JobScreen), "the scan")
        assert daemon.called("nvr.scan") == [{"id": 1, "preview": True}]
        daemon.change("job", waiting())
        await ui.sees("Nothing is changed yet.")
        assert "Gate" in ui.line_with("+ ch 5")
        assert "main now H.265, 2560×1440" in ui.line_with("~ ch 2")
        assert "Ramp" in ui.line_with("- ch 4")
        assert "Enter keeps it   Esc leaves everything as it was" in ui.text
        daemon.answers["job.apply"] = waiting().model_copy(update={"outcome": "kept"})
        await ui.press("enter")
        await ui.hears("Kept: 1 new, 1 changed, 1 missing.")
        assert daemon.called("job.apply") == [{"id": 1}]
        await ui.sees("Enter shows the cameras")


async def test_esc_leaves_everything_as_it_was(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.change("job", waiting())
        daemon.answers["job.discard"] = waiting().model_copy(update={"outcome": "discarded"})
        await ui.sees("a scan found 1 new, 1 changed, 1 missing: keep it?")
        await ui.press("enter")
        await ui.sees("Nothing is changed yet.")
        await ui.press("escape")
        await ui.hears("Everything is as it was before the scan.")
        assert isinstance(ui.app.screen, MainScreen)
        assert daemon.called("job.discard") == [{"id": 1}] and not daemon.called("job.apply")


async def test_what_has_become_something_else_is_said(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket) as ui:
        daemon.change("job", waiting())
        await ui.sees("a scan found")
        await ui.press("enter")
        daemon.answers["job.apply"] = Conflict("cameras were changed meanwhile.", "Scan again with a preview.")
        await ui.press("enter")
        await ui.hears("cameras were changed meanwhile.")


async def test_the_list_of_jobs_says_that_one_waits(socket: Path) -> None:
    async with FakeDaemon(socket, 4) as daemon, running_ui(socket, HUGE) as ui:
        daemon.change("job", waiting())
        await ui.press("6")
        await ui.sees("1 new, 1 changed, 1 missing")
        assert "keep it?" in ui.line_with("Scan of Garage")
        await ui.press("enter")
        await ui.sees("Nothing is changed yet.")


async def test_a_viewer_who_leaves_discards_nothing(socket: Path) -> None:
    daemon = FakeDaemon(socket, 4)
    daemon.role = Role.VIEWER
    async with daemon, running_ui(socket) as ui:
        daemon.change("job", waiting())
        await ui.sees("a scan found")
        await ui.press("enter")
        await ui.sees("Nothing is changed yet.")
        await ui.press("escape")
        await ui.until(lambda: isinstance(ui.app.screen, MainScreen), "the overview")
        assert not daemon.called("job.discard")


def store_of(*cameras: CameraState, reason: str = "") -> Store:
    store = Store()
    store.put("nvr", nvr())
    for number, state in enumerate(cameras, 1):
        store.put("camera", camera(number, state, reason=reason, interface=f"vcam{number}"))
    return store


def test_each_alarm_leads_to_what_it_is_about() -> None:
    words = "No DHCP answer on eth0: check that a DHCP server serves this network."
    store = Store()
    store.put("nvr", nvr())
    for number in (1, 2, 3):
        reason = f"vcam{number} has no address: {words}"
        known = camera(number, CameraState.WAITING_FOR_ADDRESS, reason=reason, interface=f"vcam{number}")
        store.put("camera", known)
    (alarm,) = alarms(store)
    assert alarm.text == "3 cameras wait for an address: no DHCP answer on eth0"
    assert (alarm.fix, alarm.go) == ("doctor", "doctor")
    gone = store_of(CameraState.WAITING_FOR_ADDRESS, reason="vcam1 is gone or has no address; it starts by itself.")
    assert alarms(gone)[0].text == "01 Front gate waits for an address: the interface is gone or has no address"


def test_cameras_that_have_never_run_lead_back_to_the_guide() -> None:
    (alarm,) = alarms(store_of(CameraState.STOPPED, CameraState.STOPPED))
    assert (alarm.text, alarm.go) == ("Garage: its cameras have never run", "wizard")
    assert alarms(store_of(CameraState.STOPPED, CameraState.RUNNING)) == []


def test_a_failed_scan_and_missing_cameras_lead_to_their_scan() -> None:
    store = store_of(CameraState.MISSING, CameraState.MISSING)
    assert [(alarm.go, alarm.fix) for alarm in alarms(store)] == [("cameras", "show them")]
    store.put("job", job(4, JobState.DONE, diff=ScanDiff(missing=[1, 2])))
    assert [(alarm.go, alarm.target) for alarm in alarms(store)] == [("job", "4")]
    store.put("job", job(5, JobState.FAILED, error="Garage: it is a web page, not ONVIF."))
    found = alarms(store)
    assert (found[0].text, found[0].go, found[0].target) == ("Garage: it is a web page, not ONVIF", "job", "5")


def test_an_interface_that_may_lose_its_address_is_told_once_for_all() -> None:
    store = store_of(CameraState.RUNNING)
    for number in (1, 2):
        known: Interface = interface(number, number)
        words = f"10.77.0.{number} is still valid, but 10.77.0.1 does not renew it: check the DHCP server."
        store.put("interface", known.model_copy(update={"message": words}))
    assert [alarm.go for alarm in alarms(store)] == ["doctor", "doctor"]
