"""Who may use a camera: its own account and those that recorders made, for SOAP, pictures and streams alike. Pure."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from .settings import UserLevel
from .spec import CameraSpec


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    password: str = field(repr=False)
    level: UserLevel


def accounts(spec: CameraSpec) -> tuple[Account, ...]:
    """The camera's own account first: it wins when a name is there twice."""
    own = Account(spec.username, spec.password, "Administrator")
    return (own, *(Account(user.username, user.password, user.level) for user in spec.users))


def named(known: tuple[Account, ...], username: str) -> Account:
    """The account of that name. When there is none, the first: whoever checks a password against it will see that the
    name is wrong, and takes as long as for names that exist."""
    asked = username.encode("utf-8", "surrogatepass")
    matches = [one for one in known if hmac.compare_digest(one.username.encode("utf-8", "surrogatepass"), asked)]
    return matches[0] if matches else known[0]
