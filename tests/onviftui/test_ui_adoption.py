"""The guided adoption in the UI, and why a recorder does not adopt a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onviftui.widgets.adoption_lines import adoption_lines
from onviftui.widgets.big_digits import big
from onviftui.widgets.line import Line
from onviftui.words import Look
from proxyd.api.models import Adoption, AdoptionStep, Camera, Finding
from proxyd.errors import Conflict

from .fake_daemon import FakeDaemon, camera
from .ui_driver import NARROW, WIDE, running_ui

_SENT = "The recorder sent"
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "120x40"])


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "s"


def step(number: int, state: str, **changes: Any) -> AdoptionStep:
    known = camera(number)
    fields = {"camera": number, "name": known.name, "address": known.address, "state": state}
    return AdoptionStep.model_validate(fields | changes)


def adoption(*steps: AdoptionStep, state: str = "running") -> Adoption:
    return Adoption.model_validate({"state": state, "steps": steps})


def text(lines: list[Line]) -> str:
    return "\n".join("".join(piece for piece, _ in one) for one in lines)


def drawn(shown: Adoption, cameras: list[Camera], **options: Any) -> str:
    return text(adoption_lines(shown, cameras, options.get("passwords", {}), Look(options.get("ascii", False)), 80))


@SIZES
async def test_the_overview_tells_of_it_as_long_as_recorders_find_nothing_else(
    socket: Path, size: tuple[int, int]
) -> None:
    async with FakeDaemon(socket, 3) as daemon, running_ui(socket, size) as ui:
        steps = (step(1, "adopted"), step(2, "now"), step(3, "waiting"))
        daemon.hub.changed("adoption", adoption(*steps))
        await ui.sees(f"Guided adoption: {camera(2).name} has its turn, 2 to go")
        await ui.press("2")
        await ui.sees("has its turn, 2 to go")
        waiting = (step(1, "adopted"), step(2, "waiting"), step(3, "waiting"))
        daemon.hub.changed("adoption", adoption(*waiting, state="paused"))
        await ui.sees("The guided adoption is paused: searches find no new camera")
        await ui.press("1")
        await ui.sees("Enter: show")
        await ui.press("enter")
        await ui.sees("Paused: 1 of 3 cameras adopted.")
        daemon.hub.changed("adoption", adoption(*waiting, state="running"))
        await ui.press("1")
        await ui.sees("The guided adoption cannot go on")
        daemon.hub.changed("adoption", adoption(*waiting, state="cancelled"))
        await ui.until(lambda: "adoption" not in ui.text.lower(), "it is over")


@SIZES
async def test_it_begins_shows_whose_turn_it_is_and_ticks_off_by_itself(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 3) as daemon, running_ui(socket, size) as ui:
        daemon.answers["adoption.start"] = lambda _: adoption(step(1, "now"), step(2, "waiting"), step(3, "waiting"))
        await ui.press("5")
        await ui.sees("begins with the 3 that nobody has")
        await ui.press("a")
        await ui.sees(f"Adopt camera 1 of 3 now:  {camera(1).name}")
        assert "127.0.10.1" in ui.line_with("in the recorder add")
        assert "◌ reached   ◌ signed in" in ui.text
        came = step(1, "now", recorder="10.77.0.3", reached=True, signed_in=True)
        daemon.hub.changed("adoption", adoption(came, step(2, "waiting"), step(3, "waiting")))
        await ui.sees("✔ reached   ✔ signed in   ◌ asked for streams   ◌ playing   by 10.77.0.3")
        done = step(1, "adopted", by="10.77.0.3")
        daemon.hub.changed("adoption", adoption(done, step(2, "now"), step(3, "waiting")))
        await ui.sees(f"Adopt camera 2 of 3 now:  {camera(2).name}")
        assert "✔" in ui.line_with("adopted by 10.77.0.3")
        daemon.hub.changed("adoption", adoption(done, step(2, "adopted"), step(3, "skipped"), state="done"))
        await ui.sees("The guided adoption is done: 2 of 3 cameras adopted.")


async def test_namesakes_are_told_apart(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        for number in (1, 2):
            daemon.change("camera", camera(number, name="Channel 1", channel=number))
        daemon.hub.changed("adoption", adoption(step(1, "now", name="Channel 1"), step(2, "waiting", name="Channel 1")))
        await ui.press("5")
        await ui.sees("Adopt camera 1 of 2 now:  Channel 1 (ch 1)")
        await ui.sees("Channel 1 (ch 2)")


async def test_its_keys(socket: Path) -> None:
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        now = adoption(step(1, "now"), step(2, "waiting"))
        daemon.hub.changed("adoption", now)
        for method, state in (("pause", "paused"), ("resume", "running"), ("skip", "running")):
            daemon.answers[f"adoption.{method}"] = now.model_copy(update={"state": state})
        daemon.answers["adoption.cancel"] = Conflict("No guided adoption is under way.", "Begin one.")
        await ui.press("5")
        await ui.sees("Adopt camera 1 of 2 now")
        await ui.press("r")
        await ui.sees("onvif-secret")
        await ui.press("r")
        await ui.until(lambda: "onvif-secret" not in ui.text, "the password is hidden again")
        await ui.press("p")
        await ui.sees("Paused: 0 of 2 cameras adopted.")
        await ui.press("p")
        await ui.until(lambda: "Paused" not in ui.text, "it goes on")
        await ui.press("n")
        await ui.until(lambda: daemon.called("adoption.skip") == [{"camera": 1}], "skip")
        await ui.press("c")
        await ui.hears("No guided adoption is under way.")
        await ui.press("enter")
        await ui.sees("What recorders asked")


@SIZES
async def test_why_a_camera_is_not_adopted(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket, size) as ui:
        what = "10.77.0.3 reached the camera, but used a wrong password 3 times."
        daemon.answers["camera.diagnosis"] = [
            Finding(id="wrong-password", severity="problem", what=what, todo="Type this camera's own password into it.")
        ]
        await ui.press("2", "x")
        await ui.sees("but used a wrong")
        await ui.sees("Do: Type this camera's own password into it.")
        await ui.press("escape")
        await ui.press("enter")
        await ui.sees("nobody yet: x says why")
        await ui.press("x")
        await ui.sees("but used a wrong")
        assert daemon.called("camera.diagnosis")[:2] == [{"id": 1}] * 2


@SIZES
async def test_a_request_opens_what_went_over_the_wire(socket: Path, size: tuple[int, int]) -> None:
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket, size) as ui:
        await ui.press("2", "t")
        await ui.sees("GetProfiles")
        await ui.press("j", "enter")
        await ui.sees("GetProfiles  refused: wrong password")
        assert daemon.called("camera.exchange") == [{"id": 1, "number": 2}]
        assert daemon.called("camera.update") == []
        place, left = next((n, one.index(_SENT)) for n, one in enumerate(ui.text.splitlines()) if _SENT in one)
        lines = [one[left:].partition("│")[0].strip() for one in ui.text.splitlines()]
        assert lines[place + 1 : place + 6] == ["POST /x HTTP/1.1", "", "<a>", "<b/>", "</a>"]
        await ui.press("escape")
        await ui.sees("What recorders asked")


async def test_the_table_shows_who_has_a_camera(socket: Path) -> None:
    async with FakeDaemon(socket, 1) as daemon, running_ui(socket, WIDE) as ui:
        daemon.change("camera", camera(1, adopted_by="10.77.0.3", recorder=None))
        await ui.press("2")
        await ui.sees("by 10.77.0.3")
        assert "10.77.0.3" in ui.line_with("127.0.10.1 ")


def test_troubles_and_long_lists_are_said() -> None:
    cameras = [camera(number) for number in range(1, 7)]
    turns = [
        step(number, "now", trouble="Wrong password. Type it again." if number == 1 else "") for number in range(1, 6)
    ]
    said = drawn(adoption(*turns, step(6, "skipped")), cameras, ascii=True)
    assert said.count("Adopt camera") == 3 and said.count("also now:") == 2
    assert "Wrong password. Type it again." in said
    assert "~ reached" in said and "- " in said and "✔" not in said
    stuck = drawn(adoption(step(1, "waiting", trouble="Port 80 is used by nginx.")), cameras)
    assert "None of the 1 camera left can be adopted now. Port 80 is used by nginx." in stuck


def test_an_empty_house_and_a_full_one() -> None:
    none = Adoption(state="none")
    assert "There are no cameras yet." in drawn(none, [])
    assert "All cameras are adopted." in drawn(none, [camera(1, adopted_by="10.77.0.3")])
    assert "begins with the one that nobody has" in drawn(none, [camera(1)])


def test_the_address_is_drawn_so_that_it_is_read_from_afar() -> None:
    rows = big("10.77.0.107:80")
    assert len(rows) == 3 and len({len(row) for row in rows}) == 1
    assert set("".join(rows)) <= set(" ▀▄█")
    drawings = {tuple(big(digit)) for digit in "0123456789"}
    assert len(drawings) == 10
    assert big("") == big("fe80::1%eth0") == big("camera.local") == []
    shown = adoption(step(1, "now", address="10.77.0.107"), step(2, "waiting"))
    cameras = [camera(1), camera(2)]
    assert big("10.77.0.107")[1] in drawn(shown, cameras)
    assert "0/2   next: 02 Yard" in drawn(shown, cameras)
    ascii_only = drawn(shown, cameras, ascii=True)
    assert ascii_only.isascii() and "in the recorder add  10.77.0.107" in ascii_only
    narrow = text(adoption_lines(shown, cameras, {}, Look(), 40))
    assert big("10.77.0.107")[1] not in narrow
