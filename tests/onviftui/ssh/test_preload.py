"""What is preloaded is not made by each session again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_INCOMPLETE = """
import json
from onviftui.ssh.preload import preload
preload()
from proxyd.api import methods
from pydantic import BaseModel
models = [BaseModel]
for one in models:
    models += one.__subclasses__()
ours = [one for one in models if one.__module__.startswith("proxyd.")]
print(json.dumps([len(ours), [one.__name__ for one in ours if not one.__pydantic_complete__]]))
"""
_IMPORTED_LATER = """
import asyncio, json, pathlib, sys
from onviftui.ssh.preload import preload
preload()
before = set(sys.modules)
from onviftui.app import OnviftuiApp

async def first_frame():
    app = OnviftuiApp(pathlib.Path("/nonexistent/socket"))
    async with app.run_test() as pilot:
        await pilot.pause()

asyncio.run(first_frame())
print(json.dumps(sorted(set(sys.modules) - before)))
"""
_LEFT_BEHIND = """
import gc, json, os, signal, sys, threading
before = set(os.listdir("/proc/self/fd"))
from onviftui.ssh.preload import preload
preload()
gc.collect()
new = [f"/proc/self/fd/{number}" for number in set(os.listdir("/proc/self/fd")) - before]
left = [os.readlink(one) for one in new if os.path.exists(one)]
print(json.dumps([left, threading.active_count(), signal.set_wakeup_fd(-1), os.listdir(os.environ["HOME"])]))
"""


def _said(program: str, **environment: str) -> object:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.stderr == b""
    return json.loads(done.stdout)


def test_every_model_of_the_api_is_built() -> None:
    said = _said(_INCOMPLETE)
    assert isinstance(said, list)
    known, incomplete = said
    assert known > 50
    assert incomplete == []


def test_the_first_frame_imports_nothing_more_of_ours() -> None:
    later = _said(_IMPORTED_LATER)
    assert isinstance(later, list)
    assert [name for name in later if name.startswith(("onviftui.", "proxyd.", "textual.layouts.", "pydantic."))] == []


def test_the_rehearsal_leaves_nothing_behind(tmp_path: Path) -> None:
    assert _said(_LEFT_BEHIND, HOME=str(tmp_path), XDG_STATE_HOME="", XDG_CONFIG_HOME="") == [[], 1, -1, []]


def test_a_rehearsal_that_fails_keeps_nobody_from_sessions(tmp_path: Path) -> None:
    """Of a UI that cannot be shown, and of a machine so slow that nobody waits for the first key."""
    for broken in ("onviftui.screens.main.MainScreen.compose", "textual.pilot.Pilot.press"):
        where, name = broken.rsplit(".", 1)
        program = f"""
import json, pkgutil
def broken(*_):
    raise ZeroDivisionError("bug")
setattr(pkgutil.resolve_name({where!r}), {name!r}, broken)
from onviftui.ssh import preload
preload.preload()
print(json.dumps("ready"))
"""
        assert _said(program, HOME=str(tmp_path)) == "ready", broken
