"""What proxyd's database knows and netsetup may not give away: read from real files, made by proxyd's own store."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from netsetup.cli import main
from netsetup.database import known_interfaces
from netsetup.errors import BadRequest, NetsetupError
from netsetup.known import Known, known_findings, refuse_known
from netsetup.plan import PlanWish, make_plan
from proxyd.store.rows import FoundInterface
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from tests.netsetup.conftest import Inside
from tests.netsetup.fake_kernel import HOST
from tests.proxyd.store.builders import add_nvr, channels, scan

FIRST = "a2:6f:00:00:00:01"
PREFIX = "a2:6f:00"


class Proxyd(NamedTuple):
    store: Store
    file: Path


@pytest_asyncio.fixture
async def proxyd(tmp_path: Path) -> AsyncIterator[Proxyd]:
    """It knows vcam1 as it is planned, with the camera Camera 1, and vcam2 under the MAC that is planned for vcam3."""
    file = tmp_path / "data" / "proxyd.db"
    store = await Store.open(file, Secrets.load(tmp_path / "keys" / "proxyd.key"))
    try:
        found = [("vcam1", FIRST), ("vcam2", f"{PREFIX}:00:00:03")]
        await store.register_interfaces([FoundInterface(name, mac, None, 24, "netlink") for name, mac in found])
        nvr = await add_nvr(store)
        await scan(store, nvr.id, channels([1]))
        yield Proxyd(store, file)
    finally:
        await store.close()


KNOWN = {FIRST: Known("vcam1", "Camera 1"), f"{PREFIX}:00:00:03": Known("vcam2")}


async def test_it_is_read_while_proxyd_runs_and_after(proxyd: Proxyd, tmp_path: Path) -> None:
    assert known_interfaces(proxyd.file) == KNOWN
    crashed = tmp_path / "crashed"
    shutil.copytree(proxyd.file.parent, crashed)
    assert (crashed / "proxyd.db-wal").stat().st_size > 0
    assert known_interfaces(crashed / "proxyd.db") == KNOWN
    await proxyd.store.close()
    before = {path.name: path.read_bytes() for path in proxyd.file.parent.iterdir()}
    assert known_interfaces(proxyd.file) == KNOWN
    assert {path.name: path.read_bytes() for path in proxyd.file.parent.iterdir()} == before


def test_where_no_database_is_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    for file in (tmp_path / "none" / "proxyd.db", tmp_path / "empty.db", Path("/dev/null")):
        assert known_interfaces(file) == {}


async def test_what_cannot_be_read_is_said_with_what_to_do(proxyd: Proxyd, tmp_path: Path) -> None:
    await proxyd.store.close()
    whole = proxyd.file.read_bytes()
    files = {
        "text": b"this is no database at all\n" * 200,
        "cut": whole[:3000],
        "overwritten": whole[:100] + b"\xff" * (len(whole) - 100),
    }
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
        with pytest.raises(NetsetupError, match=r"damaged or is no database of proxyd.*--database /dev/null"):
            known_interfaces(tmp_path / name)
    for file in (tmp_path, tmp_path / "text" / "proxyd.db"):
        with pytest.raises(NetsetupError, match=r"cannot be read: .*Try it as root"):
            known_interfaces(file)
    with contextlib.closing(sqlite3.connect(tmp_path / "foreign.db")) as foreign:
        foreign.execute("CREATE TABLE interfaces (mac, name)")
    with pytest.raises(NetsetupError, match="no database of proxyd"):
        known_interfaces(tmp_path / "foreign.db")


async def test_a_newer_database_is_read_as_long_as_it_has_what_is_needed(proxyd: Proxyd) -> None:
    await proxyd.store.close()
    with contextlib.closing(sqlite3.connect(proxyd.file, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 4711")
        db.execute("ALTER TABLE interfaces ADD COLUMN colour TEXT")
    assert known_interfaces(proxyd.file) == KNOWN
    with contextlib.closing(sqlite3.connect(proxyd.file, isolation_level=None)) as db:
        db.execute("ALTER TABLE interfaces RENAME COLUMN mac TO hardware")
    with pytest.raises(NetsetupError, match=r"another version of proxyd \(schema 4711\).*of the same version"):
        known_interfaces(proxyd.file)


async def test_names_cannot_reach_the_terminal_as_commands(proxyd: Proxyd) -> None:
    await proxyd.store.register_interfaces([FoundInterface("\x1b[2Jx", FIRST, None, 24, "netlink")], complete=False)
    assert known_interfaces(proxyd.file)[FIRST].name == "?[2Jx"


def test_a_new_slot_leaves_out_what_another_interface_has() -> None:
    wish = PlanWish("eth0", 3, "dhcp", mac_prefix=PREFIX)
    (plan,) = make_plan(wish, (), HOST, known=KNOWN)
    assert [(slot.name, slot.mac[-2:]) for slot in plan.slots] == [("vcam1", "01"), ("vcam2", "02"), ("vcam4", "04")]
    # What is planned already stays: recorders know it by now.
    (kept,) = make_plan(wish, make_plan(wish, (), HOST), HOST, known=KNOWN)
    assert [slot.name for slot in kept.slots] == ["vcam1", "vcam2", "vcam3"]


def test_a_clash_names_interface_and_camera() -> None:
    plans = make_plan(PlanWish("eth0", 3, "dhcp", mac_prefix=PREFIX), (), HOST)
    refuse_known(plans, (), {FIRST: Known("vcam1", "Camera 1")})
    refuse_known(plans, plans, {FIRST: Known("vcam9", "Camera 1")})
    with pytest.raises(BadRequest, match=f"{FIRST} of vcam1 is known to proxyd as that of vcam9 of the camera “Gate”"):
        refuse_known(plans, (), {FIRST: Known("vcam9", "Gate")})
    (finding,) = known_findings(plans, {FIRST: Known("vcam9")})
    assert finding.what == f"The MAC address {FIRST} of vcam1 is known to proxyd as that of vcam9."
    assert (finding.severity, finding.todo) == ("warning", "netsetup remove vcam1, then plan anew.")
    assert [found.severity for found in known_findings(plans, {FIRST: Known("vcam1")})] == ["ok"]
    assert known_findings(plans, {}) == []


async def test_plan_apply_and_check_ask_the_database(proxyd: Proxyd, inside: Inside) -> None:
    """While proxyd has it open."""
    inside(__file__, "case_command_line")


def case_command_line(folder: Path) -> None:
    database, nothing = str(folder / "data" / "proxyd.db"), "/dev/null"

    def netsetup(*words: str, code: int | None = 0) -> str:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = main([*words, "--state", str(folder / "state"), "--config", str(folder / "none.toml")])
        assert code in (None, ended), out.getvalue() + err.getvalue()
        return out.getvalue() + err.getvalue()

    wish = ("--parent", "p0", "--count", "3", "--dhcp", "--mac-prefix", PREFIX)
    ignorant = folder / "plan.json"
    ignorant.write_text(netsetup("plan", *wish, "--json", "--database", nothing))
    said = netsetup("apply", str(ignorant), "--yes", "--database", database, code=1)
    assert f"The MAC address {PREFIX}:00:00:03 of vcam3 is known to proxyd as that of vcam2." in said
    assert "netsetup plan" in said
    assert not (folder / "state" / "plans.json").exists()

    shown = netsetup("plan", *wish, "--database", database)
    assert f"--database {database} --digest" in shown
    (planned,) = json.loads(netsetup("plan", *wish, "--json", "--database", database))["plans"]
    assert [slot["name"] for slot in planned["slots"]] == ["vcam1", "vcam2", "vcam4"]
    netsetup("apply", *wish, "--yes", "--no-probe", "--database", database)
    assert "vcam4" in netsetup("status")

    for words in (("plan", *wish), ("apply", *wish, "--yes"), ("apply", str(ignorant), "--yes")):
        assert "is no database of proxyd" in netsetup(*words, "--database", __file__, code=1)
    # The host of the tests may have problems of its own.
    checked = json.loads(netsetup("check", "--parent", "p0", "--json", "--database", __file__, code=None))
    assert "database-unread" in {found["id"] for found in checked["findings"]}
