"""The classes of the UI below another one, wherever they are."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import onviftui

_ROOMS = (".screens.", ".wizard.", ".camera_panes.", ".widgets.")


def below(kind: type) -> list[Any]:
    """All of ours that inherit from this one, the nearest first."""
    for module in pkgutil.walk_packages(onviftui.__path__, "onviftui."):
        if any(room in module.name for room in _ROOMS):
            importlib.import_module(module.name)
    found: list[Any] = [kind]
    for known in found:
        found += [one for one in known.__subclasses__() if one not in found]
    return [one for one in found[1:] if one.__module__.startswith("onviftui.")]


def made(kind: type) -> set[str]:
    """Names of those below it that somebody makes, so that people see them; the others are only inherited from."""
    source = "\n".join(path.read_text() for path in Path(onviftui.__path__[0]).rglob("*.py"))
    names = {one.__name__ for one in below(kind)}
    return {name for name in names if re.search(rf"(?<!class )\b{name}\(", source)}
