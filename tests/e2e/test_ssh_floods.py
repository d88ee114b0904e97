"""Clients that obey the protocol and want to do harm: they cost themselves, not the others."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh.packet import Boolean, String, UInt32

from .ssh_box import SshBox, client_environment
from .stack import Stack

_IGNORE, _USERAUTH_REQUEST, _CHANNEL_REQUEST = 2, 50, 98  # RFC 4250, 4.1.2
_QUICK_S = 5.0


@pytest.fixture
def box(stack: Stack, tmp_path: Path) -> Iterator[SshBox]:
    box = SshBox(tmp_path, stack.socket, "--passwords", connections_per_user=3, without_session_s=1.5)
    yield box
    assert box.stop() == 0, box.said()
    assert "Traceback" not in box.said()


@asynccontextmanager
async def compressed(box: SshBox) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        "127.0.0.1",
        box.port,
        config=None,
        known_hosts=None,
        username="cameras",
        client_keys=[str(box.folder / "vic")],
        agent_path=None,
        gss_host=None,
        compression_algs=["zlib@openssh.com"],
    ) as conn:
        yield conn


async def answers_others(box: SshBox) -> None:
    began = time.monotonic()
    done = await asyncio.to_thread(box.run, "anna", "--version")
    assert done.code == 0, done.err
    assert time.monotonic() - began < _QUICK_S


async def channel(conn: asyncssh.SSHClientConnection, packet: int = 32768) -> Any:
    """A session on which nothing was asked for yet."""
    opened = conn.create_tcp_channel(None, max_pktsize=packet)
    await opened._open(b"session")
    return opened


async def test_one_user_cannot_take_all_connections(box: SshBox) -> None:
    async with AsyncExitStack() as held:
        for _ in range(3):
            await channel(await held.enter_async_context(box.connection("vic")))
        refused = await asyncio.to_thread(box.run, "vic", "--version")
        assert refused.code == 255 and "You have 3 open connections" in refused.err
        await answers_others(box)


async def test_a_session_that_asks_for_nothing_keeps_no_connection_open(box: SshBox) -> None:
    async with box.connection("vic") as conn:
        await channel(conn)
        await asyncio.wait_for(conn.wait_closed(), 10)


async def test_sessions_that_were_never_used_do_not_count(box: SshBox) -> None:
    async with box.connection("vic") as conn:
        for _ in range(10):
            opened = await channel(conn)
            opened.close()
            await opened.wait_closed()
        assert (await conn.run("--version")).exit_status == 0


async def test_packets_of_one_byte_are_refused(box: SshBox) -> None:
    async with box.connection("vic") as conn:
        opened = await channel(conn, packet=1)
        assert not await opened._make_request(b"exec", String("--version"))


async def test_a_packet_that_inflates_without_end_ends_its_connection_alone(box: SshBox) -> None:
    async with compressed(box) as conn:
        assert (await conn.run("--version")).exit_status == 0
        conn.send_packet(_IGNORE, String(bytes(8 * 1024 * 1024)))
        await asyncio.wait_for(conn.wait_closed(), 10)
    await answers_others(box)
    done = await asyncio.to_thread(box.run, "vic", "camera list --json", options=("-C",))
    assert done.code == 0


class Asking(asyncssh.SSHClient):
    """Stops where a key is wanted, so that the test can speak for it."""

    def __init__(self) -> None:
        self.conn: asyncssh.SSHClientConnection | None = None
        self.asked = asyncio.Event()

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.conn = conn

    async def public_key_auth_requested(self) -> None:
        self.asked.set()
        await asyncio.Event().wait()


@asynccontextmanager
async def before_the_login(box: SshBox) -> AsyncIterator[asyncssh.SSHClientConnection]:
    client = Asking()

    async def connect() -> None:
        await asyncssh.connect(
            "127.0.0.1",
            box.port,
            client_factory=lambda: client,
            config=None,
            known_hosts=None,
            username="cameras",
            client_keys=[],
            agent_path=None,
            gss_host=None,
            preferred_auth="publickey",
        )

    task = asyncio.create_task(connect(), name="a client that stops at its login")
    await asyncio.wait_for(client.asked.wait(), 10)
    assert client.conn is not None
    try:
        yield client.conn
    finally:
        client.conn.abort()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_many_names_end_the_connection(box: SshBox) -> None:
    async with before_the_login(box) as conn:
        for number in range(20):
            conn.send_packet(_USERAUTH_REQUEST, String(f"u{number}"), String("ssh-connection"), String("none"))
        await asyncio.wait_for(conn.wait_closed(), 10)
    await answers_others(box)


async def test_passwords_without_waiting_for_the_answers_count(box: SshBox) -> None:
    async with before_the_login(box) as conn:
        for _ in range(200):
            conn.send_packet(
                _USERAUTH_REQUEST,
                String("olga"),
                String("ssh-connection"),
                String("password"),
                Boolean(False),
                String("wrong"),
            )
        await asyncio.wait_for(conn.wait_closed(), 10)
    await answers_others(box)


async def test_a_flood_of_signals_harms_no_other_session(box: SshBox) -> None:
    async with box.connection("anna") as others, box.connection("vic") as conn:
        other = await others.create_process("log tail -f")
        await other.stdout.readline()
        zygote = box.zygote
        process = await conn.create_process("log tail -f", term_type="xterm")
        await process.stdout.readline()
        target: Any = process.channel
        for _ in range(5000):
            conn.send_packet(
                _CHANNEL_REQUEST, UInt32(target._send_chan), String("signal"), Boolean(False), String("INT")
            )
        await asyncio.wait_for(process.wait(), 20)
        assert box.zygote == zygote and other.exit_status is None
        other.close()


def test_a_full_disk_keeps_nobody_out(box: SshBox) -> None:
    users = box.folder / "state" / "onviftui-ssh" / "users"
    users.write_text("in the way, as a full disk would be")
    done = box.run("vic", "--version")
    assert done.code == 0, done.err
    assert "what vic chooses is not kept" in box.said()


def test_the_ui_is_closed_when_idle_also_with_an_option(stack: Stack, tmp_path: Path) -> None:
    box = SshBox(tmp_path, stack.socket, idle_s=1.0)
    try:
        done = subprocess.run(
            box.command("vic", "--no-mouse", options=("-tt",)),
            stdin=subprocess.PIPE,
            capture_output=True,
            timeout=60,
            env=client_environment(),
        )
        assert done.returncode == 1 and b"Closed because no key was pressed" in done.stdout
    finally:
        box.stop()
