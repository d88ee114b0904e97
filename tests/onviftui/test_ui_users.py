"""The screen with those who may log in by SSH, against the daemon's own methods and files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from onviftui.screens.system import ENTRIES
from onviftui.screens.users import UsersScreen
from proxyd.api.methods import METHODS
from proxyd.api.models import Role
from proxyd.api.ssh_passwords import verify_password
from proxyd.api.ssh_users import KEYS_FILE, SshUser, SshUsers
from proxyd.api.ssh_users_folder import read_users
from proxyd.rpc.access import Caller
from proxyd.rpc.user_files import UserFiles
from proxyd.rpc.user_methods import UserMethods
from tests.proxyd.api.test_ssh_users import HASH, PASSWORD, key

from .fake_daemon import FakeDaemon, log
from .ui_driver import NARROW, WIDE, Ui, running_ui

ANNA = SshUser("anna", Role.ADMIN, (key(1, "anna@laptop"), key(4, "anna@tablet")))
BEN = SshUser("ben", Role.VIEWER, (key(2, "ben@desk"),), HASH)


class UsersDaemon(FakeDaemon):
    """The fake daemon of the UI with the daemon's own methods on users."""

    def __init__(self, folder: Path, *users: SshUser) -> None:
        super().__init__(folder / "s", 2)
        self.folder = folder / "users"
        self._methods = UserMethods(cast(Any, SimpleNamespace(users=self.folder, log=self._log)))
        if users:
            UserFiles(self.folder).write(SshUsers(users))

    async def _log(self, level: str, subject: str, message: str, who: Caller) -> None:
        number = max(self.tables["log"], default=0) + 1
        self.change("log", log(number, message, level, subject))

    async def answer(self, method: str, params: Any, given: dict[str, Any]) -> Any:
        if method.startswith("user."):
            return await getattr(self._methods, method.replace(".", "_"))(params, Caller(0, "root", Role.ADMIN))
        return await super().answer(method, params, given)

    def user(self, name: str) -> SshUser:
        found = read_users(self.folder).get(name)
        assert found is not None, name
        return found


@asynccontextmanager
async def users_screen(
    daemon: UsersDaemon, size: tuple[int, int] = NARROW, *, ascii_only: bool = False
) -> AsyncIterator[Ui]:
    async with daemon, running_ui(daemon.socket, size, ascii_only=ascii_only) as ui:
        await open_users(ui)
        await ui.until(lambda: isinstance(ui.app.screen, UsersScreen), "the users")
        yield ui


async def open_users(ui: Ui) -> None:
    await ui.press("8")
    await ui.sees("Users")
    ui.table.move_to(next(number for number, entry in enumerate(ENTRIES) if entry.label == "Users"))
    await ui.press("enter")


async def test_who_may_log_in_and_by_which_keys(tmp_path: Path) -> None:
    for size in (NARROW, WIDE, (200, 60)):
        async with users_screen(UsersDaemon(tmp_path / str(size[0]), ANNA, BEN), size) as ui:
            await ui.sees("ben@desk")
            assert "admin" in ui.line_with("2 keys")
            assert "1 key or a password" in ui.line_with("ben ")
            for made in ANNA.keys:
                await ui.sees(made.fingerprint)
            await ui.press("j")
            await ui.sees(BEN.keys[0].fingerprint)
            await ui.sees("and a password, where the SSH server takes passwords")


async def test_the_first_user_by_pasting_a_key(tmp_path: Path) -> None:
    daemon = UsersDaemon(tmp_path)
    async with users_screen(daemon) as ui:
        await ui.sees("Nobody may log in by SSH yet.")
        await ui.press("a")
        await ui.write("Anna")
        await ui.press("enter")
        assert "[viewer] operator  admin   sees, changes nothing" in ui.text
        await ui.press("a")
        assert " viewer  operator [admin]  may do everything" in ui.text
        await ui.press("enter")
        await ui.write("-----BEGIN OPENSSH PRIVATE KEY-----")
        await ui.press("ctrl+s")
        await ui.sees("This is a private key.")
        await ui.sees("small letters, digits")
        assert "BEGIN OPENSSH" not in ui.text
        await ui.press("ctrl+u")
        await ui.write("anna")
        await ui.press("enter", "enter")
        await ui.write(key(1, "anna@laptop").line())
        await ui.press("ctrl+t")
        await ui.sees(key(1).fingerprint)
        await ui.press("ctrl+s")
        await ui.hears("anna (admin) logs in with 1 key.")
        await ui.until(lambda: isinstance(ui.app.screen, UsersScreen), "the list again")
        await ui.sees("anna@laptop")
    assert daemon.user("anna") == SshUser("anna", Role.ADMIN, (key(1, "anna@laptop"),))


