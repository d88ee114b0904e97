"""Changes of many cameras at once and taking them back, in the real daemon with the simulated NVR."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from proxyd.api import models as m
from proxyd.api.bulk import CamerasUpdated
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.states import Role
from proxyd.api.undo import Undoable, Undone
from proxyd.errors import Conflict, InvalidInput, NotAllowed, NotFound
from tests.e2e.stack import Stack, credentials, running_stack, wait_for_states


async def onviftui(stack: Stack, *words: str, stdin: str = "", code: int = 0) -> str:
    """Standard output of the real command, or its errors when it ends with another `code`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "onviftui", "--socket", str(stack.socket), *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate(stdin.encode())
    assert process.returncode == code, err.decode()
    return (err if code else out).decode()


async def scanned(stack: Stack, client: RpcClient) -> list[m.Camera]:
    nvr = await stack.add_nvr(client)
    await stack.scan(client, nvr)
    return await wait_for_states(client, m.CameraState.RUNNING)


def without_moment(cameras: list[m.Camera]) -> list[dict[str, Any]]:
    """What a configuration is, without what comes and goes."""
    passing = {"state", "reason", "note", "recorder", "clients", "last_event", "last_event_at", "picture", "streams"}
    return [camera.model_dump(exclude=passing) for camera in cameras]


async def test_everything_that_was_changed_is_taken_back_step_by_step() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as client:
        before = await scanned(stack, client)
        ids = [camera.id for camera in before]
        password = (await credentials(client, before[0]))[1]

        changed: CamerasUpdated = await client.call(
            "camera.update_all",
            {"ids": ids, "pattern": "{nvr} {ch:02}", "audio": False, "discovery": False, "password": "another-word"},
        )
        assert [camera.name for camera in changed.cameras] == ["Garage 01", "Garage 02", "Garage 03"]
        assert not any(camera.audio or camera.discovery for camera in changed.cameras)
        assert (await credentials(client, before[1]))[1] == "another-word"
        await client.call("camera.stop", {"ids": ids[:1]})
        await client.call("camera.remove", {"ids": ids[1:]})
        (nvr,) = await client.call("nvr.list")
        await client.call("nvr.update", {"id": nvr.id, "name": "Barn", "host": "127.0.0.99", "password": "wrong"})
        await client.call("nvr.remove", {"id": nvr.id})
        assert await client.call("camera.list") == []

        known: list[Undoable] = await client.call("undo.list")
        assert [one.what.split()[0] for one in known] == ["Removed", "Changed", "Removed", "Stopped", "Switched"]
        assert [one.role for one in known] == [Role.ADMIN, Role.ADMIN, Role.ADMIN, Role.OPERATOR, Role.OPERATOR]
        for one in known:
            done: Undone = await client.call("undo.apply")
            assert done.what == one.what
        with pytest.raises(NotFound, match="nothing to take back"):
            await client.call("undo.apply")
        after = await wait_for_states(client, m.CameraState.RUNNING)
        assert without_moment(after) == without_moment(before)
        assert (await credentials(client, after[1]))[1] == password
        assert [(row.host, row.name) for row in await client.call("nvr.list")] == [(nvr.host, "Garage")]
        log: list[m.LogEntry] = await client.call("log.tail", {"limit": 5})
        assert log[-1].message.startswith("Took back: ") and log[-1].actor


async def test_what_cannot_be_is_refused_whole_and_in_words() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as client:
        before = await scanned(stack, client)
        ids = [camera.id for camera in before]
        with pytest.raises(InvalidInput, match="3 cameras would be called Same") as refused:
            await client.call("camera.update_all", {"ids": ids, "pattern": "Same", "audio": False})
        assert "pattern" in refused.value.fields
        with pytest.raises(InvalidInput, match="is called"):
            await client.call("camera.update_all", {"ids": ids[:1], "pattern": before[2].name})
        with pytest.raises(InvalidInput, match="means nothing"):
            await client.call("camera.update_all", {"ids": ids, "pattern": "{oops}"})
        with pytest.raises(NotFound):
            await client.call("camera.update_all", {"ids": [*ids, 99], "audio": False})
        with pytest.raises(InvalidInput, match="Nothing is to be changed"):
            await client.call("camera.update_all", {"ids": ids})
        assert without_moment(await client.call("camera.list")) == without_moment(before)
        assert await client.call("undo.list") == []

        await client.call("camera.update", {"id": ids[0], "name": "Gate"})
        await client.call("camera.update", {"id": ids[0], "name": "Door"})
        first = (await client.call("undo.list"))[1]
        with pytest.raises(Conflict, match="changed again since"):
            await client.call("undo.apply", {"number": first.number})
        await client.call("camera.remove", {"ids": ids[1:2]})
        sock = await bound(stack.socket, "otto", Role.OPERATOR)

        async def dial() -> Any:
            return sock

        async with RpcClient(dial) as operator:
            with pytest.raises(NotAllowed, match="taking back"):
                await operator.call("undo.apply")
            await operator.call("undo.apply", {"number": (await operator.call("undo.list"))[1].number})
        assert (await client.call("camera.get", {"id": ids[0]})).name == "Gate"
        log: list[m.LogEntry] = await client.call("log.tail", {"limit": 1})
        assert log[0].actor.startswith("otto via ")


