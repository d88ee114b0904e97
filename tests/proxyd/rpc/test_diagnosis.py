"""What the arm found, joined with what the cameras say of themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from proxyd.api import models as m
from proxyd.errors import ArmError
from proxyd.links.arm import ArmClient
from proxyd.rpc.diagnosis import diagnosis
from proxyd.rpc.examining import Examining


def camera(id_: int, state: m.CameraState, reason: str = "", note: str = "") -> m.Camera:
    values: dict[str, Any] = {"id": id_, "name": f"Gate {id_}", "state": state, "reason": reason, "note": note}
    return m.Camera.model_construct(**values, interface=f"vcam{id_}")


def interface(number: int, camera_id: int | None) -> m.Interface:
    mac = f"a2:6f:00:00:00:{number:02x}"
    return m.Interface(
        id=number, name=f"vcam{number}", mac=mac, address="10.77.0.101", kind="netlink", camera=camera_id
    )


def found(id_: str, severity: str, name: str = "") -> dict[str, Any]:
    return {"id": id_, "severity": severity, "what": f"{id_}.", "why": "", "todo": "", "camera": name}


INTERFACES = [interface(1, 11), interface(2, None)]
RUNNING = camera(11, m.CameraState.RUNNING)


def test_the_worst_first_with_the_camera_that_stands_there() -> None:
    answer = {"findings": [found("camera-ok", "ok", "vcam2"), found("mac-blocked", "problem", "vcam1")]}
    findings = diagnosis(answer, INTERFACES, [RUNNING])
    assert [(x.id, x.interface, x.camera) for x in findings] == [
        ("mac-blocked", "vcam1", 11),
        ("camera-ok", "vcam2", None),
    ]


def test_cameras_that_do_not_run_say_so_unless_the_cause_was_found() -> None:
    waiting = camera(11, m.CameraState.PORT_IN_USE, "Port 80 is taken by nginx.")
    assert [x.what for x in diagnosis({"findings": []}, INTERFACES, [waiting])] == [
        "Gate 11: Port 80 is taken by nginx."
    ]
    taken = {"findings": [found("port-taken", "problem", "vcam1")]}
    assert [x.id for x in diagnosis(taken, INTERFACES, [waiting])] == ["port-taken"]
    noted = camera(11, m.CameraState.RUNNING, note="Recorders cannot find it by searching.")
    assert [x.severity for x in diagnosis({"findings": []}, INTERFACES, [noted])] == ["note"]
    stopped = camera(12, m.CameraState.STOPPED)
    assert diagnosis({"findings": []}, INTERFACES, [RUNNING, stopped]) == []


def test_what_proxyd_knows_better_is_left_out() -> None:
    answer = {"findings": [found("nothing-listens", "note", "vcam2"), found("discovery-off", "note", "vcam1")]}
    assert diagnosis(answer, INTERFACES, [RUNNING]) == []


def test_without_interfaces_of_their_own_there_is_a_note() -> None:
    failed = camera(12, m.CameraState.FAILED)
    findings = diagnosis(None, [], [failed])
    assert [x.id for x in findings] == ["camera-state", "no-interfaces"]
    assert findings[0].what == "Gate 12: failed" and findings[0].todo == "onviftui camera show 12"


@pytest.mark.parametrize("answer", [{}, {"findings": "no"}, {"findings": [1]}, {"findings": [found("x", "terrible")]}])
def test_an_answer_that_is_none(answer: dict[str, Any]) -> None:
    with pytest.raises(ArmError):
        diagnosis(answer, INTERFACES, [])


async def test_many_who_ask_at_once_cost_the_lan_two_examinations(tmp_path: Path) -> None:
    asked, go_on = asyncio.Queue[bytes](), asyncio.Event()
    examined = 0

    async def arm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal examined
        asked.put_nowait(await reader.readline())
        await go_on.wait()
        examined += 1
        writer.write(b'{"ok": true, "findings": [], "number": %d}\n' % examined)
        writer.close()

    server = await asyncio.start_unix_server(arm, path=str(tmp_path / "arm"))
    examining = Examining(ArmClient(tmp_path / "arm"))
    async with server, asyncio.timeout(10), asyncio.TaskGroup() as group:
        first = group.create_task(examining.answer())
        await asked.get()
        later = [group.create_task(examining.answer()) for _ in range(20)]
        gone = group.create_task(examining.answer())
        await asyncio.sleep(0)  # all of them wait now
        gone.cancel()
        go_on.set()
        numbers = [((await task) or {})["number"] for task in (first, *later)]
    assert numbers == [1] + [2] * 20 and examined == 2
    assert await Examining(None).answer() is None
