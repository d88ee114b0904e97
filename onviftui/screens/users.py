"""Users: who may log in by SSH, by which keys, and what each may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from proxyd.api.states import Role
from proxyd.api.users import User, Users

from ..key_order import give_focus
from ..keys import view_bindings
from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, line
from ..widgets.livetable import LiveTable
from ..widgets.paint import Lines
from ..widgets.user_lines import (
    COLUMNS,
    NOBODY,
    ROLE_WORDS,
    described,
    problem_lines,
    user_detail,
    user_row,
    ways,
)
from ..words import Tone
from .choose import Choose
from .dialog import Confirm
from .live_screen import LiveScreen
from .user_forms import KeyForm, PasswordForm, UserForm


class UsersScreen(LiveScreen):
    """Asked for when it opens, after each change, and when the log says that somebody else changed them."""

    view_id = "users"
    BINDINGS = view_bindings("users")

    def __init__(self) -> None:
        super().__init__()
        self._users: Users | None = None
        self._numbers: dict[str, int] = {}  # a user's row keeps its number, and with it the cursor
        self._newest_entry = 0

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="users-title")
        yield LiveTable(COLUMNS, ui_of(self).look)
        with Vertical(classes="detail"):
            yield Lines(id="user-detail")
        yield KeyFooter("users")

    def on_mount(self) -> None:
        super().on_mount()
        self._newest_entry = max(ui_of(self).store.log, default=0)
        give_focus(self.query_one(LiveTable))
        self._show()
        self.action_refresh()

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if changes.link:
            self._show()
        log = ui_of(self).store.log
        news = [entry for entry in log.values() if entry.id > self._newest_entry]
        self._newest_entry = max(log, default=0)
        if changes.everything or any(entry.subject == "users" for entry in news):
            self.action_refresh()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._show)

    def action_refresh(self) -> None:
        ui_of(self).ask("user.list", doing="Reading who may log in…", then=self._arrived)

    def _arrived(self, users: Users) -> None:
        self._users = users
        self._show()

    def _show(self) -> None:
        if not is_there(self):
            return
        known = self._users.users if self._users else []
        for user in known:
            self._numbers.setdefault(user.name, len(self._numbers))
        title = line((" Users", Tone.STRONG), ("   who may log in by SSH, and what each may do", Tone.MUTED))
        self.query_one("#users-title", Lines).show([title], stale=self.stale)
        look = ui_of(self).look
        rows = [user_row(self._numbers[user.name], user, look) for user in known]
        empty: Sequence[Line] = NOBODY if self._users else [line("")]
        self.query_one(LiveTable).show(rows, stale=self.stale, empty=empty)
        self._show_detail()

    @on(LiveTable.Moved)
    def _show_detail(self) -> None:
        width = max(20, self.app.size.width - 2)
        user = self.current
        lines = user_detail(user, width) if user else []
        problems = problem_lines(self._users.problems, width) if self._users else []
        room = max(3, self.app.size.height // 3)
        if len(lines) + len(problems) > room:
            more = line((" … onviftui user list shows all", Tone.MUTED))
            lines = [*lines[: max(1, room - len(problems) - 1)], more]
        pane = self.query_one("#user-detail", Lines)
        pane.show([*lines, *problems], stale=self.stale)
        self.query_one(".detail").styles.height = max(3, len(lines) + len(problems)) + 1

    @property
    def current(self) -> User | None:
        key = self.query_one(LiveTable).cursor_key
        known = self._users.users if self._users else []
        return next((user for user in known if self._numbers[user.name] == key), None)

    # what the keys do

    @on(LiveTable.Opened)
    def action_open(self) -> None:
        self.action_add_key()

    def action_add_user(self) -> None:
        self.app.push_screen(UserForm(), self._saved)

    def action_add_key(self) -> None:
        if self.current:
            self.app.push_screen(KeyForm(self.current), self._saved)

    def action_password(self) -> None:
        if self.current:
            self.app.push_screen(PasswordForm(self.current), self._saved)

    def _saved(self, user: User | None) -> None:
        if user is not None:
            ui_of(self).toast(f"{user.name} ({user.role}) logs in with {ways(user)}.")
            self.action_refresh()

    def action_role(self) -> None:
        user, roles = self.current, list(Role)
        if user is None:
            return

        def chosen(number: int | None) -> None:
            if number is not None and roles[number] is not user.role:
                params = {"name": user.name, "role": roles[number].value}
                self._ask("user.role", params, f"{user.name} is {roles[number]} from the next login on.")

        lines = [(role.value, ROLE_WORDS[role]) for role in roles]
        self.app.push_screen(Choose(f"What may {user.name} do?", lines, roles.index(user.role)), chosen)

    def action_remove_key(self) -> None:
        user = self.current
        if user is None or not user.keys:
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                params = {"name": user.name, "fingerprint": user.keys[number].fingerprint}
                self._ask("user.remove_key", params, f"Removed the key {described(user.keys[number])} of {user.name}.")

        lines = [(described(key), key.fingerprint) for key in user.keys]
        self.app.push_screen(Choose(f"Which key of {user.name} is to be removed?", lines), chosen)

    def action_remove(self) -> None:
        user = self.current
        if user is None:
            return
        body = f"{user.name} ({user.role}) cannot log in by SSH any more. What {user.name} set up stays as it is."

        def answered(yes: bool | None) -> None:
            if yes:
                self._ask("user.remove", {"name": user.name}, f"{user.name} cannot log in by SSH any more.")

        self.app.push_screen(Confirm(f"Remove {user.name}?", body, "Remove", typed=user.name), answered)

    def _ask(self, method: str, params: dict[str, Any], done: str) -> None:
        def arrived(_: Any) -> None:
            ui_of(self).toast(done)
            self.action_refresh()

        ui_of(self).ask(method, params, doing="Changing…", then=arrived)
