"""People who log in by SSH: what `user.…` methods take and give. Keys and passwords themselves never come back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from .model import Model
from .params import Params
from .ssh_keys import MAX_KEY_LINE
from .ssh_passwords import MOST_CHARACTERS, why_unfit
from .ssh_users import is_name
from .states import Role


def _user_name(value: str) -> str:
    if not is_name(value):
        raise ValueError("must be small letters, digits and . _ - only, at most 32, and begin with a letter or digit")
    return value


def _fit(value: SecretStr | None) -> SecretStr | None:
    if value is not None and (why := why_unfit(value.get_secret_value())):
        raise ValueError(why)
    return value


UserName = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_user_name)]
UserPassword = Annotated[SecretStr, Field(max_length=8 * MOST_CHARACTERS), AfterValidator(_fit)]


class UserKey(Model):
    """A public key; `fingerprint` as `ssh-keygen -l` shows it."""

    kind: str
    fingerprint: str
    comment: str = ""


class User(Model):
    """Somebody who may log in by SSH, with these keys or, where `password` is true, with a password."""

    name: str
    role: Role
    keys: list[UserKey]
    password: bool


class Users(Model):
    """All of them. `problems`: lines in the files that let nobody in, and why; `folder` has the files."""

    users: list[User]
    problems: list[str]
    folder: str


class UserAdd(Params):
    """A new user needs a key or a password, and is a viewer where no role is given; one who is known gets the key."""

    name: UserName
    role: Role | None = None
    key: Annotated[str, StringConstraints(min_length=1, max_length=MAX_KEY_LINE)] | None = None
    password: UserPassword | None = None


class UserByName(Params):
    name: UserName


class UserRemoveKey(Params):
    name: UserName
    fingerprint: Annotated[str, StringConstraints(min_length=1, max_length=128)]


class UserRole(Params):
    name: UserName
    role: Role


class UserSetPassword(Params):
    """None: no password any more."""

    name: UserName
    password: UserPassword | None