async def test_of_renames_at_one_moment_none_gives_a_name_twice() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as one, stack.client() as other:
        ids = [camera.id for camera in await scanned(stack, one)]
        for number in range(8):
            name = f"Gate {number}"
            results = await asyncio.gather(
                one.call("camera.update", {"id": ids[0], "name": name}),
                other.call("camera.update_all", {"ids": ids[1:2], "pattern": name, "audio": False}),
                one.call("camera.update_all", {"ids": ids[2:], "pattern": name}),
                return_exceptions=True,
            )
            refused = [result for result in results if isinstance(result, BaseException)]
            assert len(refused) == 2 and all(isinstance(error, (Conflict, InvalidInput)) for error in refused)
            assert all(f"is called {name} already" in str(error) for error in refused)
            assert [camera.name for camera in await one.call("camera.list")].count(name) == 1


async def test_the_command_line_does_all_of_it() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        before = await scanned(stack, client)
        shown = await onviftui(stack, "camera", "edit-all", "--all", "--names", "Cam {n:02}", "--dry-run")
        assert "Cam 01" in shown and "Cam 02" in shown and before[0].name in shown
        assert "Nobody is there" in await onviftui(stack, "camera", "edit-all", "--all", "--audio", "off", code=2)
        words = ("camera", "edit-all", before[0].name, "2", "--names", "Cam {n:02}", "--h265", "off", "--json", "--yes")
        done = json.loads(await onviftui(stack, *words, "--user", "rec", "--password-stdin", stdin="from-stdin\n"))
        assert [(one["before"], one["after"]) for one in done["names"]] == [
            (before[0].name, "Cam 01"),
            (before[1].name, "Cam 02"),
        ]
        assert done["done"] and [camera["h265"] for camera in done["cameras"]] == [False, False]
        assert await credentials(client, before[0]) == ("rec", "from-stdin")
        assert "Renamed" in await onviftui(stack, "undo", "--list")
        assert json.loads(await onviftui(stack, "undo", "--list", "--json"))[0]["number"] == 1
        assert "Took back: " in await onviftui(stack, "undo")
        assert without_moment(await client.call("camera.list")) == without_moment(before)
        assert "nothing to take back" in await onviftui(stack, "undo", code=1)
        assert "no change 7" in await onviftui(stack, "undo", "7", code=1)


async def test_no_secret_is_left_in_the_journal_or_the_log(tmp_path: Path) -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        before = await scanned(stack, client)
        await client.call("camera.update", {"id": before[0].id, "password": "secret-word-1"})
        await client.call("camera.update", {"id": before[0].id, "password": "secret-word-2"})
        said = [one.model_dump_json() for one in await client.call("undo.list")]
        said += [one.model_dump_json() for one in await client.call("log.tail", {"limit": 100})]
        assert "secret-word" not in "".join(said)
        await client.call("undo.apply")
        assert (await credentials(client, before[0]))[1] == "secret-word-1"


async def test_a_certificate_is_taken_back_too() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        await scanned(stack, client)
        await client.call("camera.certify", {"id": 1, "new": True})
        first: m.Certificate = await client.call("camera.certificate", {"id": 1})
        await client.call("camera.certify", {"id": 1, "new": True})
        assert (await client.call("camera.certificate", {"id": 1})).fingerprint != first.fingerprint
        await client.call("undo.apply")
        assert (await client.call("camera.certificate", {"id": 1})).fingerprint == first.fingerprint
