"""Accounts that recorders make (ONVIF Core sections 8.4.3 to 8.4.6). Pure.

The camera's own account is listed, but is the user's alone: it is changed in the terminal UI, so that no recorder can
lock the others out. Each request is done as a whole or not at all; passwords are never told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from proxyd.camera.accounts import accounts
from proxyd.camera.commands import Ask, SetUsers
from proxyd.camera.settings import CameraUser, UserLevel

from ..faults import SoapFault, invalid_args, invalid_value, prohibited
from ..namespaces import clark
from ..soap import Element, el
from .operation import Access, Context, Operation

MAX_USERS = 16  # besides the camera's own
MAX_NAME_CHARS = 64
MAX_PASSWORD_CHARS = 64
_LEVELS: tuple[UserLevel, ...] = get_args(UserLevel)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One User element; `password` is "" when it is not there."""

    username: str
    password: str
    level: UserLevel


def get_users(ctx: Context) -> Element:
    return el(
        "tds:GetUsersResponse",
        *(
            el("tds:User", el("tt:Username", account.username), el("tt:UserLevel", account.level))
            for account in accounts(ctx.spec)
        ),
    )


def create_users(ctx: Context) -> Ask[Element]:
    users = {user.username: user for user in ctx.spec.users}
    for asked in _asked(ctx):
        if asked.username in users or asked.username == ctx.spec.username:
            raise prohibited(f"There is an account {asked.username} already", "ter:UsernameClash")
        if not asked.username:
            raise prohibited("An account needs a name", "ter:UsernameTooShort")
        if not asked.username.isprintable():
            raise invalid_value("A name has printable characters only")
        if len(asked.username) > MAX_NAME_CHARS:
            raise prohibited(f"A name has at most {MAX_NAME_CHARS} characters", "ter:UsernameTooLong")
        if not asked.password:
            raise prohibited("An account needs a password", "ter:Password")
        users[asked.username] = CameraUser(asked.username, _short_enough(asked.password), asked.level)
    if len(users) > MAX_USERS:
        reason = f"At most {MAX_USERS} accounts can be made"
        raise SoapFault("Receiver", reason, "ter:Action", "ter:TooManyUsers")
    return _keep(ctx, users, el("tds:CreateUsersResponse"))


def set_user(ctx: Context) -> Ask[Element]:
    """Password and level. No password given asks for an empty one (section 8.4.6), which no account may have."""
    users = {user.username: user for user in ctx.spec.users}
    for asked in _asked(ctx):
        user = users[_known(ctx, users, asked.username)]
        if not asked.password:
            raise prohibited("An account needs a password", "ter:PasswordTooWeak")
        users[asked.username] = replace(user, password=_short_enough(asked.password), level=asked.level)
    return _keep(ctx, users, el("tds:SetUserResponse"))


def delete_users(ctx: Context) -> Ask[Element]:
    users = {user.username: user for user in ctx.spec.users}
    names = ctx.request.texts("tds:Username")
    if not names:
        raise invalid_args("No user name is given")
    for name in dict.fromkeys(names):
        del users[_known(ctx, users, name)]
    return _keep(ctx, users, el("tds:DeleteUsersResponse"))


def _known(ctx: Context, users: dict[str, CameraUser], name: str) -> str:
    if name == ctx.spec.username:
        reason = f"The account {name} is the camera's own; it is changed where the camera is managed"
        raise invalid_value(reason, "ter:FixedUser")
    if name not in users:
        raise invalid_value(f"There is no account {name[:MAX_NAME_CHARS]!r}", "ter:UsernameMissing")
    return name


def _asked(ctx: Context) -> Iterator[_Asked]:
    elements = ctx.request.body.findall(clark("tds:User"))
    if not elements:
        raise invalid_args("No user is given")
    for element in elements:
        level = (element.findtext(clark("tt:UserLevel")) or "").strip()
        if level == "Anonymous":
            raise prohibited("An account cannot be Anonymous", "ter:AnonymousNotAllowed")
        known = next((one for one in _LEVELS if one == level), None)
        if known is None:
            raise invalid_value(f"There is no user level {level[:32]!r}, only {', '.join(_LEVELS)}")
        # Not stripped: a password may begin with a space.
        password = element.find(clark("tt:Password"))
        yield _Asked(
            (element.findtext(clark("tt:Username")) or "").strip(),
            "" if password is None else password.text or "",
            known,
        )


def _short_enough(password: str) -> str:
    if len(password) > MAX_PASSWORD_CHARS:
        raise prohibited(f"A password has at most {MAX_PASSWORD_CHARS} characters", "ter:PasswordTooLong")
    return password


def _keep(ctx: Context, users: dict[str, CameraUser], answer: Element) -> Ask[Element]:
    return Ask(SetUsers(tuple(users.values()), ctx.spec.users), lambda _: answer)


OPERATIONS = (
    Operation("GetUsers", Access.READ_SYSTEM_SECRET, get_users),
    Operation("CreateUsers", Access.WRITE_SYSTEM, create_users, static=False),
    Operation("SetUser", Access.WRITE_SYSTEM, set_user, static=False),
    Operation("DeleteUsers", Access.WRITE_SYSTEM, delete_users, static=False),
)
