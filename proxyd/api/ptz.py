"""Parameters of camera.ptz: the buttons of a pad."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .fields import Id, Name
from .params import Params

PtzAction = Literal["left", "right", "up", "down", "in", "out", "stop", "home", "preset"]


class CameraPtz(Params):
    """Moves last `seconds`, then the camera stands. `speed` is a part of the fastest; `preset` is the name of one."""

    id: Id
    action: PtzAction
    preset: Name | None = None
    seconds: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    speed: Annotated[float, Field(gt=0, le=1)] = 0.5

    @model_validator(mode="after")
    def _named(self) -> CameraPtz:
        if (self.action == "preset") != (self.preset is not None):
            raise ValueError("the action preset, and no other, needs the name of a preset")
        return self
