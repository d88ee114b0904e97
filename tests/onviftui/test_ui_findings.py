"""Examining interfaces and network from the interface view."""

from __future__ import annotations

from pathlib import Path

import pytest

from onviftui.screens.dialog import WIDTH
from onviftui.screens.findings import Findings
from onviftui.widgets.finding_lines import finding_lines
from onviftui.widgets.line import line_len, texts
from proxyd.api.models import Finding

from .fake_daemon import FakeDaemon
from .ui_driver import running_ui

BLOCKED = Finding(
    id="mac-blocked",
    severity="problem",
    what="10.77.0.1 answers the host, but not vcam1 with MAC a2:6f:00:00:00:01.",
    why="What eth0 is plugged into drops frames of this MAC.",
    todo="This is a virtual machine: allow promiscuous mode.",
    interface="vcam1",
)


def words(findings: list[Finding]) -> str:
    return "\n".join(texts(finding_lines(findings)))


def test_what_interfaces_share_is_said_once() -> None:
    others = [BLOCKED.model_copy(update={"interface": f"vcam{n}"}) for n in range(2, 12)]
    note = Finding(id="parent", severity="ok", what="eth0 is up.")
    text = words([BLOCKED, *others[:5], note, *others[5:]])
    assert text.startswith("11 problems\n") and text.count("drops frames") == 1
    assert "and 4 more" in text and "ok: eth0 is up." in text
    assert words([note]).startswith("No problem found")


def test_no_line_is_too_wide() -> None:
    assert max(line_len(line) for line in finding_lines([BLOCKED])) <= WIDTH


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_examining_shows_what_was_found(tmp_path: Path, key: str) -> None:
    socket = tmp_path / "s"
    async with FakeDaemon(socket, 2) as daemon, running_ui(socket) as ui:
        daemon.answers["interface.doctor"] = [BLOCKED]
        await ui.press("4", "x")
        await ui.until(lambda: isinstance(ui.app.screen, Findings), "findings on the screen")
        await ui.sees("problem: 10.77.0.1 answers the host, but not vcam1")
        await ui.sees("Do: This is a virtual machine")
        await ui.press(key)
        await ui.until(lambda: not isinstance(ui.app.screen, Findings), "back to the list")
        assert daemon.called("interface.doctor") == [{}]
