"""What is in force for the whole daemon, and the account that all cameras share."""

from __future__ import annotations

import json

import pytest

from proxyd.api import models as m
from proxyd.api.settings import DaemonSettings
from proxyd.errors import InvalidInput
from tests.e2e.stack import credentials, running_stack
from tests.e2e.test_undo import onviftui, scanned

SETTINGS = '[nvr]\nparallel = 2\n\n[access]\notto = "viewer"\n'


async def test_each_value_says_where_it_came_from() -> None:
    async with running_stack("--channels", "1", settings=SETTINGS) as stack, stack.client() as client:
        known: DaemonSettings = await client.call("settings.get")
        found = {f"{one.section}.{one.name}": (one.value, one.source) for one in known.configuration}
        assert found["nvr.parallel"] == ("2", "file")
        assert found["access.otto"] == ("viewer", "file")
        assert found["nvr.call_timeout_s"] == ("20", "default")
        assert found["cameras.loopback"] == (stack.network, "command line")
        assert found["daemon.data"] == (str(stack.workplace.folder / "data"), "command line")
        assert found["daemon.key_file"] == (str(stack.workplace.folder / "data" / "proxyd.key"), "default")
        assert found["streams.udp_ports"] == ("32768 to 60999", "default")
        assert known.file.endswith("proxyd.toml")
        shown = await onviftui(stack, "settings", "show")
        assert "parallel" in shown and known.file in shown
        assert json.loads(await onviftui(stack, "settings", "show", "--json")) == known.model_dump()


async def test_the_shared_account_is_changed_for_all_that_have_no_own_one_and_taken_back() -> None:
    async with running_stack("--channels", "3") as stack, stack.client() as client:
        cameras = await scanned(stack, client)
        before = await credentials(client, cameras[0])
        await client.call("camera.update", {"id": 2, "username": "own", "password": "own-password"})
        words = ("settings", "account", "--user", "rec", "--password-stdin")
        assert "2 cameras share the account rec now" in await onviftui(stack, *words, stdin="shared-word\n")
        assert [await credentials(client, camera) for camera in cameras] == [
            ("rec", "shared-word"),
            ("own", "own-password"),
            ("rec", "shared-word"),
        ]
        assert (await client.call("camera.get", {"id": 1})).username == "rec"
        known: DaemonSettings = await client.call("settings.get")
        assert (known.username, known.sharing, known.adopted, known.file) == ("rec", 2, 0, "")
        log: list[m.LogEntry] = await client.call("log.tail", {"limit": 1})
        assert log[0].message == "Changed the account that all cameras share." and log[0].actor
        await client.call("undo.apply")
        assert await credentials(client, cameras[0]) == before
        with pytest.raises(InvalidInput, match="Nothing is to be changed"):
            await client.call("settings.account", {})
        with pytest.raises(InvalidInput, match="at least 4"):
            await client.call("settings.account", {"password": "abc"})
