"""What all results have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of all results. Unknown fields are ignored, so that an older UI can talk to a newer daemon."""

    model_config = ConfigDict(extra="ignore", defer_build=True, hide_input_in_errors=True)
