"""Who may do what, in the UI's eyes: it only hides and explains, the daemon is who refuses. Pure."""

from __future__ import annotations

from proxyd.api.methods import METHODS
from proxyd.api.models import Role

_ORDER = list(Role)


def may(role: Role, least: Role) -> bool:
    """Each role may do what those before it may."""
    return _ORDER.index(role) >= _ORDER.index(least)


def needed(method: str) -> Role:
    """The least role that the daemon lets call this method; a method that this version does not know is tried."""
    known = METHODS.get(method)
    return known.role if known else Role.VIEWER


def refusal(role: Role, least: Role, what: str = "") -> str:
    """Why a key or a call does nothing: one sentence, and who can change that."""
    this = f"“{what}”" if what else "That"
    return f"{this} needs the role {least}; you are {role}. An administrator can give you another role."
