"""Who may import whom: that the contracts in pyproject.toml forget nothing, and what really gets loaded."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("proxyd", "onviftui", "netsetup")
WHAT_ONVIFTUI_MAY_USE = {"proxyd.api", "proxyd.errors"}
# By contract, the rooms of proxyd that may; of some of them the contract names the parts that may not.
WHO_MAY = {
    "only proxyd.cli imports the daemon": {"__main__", "cli", "daemon"},
    "aiosqlite only in store": {"store"},
    "pyroute2 only in links": {"links"},
    "aiohttp only in api.client, rpc, onvif.http, nvr, snapshot and simulator": {
        *("api", "rpc", "onvif", "nvr", "snapshot", "simulator"),
    },
}


def contracts() -> dict[str, dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["name"]: contract for contract in settings["contracts"]}


def rooms() -> set[str]:
    modules = {f"proxyd.{path.stem}" for path in (ROOT / "proxyd").glob("*.py") if path.stem != "__init__"}
    return modules | {f"proxyd.{path.parent.name}" for path in (ROOT / "proxyd").glob("*/__init__.py")}


def test_every_room_is_closed_to_onviftui() -> None:
    forbidden = contracts()["onviftui knows of proxyd only api and errors"]["forbidden_modules"]
    assert rooms() - set(forbidden) == WHAT_ONVIFTUI_MAY_USE


@pytest.mark.parametrize(("contract", "who"), WHO_MAY.items())
def test_what_few_rooms_may_use_is_closed_to_all_others(contract: str, who: set[str]) -> None:
    closed = set(contracts()[contract]["source_modules"])
    assert rooms() - closed == {f"proxyd.{room}" for room in who}


def test_what_calls_itself_pure_is_held_to_it() -> None:
    listed = contracts()["pure rooms do no I/O, read no clock, write no log"]["source_modules"]
    pure = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"(^|[.:;] )[Pp]ure\.(\s|$)", ast.get_docstring(ast.parse(path.read_text())) or "", re.MULTILINE)
    }
    assert len(pure) > 40
    assert not {name for name in pure if not any(f"{name}.".startswith(f"{one}.") for one in listed)}


def test_every_folder_has_its_row_in_the_table_of_rooms() -> None:
    rows = [line for line in (ROOT / "ARCHITECTURE.md").read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9_/]+/)`", row.split(" | ")[0])}
    folders = {f"{path.parent.relative_to(ROOT)}/" for one in PACKAGES for path in (ROOT / one).glob("*/__init__.py")}
    # One row has all of netsetup.
    assert not {folder for folder in folders - named if not folder.startswith("netsetup/")}


def loaded_by(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        (
            ("proxyd.api.models", "proxyd.api.methods", "proxyd.api.codec"),
            {"aiohttp", "aiosqlite", "sqlite3", "pyroute2", "onvif", "zeep", "textual"},
        ),
        (
            ("proxyd.api.client", "onviftui.commands"),
            {"aiosqlite", "pyroute2", "onvif", "zeep", "lxml", "textual", "PIL", "cryptography"},
        ),
        (
            ("onviftui.demo", "onviftui.app"),
            {"aiosqlite", "pyroute2", "onvif", "zeep", "lxml", "cryptography"},
        ),
        (("onviftui.app", "onviftui.cli", "onviftui.commands", "onviftui.ssh.zygote"), {"asyncssh", "PIL"}),
        (("onviftui.ssh.front", "onviftui.ssh.command"), {"textual", "aiohttp", "PIL"}),
        (("proxyd.cli",), {"textual", "pyroute2", "zeep", "onviftui", "onvif"}),
        (("proxyd.rtsp.parser", "proxyd.rtsp.sdp"), {"aiohttp", "lxml", "zeep"}),
        (("proxyd.snapshot.fetch", "proxyd.snapshot.decoder"), {"av"}),  # what it reads goes through another process
    ],
)
def test_importing_loads_nothing_foreign(modules: tuple[str, ...], forbidden: set[str]) -> None:
    assert not loaded_by(*modules) & forbidden


def test_modules_stay_readable() -> None:
    """Above 400 lines a module is split."""
    sources = [path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")]
    too_long = {str(path.relative_to(ROOT)) for path in sources if len(path.read_text().splitlines()) > 400}
    assert not too_long
