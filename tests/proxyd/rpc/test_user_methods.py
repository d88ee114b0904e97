"""Who may log in by SSH, as the daemon keeps it: real files, a real socket, the real methods."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.methods import METHODS
from proxyd.api.ssh_passwords import verify_password
from proxyd.api.ssh_users import KEYS_FILE, MAX_KEYS_PER_USER, MAX_USERS, PASSWORDS_FILE, SshUser, SshUsers
from proxyd.api.ssh_users_folder import read_users
from proxyd.api.states import Role
from proxyd.api.users import User, UserAdd, Users
from proxyd.errors import Conflict, InvalidInput, NotAllowed, NotFound, ProxyError, StoreError
from proxyd.hub import Hub
from proxyd.rpc.access import Caller
from proxyd.rpc.server import RpcServer
from proxyd.rpc.user_files import UserFiles
from proxyd.rpc.user_methods import UserMethods
from tests.proxyd.api.test_ssh_users import PASSWORD, key


@dataclass
class Daemon:
    """The methods on users alone. `said` is the audit log: message and name."""

    socket: Path
    folder: Path
    said: list[tuple[str, str]] = field(default_factory=list)

    async def log(self, level: str, subject: str, message: str, who: Caller) -> None:
        assert (level, subject) == ("info", "users")
        self.said.append((message, who.name))

    def files(self) -> SshUsers:
        return read_users(self.folder)


@asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(tmp_path / "p.sock", tmp_path / "users")
    methods = UserMethods(cast(Any, SimpleNamespace(users=daemon.folder, log=daemon.log)))
    handlers = {name: getattr(methods, name.replace(".", "_")) for name in METHODS if name.startswith("user.")}

    async def snapshot(who: Caller) -> m.Snapshot:
        raise NotImplementedError

    server = RpcServer(daemon.socket, handlers, snapshot, Hub(), {})
    await server.start()
    try:
        yield daemon
    finally:
        await server.stop()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    async with serving(tmp_path) as running:
        yield running


@pytest.fixture
async def root(daemon: Daemon) -> AsyncIterator[RpcClient]:
    async with RpcClient(daemon.socket) as client:
        yield client


async def refused(call: Awaitable[Any], kind: type[ProxyError], words: str) -> None:
    with pytest.raises(kind, match=words):
        await call


async def test_somebody_is_added_gets_another_key_another_role_and_is_removed(root: RpcClient, daemon: Daemon) -> None:
    assert await root.call("user.list") == Users(users=[], problems=[], folder=str(daemon.folder))
    first: User = await root.call("user.add", {"name": "anna", "role": "admin", "key": key(1, "anna@laptop").line()})
    assert (first.name, first.role, first.password) == ("anna", Role.ADMIN, False)
    assert [(one.kind, one.comment) for one in first.keys] == [("ssh-ed25519", "anna@laptop")]
    await root.call("user.add", {"name": "ben", "key": key(2).line() + "\n"})
    await root.call("user.add", {"name": "ben", "key": key(3).line()})
    assert daemon.files().users == (
        SshUser("anna", Role.ADMIN, (key(1, "anna@laptop"),)),
        SshUser("ben", Role.VIEWER, (key(2), key(3))),
    )
    await root.call("user.remove_key", {"name": "ben", "fingerprint": key(2).fingerprint})
    changed: User = await root.call("user.role", {"name": "ben", "role": "operator"})
    assert changed.role is Role.OPERATOR
    await root.call("user.password", {"name": "ben", "password": PASSWORD})
    ben = daemon.files().get("ben")
    assert ben is not None and ben.keys == (key(3),) and verify_password(PASSWORD, ben.secret)
    await root.call("user.password", {"name": "ben", "password": None})
    assert (daemon.folder / PASSWORDS_FILE).read_text().count("\n") == 1
    gone: User = await root.call("user.remove", {"name": "ben"})
    assert gone.name == "ben"
    assert [user.name for user in daemon.files().users] == ["anna"]
    me = Caller(os.getuid(), "", Role.ADMIN).uid
    assert {name for _, name in daemon.said} == {_name_of(me)}
    assert [message.partition(".")[0].partition(" with ")[0] for message, _ in daemon.said] == [
        "Added anna (admin) to those who log in by SSH,",
        "Added ben (viewer) to those who log in by SSH,",
        "Added ben (viewer) to those who log in by SSH,",
        f"Removed a key of ben (viewer): {key(2).fingerprint}",
        "Changed the role by SSH: ben (operator)",
        "Set a password for ben (operator), to log in by SSH",
        "Took the password for SSH away from ben (operator)",
        "Removed ben from those who log in by SSH",
    ]


def _name_of(uid: int) -> str:
    import pwd

    return pwd.getpwuid(uid).pw_name


async def test_files_can_be_read_by_the_group_and_by_nobody_else(root: RpcClient, daemon: Daemon) -> None:
    before = os.umask(0o077)
    try:
        await root.call("user.add", {"name": "anna", "role": "admin", "password": PASSWORD})
        await root.call("user.add", {"name": "anna", "key": key(1).line()})
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in daemon.folder.iterdir()}
    assert modes == {KEYS_FILE: 0o640, PASSWORDS_FILE: 0o640}
    assert PASSWORD not in (daemon.folder / PASSWORDS_FILE).read_text()


async def test_the_last_administrator_stays(root: RpcClient, daemon: Daemon) -> None:
    await root.call("user.add", {"name": "ben", "key": key(2).line()})  # without any administrator nothing is guarded
    await root.call("user.add", {"name": "anna", "role": "admin", "key": key(1).line()})
    words = "anna is the only administrator who can log in by SSH"
    await refused(root.call("user.remove", {"name": "anna"}), Conflict, words)
    await refused(root.call("user.role", {"name": "anna", "role": "operator"}), Conflict, words)
    await refused(
        root.call("user.remove_key", {"name": "anna", "fingerprint": key(1).fingerprint}), Conflict, "neither key nor"
    )
    await root.call("user.role", {"name": "ben", "role": "admin"})
    await root.call("user.remove", {"name": "anna"})
    assert [(user.name, user.role) for user in daemon.files().users] == [("ben", Role.ADMIN)]


async def test_what_is_refused_changes_nothing_and_is_not_logged(root: RpcClient, daemon: Daemon) -> None:
    await root.call("user.add", {"name": "anna", "role": "admin", "key": key(1).line()})
    before, said = daemon.files(), list(daemon.said)
    off_curve = "ecdsa-sha2-nistp256 " + _point_that_is_on_no_curve()
    for params, kind, words in (
        ({"name": "anna", "key": key(1).line()}, Conflict, "anna has this key already"),
        ({"name": "ben", "key": key(1).line()}, Conflict, "anna has this key already"),
        ({"name": "anna", "role": "viewer", "key": key(2).line()}, Conflict, "anna is admin already"),
        ({"name": "anna", "password": PASSWORD}, Conflict, "anna is there already"),
        ({"name": "ben"}, InvalidInput, "needs a key or a password"),
        ({"name": "Ben", "key": key(2).line()}, InvalidInput, "small letters"),
        ({"name": "../b", "key": key(2).line()}, InvalidInput, "small letters"),
        ({"name": "ben", "key": 'command="x" ' + key(2).line()}, InvalidInput, "before the key"),
        ({"name": "ben", "key": key(2).line() + "\n" + key(3).line()}, InvalidInput, "several"),
        ({"name": "ben", "key": "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0"}, InvalidInput, "private key"),
        ({"name": "ben", "key": off_curve}, InvalidInput, "numbers make no key"),
        ({"name": "ben", "password": "short"}, InvalidInput, "10 to 128 characters"),
        ({"name": "ben", "role": "king", "key": key(2).line()}, InvalidInput, "role"),
    ):
        with pytest.raises(kind, match=words) as error:
            await root.call("user.add", params)
        assert "c2VjcmV0" not in str(error.value)
    for method in ("user.remove", "user.role", "user.password", "user.remove_key"):
        given: dict[str, dict[str, Any]] = {"user.role": {"role": "admin"}, "user.password": {"password": None}}
        extra = given.get(method, {})
        if method == "user.remove_key":
            extra = {"fingerprint": "SHA256:x"}
            await refused(root.call(method, {"name": "anna", **extra}), NotFound, "has no key")
        await refused(root.call(method, {"name": "nobody", **extra}), NotFound, "no user nobody")
    assert daemon.files() == before
    assert daemon.said == said


def _point_that_is_on_no_curve() -> str:
    import base64

    parts = (b"ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"\x01" * 64)
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


async def test_limits_on_users_and_keys(root: RpcClient, daemon: Daemon) -> None:
    many = SshUsers(tuple(SshUser(f"u{n}", Role.VIEWER, (key(n + 1),)) for n in range(MAX_USERS)))
    UserFiles(daemon.folder).write(many)
    await refused(root.call("user.add", {"name": "x", "key": key(900).line()}), Conflict, f"{MAX_USERS} users already")
    for number in range(1, MAX_KEYS_PER_USER):
        await root.call("user.add", {"name": "u0", "key": key(1000 + number).line()})
    await refused(root.call("user.add", {"name": "u0", "key": key(999).line()}), Conflict, "16 keys already")


async def test_changes_at_once_all_arrive(root: RpcClient, daemon: Daemon) -> None:
    await asyncio.gather(*(root.call("user.add", {"name": f"u{n}", "key": key(n + 1).line()}) for n in range(20)))
    assert {user.name for user in daemon.files().users} == {f"u{n}" for n in range(20)}


async def test_what_was_written_by_hand_stays_and_what_is_wrong_with_it_is_said(
    root: RpcClient, daemon: Daemon
) -> None:
    daemon.folder.mkdir()
    by_hand = f"# from the workshop\n{key(7).line()}\nnonsense\n"
    (daemon.folder / KEYS_FILE).write_text(by_hand)
    listed: Users = await root.call("user.list")
    assert "line 2: The key has no name and no role" in listed.problems[0]
    assert key(7).data not in str(listed)
    await root.call("user.add", {"name": "anna", "role": "admin", "key": key(1).line()})
    text = (daemon.folder / KEYS_FILE).read_text()
    assert all(line in text for line in by_hand.splitlines())
    assert [user.name for user in daemon.files().users] == ["anna"]
    after: Users = await root.call("user.list")
    assert len(after.problems) == 2


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Cannot write to .*/file/users"):
        UserFiles(tmp_path / "file/users").write(SshUsers((SshUser("a", Role.ADMIN, (key(1),)),)))


async def test_the_log_names_who_came_by_ssh_and_lower_roles_may_not(daemon: Daemon) -> None:
    async def dial(name: str, role: Role) -> RpcClient:
        async def door() -> Any:
            return await bound(daemon.socket, name, role)

        return RpcClient(door)

    async with await dial("anna", Role.ADMIN) as anna:
        await anna.call("user.add", {"name": "ben", "key": key(2).line()})
    assert daemon.said[-1][1] == f"anna via {_name_of(os.getuid())}"
    for role in (Role.VIEWER, Role.OPERATOR):
        async with await dial("ben", role) as ben:
            with pytest.raises(NotAllowed, match=f"ben via .* is {role}; user.list needs admin") as error:
                await ben.call("user.list")
            assert error.value.hint.endswith("onviftui user role ben admin")


async def test_what_a_killed_write_or_a_planted_link_left_is_replaced(root: RpcClient, daemon: Daemon) -> None:
    daemon.folder.mkdir()
    victim = daemon.folder.parent / "victim"
    victim.write_text("untouched")
    (daemon.folder / f".{KEYS_FILE}.new").symlink_to(victim)
    (daemon.folder / f".{PASSWORDS_FILE}.new").write_text("half a li")
    await root.call("user.add", {"name": "anna", "role": "admin", "key": key(1).line()})
    assert victim.read_text() == "untouched"
    assert {path.name for path in daemon.folder.iterdir()} == {KEYS_FILE, PASSWORDS_FILE}
    assert [user.name for user in daemon.files().users] == ["anna"]


async def test_a_caller_who_goes_away_does_not_leave_a_change_without_its_entry(daemon: Daemon) -> None:
    """The connection is gone before the answer: what was written is in the log all the same."""
    held, release = asyncio.Event(), asyncio.Event()
    log = daemon.log

    async def slow(level: str, subject: str, message: str, who: Caller) -> None:
        held.set()
        await release.wait()
        await log(level, subject, message, who)

    methods = UserMethods(cast(Any, SimpleNamespace(users=daemon.folder, log=slow)))
    caller = Caller(0, "root", Role.ADMIN)
    params = UserAdd(name="anna", role=Role.ADMIN, key=key(1).line())
    task = asyncio.create_task(methods.user_add(params, caller), name="a caller")
    await held.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [message for message, _ in daemon.said] == [
        f"Added anna (admin) to those who log in by SSH, with key {key(1).fingerprint}."
    ]
