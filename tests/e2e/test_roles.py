"""What a role may not do the daemon refuses, whatever program is at the other end: each method of the table, on real
connections that speak for somebody, as the SSH server opens them."""

from __future__ import annotations

import hashlib
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import aiohttp
import pytest
from pydantic import TypeAdapter

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.methods import METHODS, Method
from proxyd.api.states import Role
from proxyd.errors import InvalidInput, NotAllowed

from .stack import Stack, stack_of

ROLES = list(Role)
UNKNOWN = {"there is no such parameter": 1}
# What a required parameter may be, by its name; the rest follows from its type.
TYPED = {
    "host": "192.0.2.9",
    "username": "ollie",
    "password": "0123456789",
    "passphrase": "0123456789abcdef",
    "main": "rtsp://192.0.2.9/main",
    "names": ["vcam1"],
    "name": "anna",
    "text": "name,main\n",
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with stack_of("--channels", "2") as running:
        yield running


def connection(stack: Stack, role: Role) -> RpcClient:
    async def door() -> socket.socket:
        return await bound(stack.socket, "ollie", role)

    return RpcClient(door)


def above(role: Role) -> list[Method]:
    return [method for method in METHODS.values() if ROLES.index(method.role) > ROLES.index(role)]


def within(role: Role) -> list[Method]:
    return [method for method in METHODS.values() if ROLES.index(method.role) <= ROLES.index(role)]


def likely(method: Method) -> dict[str, Any]:
    """Parameters as somebody would give them who wants something to happen."""
    schema = TypeAdapter(method.params).json_schema()
    return {name: _value(name, schema["properties"][name]) for name in schema.get("required", ())}


def _value(name: str, field: dict[str, Any]) -> Any:
    by_type = {"integer": 1, "number": 1, "boolean": True, "array": [1], "string": "x", "object": {}}
    return TYPED.get(name) or by_type.get(field.get("type", ""), "viewer")


def fingerprint(stack: Stack) -> str:
    """Of all that lasts: each row of each table, and the files of those who log in by SSH."""
    with closing(sqlite3.connect(f"file:{stack.database}?mode=ro", uri=True)) as database:
        content = "\n".join(database.iterdump())
    folder = stack.workplace.folder / "users"
    files = [path.read_text() for path in sorted(folder.iterdir())] if folder.is_dir() else []
    return hashlib.sha256("\0".join([content, *files]).encode()).hexdigest()


async def settled(stack: Stack) -> None:
    """An NVR with two cameras that run: ids in calls mean something."""
    async with stack.client() as root:
        if not await root.call("nvr.list"):
            await stack.scan(root, await stack.add_nvr(root))
            await root.call("user.add", {"name": "anna", "role": "admin", "password": "0123456789"})


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_methods_above_a_role_are_refused_before_anything_happens(stack: Stack, role: Role) -> None:
    await settled(stack)
    assert above(role)
    before = fingerprint(stack)
    async with connection(stack, role) as client:
        for method in above(role):
            for params in (likely(method), {}, UNKNOWN):
                with pytest.raises(NotAllowed, match=rf"ollie via \S+ is {role}; {method.name} needs {method.role}"):
                    await client.call(method.name, params)
        assert (await client.call("status")).role is role
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(stack.socket))) as scripts:
        async with scripts.post("http://x/bind", json={"name": "ollie", "role": role.value}) as answer:
            assert answer.status == 204
        for method in above(role):
            call = {"jsonrpc": "2.0", "id": 1, "method": method.name, "params": likely(method)}
            async with scripts.post("http://x/rpc", json=call) as answer:
                assert (await answer.json())["error"]["code"] == NotAllowed.code, method.name
    assert fingerprint(stack) == before
    async with stack.client() as root:
        log: list[m.LogEntry] = await root.call("log.tail", {"limit": 1000})
    assert not any("ollie" in entry.actor for entry in log)


@pytest.mark.parametrize("role", ROLES)
async def test_methods_of_a_role_get_as_far_as_their_parameters(stack: Stack, role: Role) -> None:
    await settled(stack)
    async with connection(stack, role) as client:
        for method in within(role):
            with pytest.raises(InvalidInput, match="is not known"):
                await client.call(method.name, UNKNOWN)


async def test_a_connection_that_speaks_for_somebody_cannot_speak_for_anybody_else(stack: Stack) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(stack.socket), limit=1)) as session:
        for wanted, status in (("viewer", 204), ("admin", 403)):
            async with session.post("http://x/bind", json={"name": "ollie", "role": wanted}) as answer:
                assert answer.status == status


async def test_the_log_names_who_changed_what_by_ssh(stack: Stack) -> None:
    await settled(stack)
    async with connection(stack, Role.OPERATOR) as client:
        await client.call("camera.update", {"id": 1, "name": "Ramp"})
        log: list[m.LogEntry] = await client.call("log.tail", {"limit": 5})
    entry = next(entry for entry in reversed(log) if entry.actor)
    assert entry.actor.startswith("ollie via ")
    assert (entry.subject, "Ramp" in entry.message) == ("camera 1", True)
