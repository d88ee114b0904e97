"""The forms for people who log in by SSH: a new one, another key, a password. A key is looked at before it is sent."""

from __future__ import annotations

from typing import Any, ClassVar

from proxyd.api.ssh_keys import MAX_KEY_LINE, UnfitKey, parse_key
from proxyd.api.ssh_passwords import why_unfit
from proxyd.api.ssh_users import is_name
from proxyd.api.states import Role
from proxyd.api.users import User

from ..widgets.line import line, wrap
from ..widgets.user_lines import short_kind
from ..words import Tone
from .dialog import WIDTH
from .field_form import FieldForm

_PASTE = "paste the line of the .pub file"
_HINT = "Enter next field   ^t check the key   ^s save   Esc back"


class _WithKey(FieldForm[User]):
    """What both forms with a key share."""

    MOST_CHARS = MAX_KEY_LINE
    TEST = "Check"

    def _key(self) -> tuple[dict[str, str], str]:
        """What is wrong with it, and the key. A private one does not stay on the screen."""
        typed = self.typed()["key"].strip()
        try:
            return {}, parse_key(typed).line()
        except UnfitKey as error:
            if "private" in error.message:
                self.clear("key")
            return {"key": f"{error.message} {error.hint}"}, ""

    def test(self, params: dict[str, Any]) -> None:
        if "key" in params:
            key = parse_key(params["key"])
            about = " ".join(filter(None, (short_kind(key.kind), key.comment)))
            self.answer(f"{key.fingerprint} ({about})", Tone.SUCCESS)

    def save(self, params: dict[str, Any]) -> None:
        self.start("user.add", params, "Adding…", self.dismiss)


class KeyForm(_WithKey):
    """Another key for somebody who is there."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (("key", "Public key", _PASTE),)

    def __init__(self, user: User) -> None:
        self._user = user
        super().__init__({}, "Add")

    def on_mount(self) -> None:
        self.say([line((f"Another key for {self._user.name}", Tone.STRONG))], _HINT, "key")

    def params(self) -> dict[str, Any] | None:
        wrong, key = self._key()
        self.show_wrong(wrong)
        return None if wrong else {"name": self._user.name, "key": key}


class UserForm(_WithKey):
    """A new one: with a key, or with a password where there is none."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("name", "Name", "anna"),
        ("role", "Role", ""),
        ("key", "Public key", _PASTE),
        ("password", "Password", "only for those who have no key"),
    )

    CHOICES = {  # noqa: RUF012 - of the class, as it is declared
        "role": (
            (Role.VIEWER.value, "sees, changes nothing"),
            (Role.OPERATOR.value, "works with cameras"),
            (Role.ADMIN.value, "may do everything"),
        )
    }

    def __init__(self) -> None:
        super().__init__({"role": Role.VIEWER.value}, "Add")

    def on_mount(self) -> None:
        about = "Viewers see everything and change nothing; operators work with the cameras; admins may do everything."
        self.say([line(("Let somebody log in by SSH", Tone.STRONG)), *wrap(about, WIDTH, Tone.MUTED)], _HINT, "name")

    def params(self) -> dict[str, Any] | None:
        values = self.typed()
        name, wrong = values["name"].strip(), {}
        if not is_name(name):
            wrong["name"] = "small letters, digits and . _ - only" if name else "who is it? The log shows this name"
        key, password = "", values["password"]
        if not values["key"].strip() and not password:
            wrong["key"] = "paste the public key; or choose a password for somebody who has none"
        elif values["key"].strip():
            trouble, key = self._key()
            wrong |= trouble
        elif why := why_unfit(password):
            wrong["password"] = why
        if key and password:
            wrong["password"] = "leave it empty: there is a key"  # noqa: S105 - a sentence
        self.show_wrong(wrong)
        if wrong:
            return None
        return {"name": name, "role": values["role"], **({"key": key} if key else {"password": password})}


class PasswordForm(FieldForm[User]):
    """A new password; an empty one takes it away."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (("password", "Password", ""),)
    TEST = ""

    def __init__(self, user: User) -> None:
        self._user = user
        super().__init__({}, "Save")

    def on_mount(self) -> None:
        about = "It works only where the SSH server takes passwords. A key is safer, and nobody has to type it."
        if self._user.password:
            about += " Left empty, there is no password any more."
        title = f"Password of {self._user.name}, for SSH"
        self.say([line((title, Tone.STRONG)), *wrap(about, WIDTH, Tone.MUTED)], "^s save   Esc back", "password")

    def params(self) -> dict[str, Any] | None:
        password = self.typed()["password"]
        why = "" if not password and self._user.password else why_unfit(password)
        self.show_wrong({"password": why} if why else {})
        return None if why else {"name": self._user.name, "password": password or None}

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to try."""

    def save(self, params: dict[str, Any]) -> None:
        self.start("user.password", params, "Saving…", self.dismiss)
