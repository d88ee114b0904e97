"""What sessions would import or build at their start or first key: once for all of them, before the zygote forks."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from pydantic import BaseModel

MODULES = (
    "onviftui.app",
    "onviftui.cli",
    "onviftui.commands",
    "onviftui.output",
    "proxyd.api.client",
    # Textual's, which it imports with the first application
    "textual.drivers.linux_driver",
    "textual.layouts.factory",
    "textual.layouts.horizontal",
    "textual.layouts.stream",
    "textual.pilot",
    "textual.scrollbar",
)


def preload() -> None:
    """Takes a good second. A page that nobody writes to afterwards is shared by all sessions."""
    for name in MODULES:
        importlib.import_module(name)
    for model in _models(BaseModel):
        model.model_rebuild()  # ours are built when they are first used (defer_build), which would be in each session


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)
