"""What can be taken back: models and parameters of the noun undo."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .model import Model
from .params import Params
from .states import Role


class Undoable(Model):
    """A change of the configuration since the daemon started; `role` may take it back. Numbers grow."""

    number: int
    at: str
    who: str
    role: Role
    what: str


class UndoApply(Params):
    """`number` None: the last change."""

    number: Annotated[int | None, Field(ge=1, le=2**53 - 1)] = None


class Undone(Model):
    """`what` was taken back."""

    number: int
    what: str
