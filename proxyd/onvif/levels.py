"""Which account may do what: the default access policy (ONVIF Core section 5.9.4.3). Pure."""

from __future__ import annotations

from proxyd.camera.settings import UserLevel

from .services.operation import Access

_ALL: frozenset[UserLevel] = frozenset({"Administrator", "Operator", "User"})
_OPERATORS: frozenset[UserLevel] = frozenset({"Administrator", "Operator"})
_ADMINISTRATORS: frozenset[UserLevel] = frozenset({"Administrator"})
_ALLOWED: dict[Access, frozenset[UserLevel]] = {
    Access.PRE_AUTH: _ALL,
    Access.READ_SYSTEM: _ALL,
    Access.READ_SYSTEM_SENSITIVE: _OPERATORS,
    Access.READ_SYSTEM_SECRET: _ADMINISTRATORS,
    Access.WRITE_SYSTEM: _ADMINISTRATORS,
    Access.UNRECOVERABLE: _ADMINISTRATORS,
    Access.READ_MEDIA: _ALL,
    Access.ACTUATE: _OPERATORS,
}


def permits(level: UserLevel, access: Access) -> bool:
    """Whether an account of this level may call operations of that class."""
    return level in _ALLOWED[access]


def needed(access: Access) -> str:
    """The lowest level that is enough, in words."""
    return next(level for level in ("User", "Operator", "Administrator") if level in _ALLOWED[access])