async def test_another_key_another_role_a_password_and_a_key_less(tmp_path: Path) -> None:
    daemon = UsersDaemon(tmp_path, ANNA, BEN)
    async with users_screen(daemon) as ui:
        await ui.sees("ben@desk")
        await ui.press("j", "n")
        await ui.write(key(1).line())
        await ui.press("ctrl+s")
        await ui.sees("anna has this key already")
        await ui.press("ctrl+u")
        await ui.write(key(3, "ben@phone").line())
        await ui.press("enter")
        await ui.hears("ben (viewer) logs in with 2 keys or a password.")
        await ui.until(lambda: isinstance(ui.app.screen, UsersScreen), "the list again")
        await ui.press("e")
        await ui.sees("What may ben do?")
        await ui.press("j", "enter")
        await ui.hears("ben is operator from the next login on.")
        await ui.until(lambda: "operator" in ui.line_with("ben "), "the new role in the table")
        await ui.press("p")
        await ui.write("short")
        await ui.press("ctrl+s")
        await ui.sees("must have 10 to 128 characters")
        await ui.press("ctrl+u")
        await ui.write("a longer password")
        assert "a longer password" not in ui.text
        await ui.press("ctrl+s")
        await ui.until(lambda: isinstance(ui.app.screen, UsersScreen), "the list again")
        assert verify_password("a longer password", daemon.user("ben").secret)
        await ui.press("x")
        await ui.sees("Which key of ben")
        await ui.press("enter")
        await ui.hears("Removed the key ben@desk of ben.")
    assert daemon.user("ben").keys == (key(3, "ben@phone"),)
    assert PASSWORD not in (daemon.folder / KEYS_FILE).read_text()


async def test_removing_wants_the_name_typed_and_the_last_admin_stays(tmp_path: Path) -> None:
    daemon = UsersDaemon(tmp_path, ANNA, BEN)
    async with users_screen(daemon) as ui:
        await ui.sees("ben@desk")
        await ui.press("d")
        await ui.write("anna")
        await ui.press("enter")
        await ui.hears("anna is the only administrator who can log in by SSH.")
        await ui.press("j", "d")
        await ui.press("enter")
        assert "Remove ben?" in ui.text  # nothing was typed yet
        await ui.write("ben")
        await ui.press("enter")
        await ui.hears("ben cannot log in by SSH any more.")
        await ui.until(lambda: "ben@desk" not in ui.text, "ben is gone")
    assert [user.name for user in read_users(daemon.folder).users] == ["anna"]


async def test_what_others_change_is_seen_and_bad_lines_are_told(tmp_path: Path) -> None:
    daemon = UsersDaemon(tmp_path, ANNA)
    async with users_screen(daemon) as ui:
        await ui.sees("anna@laptop")
        calls = len(daemon.called("user.list"))
        with (daemon.folder / KEYS_FILE).open("a") as file:
            file.write("nonsense\n")
        UserFiles(daemon.folder).write(read_users(daemon.folder).with_user(BEN))
        daemon.change("log", log(90, "Scanned.", subject="nvr 1"))
        daemon.change("log", log(91, "Added ben.", subject="users"))
        await ui.sees("ben@desk")
        await ui.sees("This was of no use. Take it out, or add it anew.")
        assert len(daemon.called("user.list")) == calls + 1


async def test_the_daemon_goes_and_comes_back_under_the_screen(tmp_path: Path) -> None:
    daemon = UsersDaemon(tmp_path, ANNA)
    async with users_screen(daemon) as ui:
        await ui.sees("anna@laptop")
        await daemon.stop()
        await ui.sees("reconnecting")
        assert "anna@laptop" in ui.text
        UserFiles(daemon.folder).write(SshUsers((ANNA, BEN)))
        await daemon.start()
        await ui.sees("ben@desk")


async def test_ascii_alone_is_enough(tmp_path: Path) -> None:
    async with users_screen(UsersDaemon(tmp_path, ANNA, BEN), ascii_only=True) as ui:
        await ui.sees("ben@desk")
        assert ui.text.isascii()


async def test_an_operator_is_not_let_in_and_told_why(tmp_path: Path) -> None:
    daemon = UsersDaemon(tmp_path, ANNA)
    daemon.role = Role.OPERATOR
    async with daemon, running_ui(daemon.socket) as ui:
        await open_users(ui)
        await ui.hears("needs the role admin; you are operator")
        assert not isinstance(ui.app.screen, UsersScreen)
    assert not daemon.called("user.list")


async def test_the_log_shows_who_changed_something_by_ssh(tmp_path: Path) -> None:
    entry = log(50, "Renamed camera 1 to Ramp.", subject="camera 1").model_copy(update={"actor": "anna via onviftui"})
    for size in (NARROW, WIDE):
        daemon = UsersDaemon(tmp_path / str(size[0]))
        daemon.folder.parent.mkdir()
        async with daemon, running_ui(daemon.socket, size) as ui:
            daemon.change("log", entry)
            await ui.press("7")
            await ui.until(lambda ui=ui: "anna (SSH)" in ui.line_with("Renamed"), "her name in the row")  # type: ignore[misc]  # a default for the loop's variable
            await ui.sees("by anna via onviftui")  # in full below


def test_every_method_on_users_is_for_administrators() -> None:
    assert {method.role for name, method in METHODS.items() if name.startswith("user.")} == {Role.ADMIN}
