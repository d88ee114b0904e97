"""The certificate of a camera's HTTPS: read, made anew and brought, by keys alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from proxyd.api.dial import Dial, own
from proxyd.api.models import Certificate, Role
from proxyd.errors import InvalidInput

from .fake_daemon import FakeDaemon
from .ui_driver import HUGE, NARROW, WIDE, Ui, running_ui


def certificate(camera: int = 1, **changes: Any) -> Certificate:
    base: dict[str, Any] = {
        "origin": "self-made",
        "https": True,
        "subject": "CN=yard",
        "not_after": "2036-11-22T09:00:00Z",
        "fingerprint": "AB:CD:EF",
        "names": ["127.0.10.1"],
    }
    return Certificate(camera=camera, **(base | changes))


@asynccontextmanager
async def opened(
    tmp_path: Path, size: tuple[int, int] = NARROW, *, role: Role = Role.ADMIN, where: Dial | None = None
) -> AsyncIterator[tuple[FakeDaemon, Ui]]:
    daemon = FakeDaemon(tmp_path / "s", 1)
    daemon.role = role
    daemon.answers["camera.certificate"] = certificate()
    async with daemon, running_ui(tmp_path / "s", size, where=where) as ui:
        await ui.press("2", "enter", "C")
        await ui.sees("made by the camera itself")
        yield daemon, ui


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE], ids=["80x24", "120x40", "160x48"])
async def test_a_certificate_says_whose_it_is_and_until_when(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, size) as (_, ui):
        for words in ("2036-11-22", "127.0.10.1", "CN=yard", "AB CD EF"):
            assert words in ui.text
        await ui.press("y")
        await ui.hears("AB:CD:EF")
        await ui.press("escape")
        assert ui.app.view_id == "camera"


async def test_a_new_one_is_made_when_somebody_says_yes(tmp_path: Path) -> None:
    async with opened(tmp_path) as (daemon, ui):
        daemon.answers["camera.certify"] = certificate(not_after="2046-01-01T00:00:00Z")
        await ui.press("n", "escape")
        assert daemon.called("camera.certify") == []
        await ui.press("n", "y")
        await ui.hears("has a new certificate. u takes it back.")
        assert "2046-01-01" in ui.text
        assert daemon.called("camera.certify") == [{"id": 1, "new": True}]


async def test_one_is_brought_from_files_and_what_is_wrong_stands_beside_its_field(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text("a chain")
    key.write_bytes(b"\xff\xfe")
    async with opened(tmp_path) as (daemon, ui):
        daemon.answers["camera.certify"] = InvalidInput("No.", fields={"key": "belongs to another certificate"})
        await ui.press("b", "ctrl+s")
        await ui.sees("in which file is it?")
        await ui.write(str(chain))
        await ui.press("enter")
        await ui.write(str(key))
        await ui.press("enter")
        await ui.sees("is no PEM")
        key.write_text("a key")
        await ui.press("ctrl+s")
        await ui.sees("belongs to another certificate")
        daemon.answers["camera.certify"] = certificate(origin="brought")
        await ui.press("ctrl+s")
        await ui.hears("has the certificate that was brought")
        assert daemon.called("camera.certify")[-1] == {"id": 1, "cert": "a chain", "key": "a key"}
        assert not ui.app.screen.query(Input)


async def test_by_ssh_the_line_is_said_and_a_viewer_only_reads(tmp_path: Path) -> None:
    async with opened(tmp_path, where=own(tmp_path / "s")) as (_, ui):
        await ui.press("b")
        await ui.sees("ssh BOX camera certificate 1 --cert - < FILE")
    async with opened(tmp_path, role=Role.VIEWER) as (daemon, ui):
        await ui.press("n")
        await ui.hears("needs the role operator")
        assert "new one" not in ui.text.splitlines()[-1]
        assert daemon.called("camera.certify") == []


async def test_one_that_somebody_else_changed_is_read_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (daemon, ui):
        daemon.answers["camera.certificate"] = certificate(origin="none", fingerprint="", https=False)
        await ui.press("r")
        await ui.sees("one is made when HTTPS is switched on")
        assert "copy" not in ui.text.splitlines()[-1]
