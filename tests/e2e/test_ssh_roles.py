"""Roles over real SSH: by the commands that somebody may type, and by what a session's process could do if it were not
our program any more: it has a door to the daemon, and nothing else."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from onviftui.ssh.door import Door
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.states import Role
from proxyd.errors import NotAllowed

from .ssh_box import SshBox, require_ssh
from .stack import Stack, stack_of
from .test_roles import above, fingerprint, likely, settled

_PIDFD_GETFD = 438  # pidfd_getfd(2), the same number everywhere
_DOOR = 3
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEyvavxtTLPq8R5sbnQkTjyRsmuFLVTBf9+gzgzYFhQs"
# What each role may not do, in the words of the command line; none of them needs a question to be answered.
ABOVE_OPERATOR = (
    "nvr add --host 192.0.2.9 --user u --password-stdin",
    "nvr edit 1 --name Cellar",
    "nvr remove 1 --yes",
    "source add rtsp://192.0.2.9/main",
    "camera remove 1 --yes",
    "interface remove vcam1 --yes",
    "user list",
    "user add mallory --role admin --key-stdin",
    "user role anna viewer",
    "user remove anna --yes",
    "user password vic --password-stdin",
)
ABOVE_VIEWER = (
    "nvr scan 1 --no-wait",
    "nvr test 1",
    "nvr discover --timeout 1",
    "camera edit 1 --name Hall",
    "camera stop 1",
    "camera restart --all",
    "camera credentials 1",
    "camera certificate 1 --new",
    "adoption start",
    "job cancel 1",
    *ABOVE_OPERATOR,
)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    require_ssh()
    with stack_of("--channels", "2") as running:
        yield running


@pytest.fixture(scope="module")
def box(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshBox]:
    box = SshBox(tmp_path_factory.mktemp("box"), stack.socket)
    yield box
    assert box.stop() == 0, box.said()


@pytest.mark.parametrize(("key", "commands"), [("vic", ABOVE_VIEWER), ("olga", ABOVE_OPERATOR)])
async def test_commands_above_a_role_change_nothing(
    stack: Stack, box: SshBox, key: str, commands: tuple[str, ...]
) -> None:
    await settled(stack)
    before = fingerprint(stack)
    for command in commands:
        stdin = f"{_KEY}\n" if "--key-stdin" in command else "a-long-secret\n"
        done = box.run(key, *command.split(), stdin=stdin.encode())
        assert (done.code, done.out) == (NotAllowed.exit_code, b""), (command, done)
        assert f"{key} via" in done.err and "needs" in done.err, (command, done)
    assert fingerprint(stack) == before


def stolen_door(session: int) -> socket.socket:
    """The door of a running session, as whoever took its process over would have it."""
    process = os.pidfd_open(session)
    try:
        number = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, process, _DOOR, 0)
    finally:
        os.close(process)
    assert number >= 0, os.strerror(ctypes.get_errno())
    return socket.socket(fileno=number)


def may_look_into_processes() -> bool:
    return os.geteuid() == 0


@pytest.mark.parametrize(("key", "role"), [("vic", Role.VIEWER), ("olga", Role.OPERATOR)])
async def test_the_door_of_a_session_gives_no_more_than_its_role(
    stack: Stack, box: SshBox, key: str, role: Role
) -> None:
    if not may_look_into_processes():
        pytest.skip("only root may take a descriptor out of a session")
    await settled(stack)
    before = fingerprint(stack)
    with box.terminal(key) as terminal:
        await terminal.sees(b"Overview")
        (session,) = box.children
        # Where memory runs out the kernel ends a session before the process that serves all of them.
        scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (session, box.process.pid)]
        assert scores[0] > scores[1]
        with stolen_door(session) as sock:
            door = Door(sock)
            async with RpcClient(door) as client:
                assert (await client.call("status")).role is role
                for method in above(role):
                    with pytest.raises(NotAllowed, match=rf"{key} via \S+ is {role}; {method.name} needs"):
                        await client.call(method.name, likely(method))
            for wish in (b'{"name":"anna","role":"admin"}', b'{"name":"vic","role":"viewer"}'):
                connection = await door()
                with connection:
                    connection.setblocking(True)
                    connection.settimeout(10)
                    head = f"POST /bind HTTP/1.1\r\nHost: x\r\nContent-Length: {len(wish)}\r\n\r\n"
                    connection.sendall(head.encode() + wish)
                    assert connection.recv(4096).startswith(b"HTTP/1.1 403")
        # Of all else that a session has open, nothing leads to the daemon, the users or the server's key.
        own = [str(one.readlink()) for one in Path(f"/proc/{session}/fd").iterdir()]
        assert not [path for path in own if str(box.folder) in path or "proxyd" in path], own
    assert fingerprint(stack) == before


async def test_nobody_gets_more_than_the_user_as_whom_the_server_runs(stack: Stack, tmp_path: Path) -> None:
    """`[access]` holds the server's own user to less; here the test's user takes its place."""
    if not may_look_into_processes():
        pytest.skip("only root can call the daemon as another user")
    settings = '[access]\nnobody = "operator"\n'
    with stack_of(simulator=False, settings=settings) as other:
        async with other.client() as root:
            assert (await root.call("status")).role is Role.ADMIN
        other.socket.parent.chmod(0o755)
        other.socket.chmod(0o666)
        os.seteuid(65534)
        try:
            connection = await bound(other.socket, "anna", Role.ADMIN)
        finally:
            os.seteuid(0)

        async def door() -> socket.socket:
            return connection

        async with RpcClient(door) as anna:
            assert (await anna.call("status")).role is Role.OPERATOR
            with pytest.raises(NotAllowed, match=r"anna via nobody is operator; user\.list needs admin"):
                await anna.call("user.list")
