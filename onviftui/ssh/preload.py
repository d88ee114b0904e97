"""What sessions would import, build or do for the first time at their start: once for all, before the zygote forks."""

from __future__ import annotations

import contextlib
import importlib
import socket
from collections.abc import Iterator
from typing import Any

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
    """Takes about two seconds. A page that nobody writes to afterwards is shared by all sessions."""
    for name in MODULES:
        importlib.import_module(name)
    for model in _models(BaseModel):
        model.model_rebuild()  # ours are built when they are first used (defer_build), which would be in each session
    with contextlib.suppress(Exception):  # it only saves memory; what is wrong there is said to whom it happens to
        rehearse()


def rehearse() -> None:
    """The UI once without terminal or daemon, to the first frame and the first key: the interpreter writes down in the
    code what it learned of it, and what is computed once stays in caches."""
    app: Any = importlib.import_module("onviftui.app")

    async def leave(pilot: Any) -> None:
        await pilot.press("2")
        pilot.app.exit(0)

    app.OnviftuiApp(_nobody).run(headless=True, size=(120, 40), auto_pilot=leave)


async def _nobody() -> socket.socket:
    raise OSError


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)
