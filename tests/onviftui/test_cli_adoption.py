"""`onviftui adoption …` against the real RPC server: what is asked, what is printed, which exit code."""

from __future__ import annotations

from typing import Any

import pytest

from onviftui.arguments import build_parser
from proxyd.api.models import Adoption

from .cli_daemon import FakeDaemon, adoption
from .test_cli_commands import daemon, onviftui

__all__ = ["daemon", "onviftui"]  # fixtures


async def test_start_names_the_cameras_and_says_what_to_do(daemon: FakeDaemon, onviftui: Any) -> None:
    ran = await onviftui("adoption", "start", "Front gate", "2", "--at-once", "2")
    assert daemon.called("adoption.start") == [{"ids": [1, 2], "at_once": 2}]
    assert ran.code == 0
    assert ran.out.startswith("Guided adoption running: 0 of 2 cameras adopted.\n")
    assert "adopt it now: type 127.0.77.1, or let the recorder search" in ran.out
    await onviftui("adoption", "start")
    assert daemon.called("adoption.start")[1] == {"at_once": 1}


@pytest.mark.parametrize(("end", "code"), [("done", 0), ("cancelled", 1)])
async def test_wait_says_each_step_and_ends_with_it(daemon: FakeDaemon, onviftui: Any, end: str, code: int) -> None:
    came: dict[str, Any] = {"recorder": "10.77.0.3", "reached": True, "signed_in": True}
    daemon.adoption_steps = [
        adoption("done").model_copy(update={"started": "2025-01-01T00:00:00Z"}),
        adoption(**came),
        adoption(**came, trouble="10.77.0.3 used a wrong password."),
        adoption(end, state="adopted", by="10.77.0.3"),
    ]
    ran = await onviftui("adoption", "start", "--wait")
    assert ran.code == code
    assert ran.out.splitlines() == [
        "Front gate (127.0.77.1): adopt it now: type 127.0.77.1, or let the recorder search",
        "Front gate (127.0.77.1): 10.77.0.3 reached it, signed in; next: asked for streams",
        "Front gate (127.0.77.1): 10.77.0.3 used a wrong password.",
        "Front gate (127.0.77.1): adopted by 10.77.0.3",
    ]


async def test_the_other_verbs(daemon: FakeDaemon, onviftui: Any) -> None:
    for verb in ("show", "pause", "resume", "cancel"):
        assert (await onviftui("adoption", verb)).code == 0
    assert (await onviftui("adoption", "skip", "Front gate", "--json")).json["state"] == "running"
    assert daemon.called("adoption.skip") == [{"camera": 1}]
    assert [len(daemon.called(f"adoption.{name}")) for name in ("get", "pause", "resume", "cancel")] == [1, 1, 1, 1]
    daemon.adoption = Adoption(state="none")
    assert (await onviftui("adoption", "show")).out == "No guided adoption yet. Begin one: onviftui adoption start\n"
    assert build_parser().parse_args(["adoption", "start"]).at_once == 1
