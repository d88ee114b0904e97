"""State folder and journal: whole files, damaged files, locks, render."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from netsetup.disk import cannot_write
from netsetup.errors import BadRequest, NetsetupError
from netsetup.execute import pending
from netsetup.files import StateDir
from netsetup.journal import MOST_APPLIED, Journal
from netsetup.memory import Memory
from netsetup.model import Lease, Limits, Link, Plan, Slot, Sysctl
from netsetup.probing import seen_macs, unused_addresses
from netsetup.render import changes_text, digest, plan_text, status_rows, status_text
from netsetup.serve import serve
from netsetup.steps import words
from tests.netsetup.fake_kernel import ETH0, HOST, FakeKernel

SLOTS = (Slot(1, "vcam1", "a2:6f:00:00:00:01"), Slot(2, "vcam2", "a2:6f:00:00:00:02"))
DYNAMIC = Plan("eth0", 0, "dhcp", SLOTS)
STATIC = Plan("eth1", 1, "static", (Slot(1, "vcam1001", "a2:6f:00:00:03:e9", IPv4Interface("10.78.0.9/24")),))
LEASE = Lease(
    SLOTS[0].mac, IPv4Interface("10.77.0.5/24"), None, IPv4Address("10.77.0.1"), 1000.0, 1500.5, 1800.0, 2000.0
)


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "new" / "state")
    assert state.plans() == () and state.leases() == {}
    state.save_plans([DYNAMIC, STATIC])
    state.save_leases({LEASE.mac: LEASE, "b": replace(LEASE, mac="b", gateway=IPv4Address("10.77.0.1"))})
    assert state.plans() == (DYNAMIC, STATIC)
    kept = state.leases()
    assert kept[LEASE.mac].expires == pytest.approx(LEASE.expires)
    assert replace(kept[LEASE.mac], obtained=1000.0, t1=1500.5, t2=1800.0, expires=2000.0) == LEASE
    assert kept["b"].gateway == IPv4Address("10.77.0.1")
    assert state.path.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in state.path.iterdir()} == {0o600}


_HUGE = '{"plans": [{"parent": "eth0", "block": 1e400, "method": "dhcp", "slots": [], "gateway": null}]}'


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "7", '{"plans": 1}', '{"plans": [{}]}', "\xff", '{"leases": [1]}', "[" * 100_000, _HUGE],
)
def test_damaged_files(tmp_path: Path, content: str) -> None:
    state = StateDir(tmp_path)
    (tmp_path / "plans.json").write_bytes(content.encode("latin-1"))
    (tmp_path / "leases.json").write_bytes(content.encode("latin-1"))
    assert state.leases() == {}
    if content == "[]":
        return  # an empty list holds no plans, which is no damage
    with pytest.raises(NetsetupError, match="damaged"):
        state.plans()


def test_leases_follow_the_clock_within_one_life_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, boot, really = StateDir(tmp_path), tmp_path / "boot", time.time
    boot.write_text("one\n")
    monkeypatch.setattr("netsetup.files._BOOT_ID", boot)
    state.save_leases({LEASE.mac: LEASE})
    for set_by_s in (7 * 3600, -7 * 3600, -1_000_000_000):
        monkeypatch.setattr("time.time", lambda by=set_by_s: really() + by)
        kept = state.leases()[LEASE.mac]
        for name in ("obtained", "t1", "t2", "expires"):
            assert getattr(kept, name) == pytest.approx(getattr(LEASE, name) + set_by_s, abs=0.5)
    boot.write_text("two\n")
    assert state.leases() == {LEASE.mac: LEASE}
    (tmp_path / "leases.json").write_text(
        (tmp_path / "leases.json").read_text().replace('"boot": "one"', '"boot": "two"')
    )
    monkeypatch.setattr("time.time", really)
    assert state.leases()[LEASE.mac].expires == pytest.approx(LEASE.expires, abs=0.5)


@pytest.mark.parametrize("change", [{"method": "other"}, {"block": True}, {"slots": [{"index": True}]}])
def test_a_plan_that_nobody_wrote_is_none(change: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Plan.from_json(DYNAMIC.to_json() | change)


async def test_the_lock_keeps_others_out_and_is_given_back(tmp_path: Path) -> None:
    one, other = StateDir(tmp_path), StateDir(tmp_path)
    async with one.lock():
        with pytest.raises(NetsetupError, match="Another netsetup is at work"):
            async with other.lock(timeout_s=0.05):
                pass
        waiting = asyncio.create_task(_take(other))
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def _take(state: StateDir) -> None:
    async with state.lock():
        pass


def test_the_journal_keeps_the_first_value(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.last() is None
    journal.begin([Sysctl("ipv4", "eth0", "arp_ignore", "0")], [Link("vcam1", "eth0", "a2:01", "m")])
    journal.begin([Sysctl("ipv4", "eth0", "arp_ignore", "1")], [])
    assert journal.originals() == {("ipv4", "eth0", "arp_ignore"): Sysctl("ipv4", "eth0", "arp_ignore", "0")}
    assert journal.begun() == {"vcam1": "a2:01"}
    journal.end()
    assert journal.begun() == {} and len(journal.originals()) == 1
    journal.applied([DYNAMIC, STATIC], [])
    journal.rename({"eth0": "lan0"})
    last = journal.last()
    assert last is not None and [plan.parent for plan in last[0]] == ["lan0", "eth1"]
    journal.pop()
    assert [link for _, link, _ in journal.originals()] == ["lan0"]
    journal.end([Sysctl("ipv4", "lan0", "arp_ignore", "0")])
    assert journal.entries() == []


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "null",
        "[" * 100_000,
        "{}",
        '{"entry": "original"}',
        '{"entry": "original", "family": "ipv4", "link": 5, "key": "x", "value": "1"}',
        '{"entry": "begun"}',
        '{"entry": "begun", "links": ["vcam1"]}',
        '{"entry": "applied", "before": [{}], "changes": []}',
        '{"entry": "applied", "before": 5, "changes": 5}',
    ],
)
def test_damaged_lines_of_the_journal_are_ignored(tmp_path: Path, line: str) -> None:
    journal = Journal(tmp_path / "journal")
    journal.applied([DYNAMIC], ["change"])
    with journal.path.open("a") as file:
        file.write(line + "\n")
    assert journal.last() == ((DYNAMIC,), ("change",))
    assert journal.originals() == {} and journal.begun() == {}


def test_the_journal_is_read_backwards_and_has_a_limit(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for count in range(MOST_APPLIED + 5):
        journal.applied([replace(DYNAMIC, mac_prefix=f"a2:{count:02x}")], [f"change {count}"] * 1000)
    for count in range(MOST_APPLIED + 4, 4, -1):
        last = journal.last()
        assert last is not None and last[0][0].mac_prefix == f"a2:{count:02x}" and last[1][0] == f"change {count}"
        journal.pop()
    assert journal.last() is None
    journal.pop()


def test_a_torn_line_is_ignored(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.applied([DYNAMIC], ["x"])
    with (tmp_path / "journal").open("a") as file:
        file.write('{"entry": "appl\n7\n')
    last = journal.last()
    assert last is not None and last[0] == (DYNAMIC,)


def test_the_digest_is_of_plans_and_changes() -> None:
    steps = pending([STATIC], {}, HOST)
    assert digest([STATIC], steps) == digest([STATIC], list(steps))
    assert len({digest([STATIC], steps), digest([STATIC], steps[1:]), digest([DYNAMIC], steps), digest([], [])}) == 4
    text = plan_text([STATIC], steps)
    assert "eth1: 1 interface with static addresses" in text and "14 changes" not in text
    assert f"{len(steps)} changes:" in text and digest([STATIC], steps) in text
    assert "Nothing to change" in plan_text([STATIC], [])
    assert plan_text([], []).startswith("No interfaces.")


def test_many_changes_are_told_by_their_interfaces() -> None:
    steps = [words(step) for step in pending([DYNAMIC, STATIC], {}, HOST)]
    assert changes_text(steps[:3]) == "".join(f"{step}\n" for step in steps[:3])
    many = changes_text(steps * 3).splitlines()
    assert many[0] == "add interface vcam1 with MAC a2:6f:00:00:00:01 on eth0"
    assert many[-1] == f"and {len(steps) * 3 - len(many) + 1} changes of settings, addresses, routes and rules"
    assert "Nothing to change" in changes_text([])


async def test_status_says_what_is_wrong_with_each() -> None:
    kernel = FakeKernel()
    for step in pending([DYNAMIC], {LEASE.mac: LEASE}, HOST):
        await kernel.do(step)
    facts = await kernel.facts(["eth0"])
    leases = {LEASE.mac: LEASE}

    def states(now: float, **changed: object) -> list[str]:
        seen = replace(facts, **changed)  # type: ignore[arg-type]  # fields by name
        rows = status_rows([DYNAMIC, STATIC], leases, seen, pending([DYNAMIC], leases, seen), now)
        assert json.dumps(rows) and status_text(rows, [])
        return [row["state"] for row in rows]

    assert states(1999) == ["ok", "waiting for address", "missing"]
    assert states(2001)[0] == "waiting for address"
    assert states(0, rules=facts.rules[:3])[:2] == ["not as planned", "waiting for address"]

    def with_parent(**changed: object) -> tuple[object, ...]:
        return tuple(replace(x, **changed) if x.name == "eth0" else x for x in facts.links)  # type: ignore[arg-type]  # fields by name

    assert states(0, links=with_parent(carrier=False))[0] == "cable of eth0 unplugged"
    assert states(0, links=with_parent(up=False))[0] == "eth0 is down"
    assert states(0, links=tuple(x for x in facts.links if x.name != "eth0"))[0] == "eth0 is gone"
    assert ETH0 in facts.links


def test_only_addresses_that_are_new_are_asked_for() -> None:
    assert unused_addresses([DYNAMIC, STATIC], HOST) == {"eth1": {STATIC.slots[0].mac: IPv4Address("10.78.0.9")}}
    unplugged = replace(HOST, links=tuple(replace(link, carrier=False) for link in HOST.links))
    assert unused_addresses([STATIC], unplugged) == {}


def test_neighbours_macs(tmp_path: Path) -> None:
    file = tmp_path / "arp"
    file.write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "10.77.0.1        0x1         0x2         02:00:00:00:00:0A     *        eth0\n"
        "10.77.0.9        0x1         0x0         00:00:00:00:00:00     *        eth0\nshort\n"
    )
    assert seen_macs(file) == {"02:00:00:00:00:0a"}
    assert seen_macs(tmp_path / "none") == set()


def test_links_in_the_state_folder_are_not_followed(tmp_path: Path) -> None:
    """The folder belongs to the arm's user, and root writes into it."""
    folder, victim = tmp_path / "state", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    (folder / "plans.json.new").symlink_to(victim)
    (folder / "leases.json.new").hardlink_to(victim)
    state = StateDir(folder)
    state.save_plans([STATIC])
    state.save_leases({})
    assert state.plans() == (STATIC,) and victim.read_text() == "precious" and victim.stat().st_nlink == 1


async def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(NetsetupError):
        async with StateDir(tmp_path).lock():
            pass
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("name", ["plans.json", "leases.json", "journal", "arm.json"])
@pytest.mark.parametrize("what", ["pipe", "link", "endless", "folder", "deep", "large"])
def test_what_is_no_ordinary_file_is_neither_followed_nor_waited_for(tmp_path: Path, name: str, what: str) -> None:
    file, victim = tmp_path / name, tmp_path / "victim"
    victim.write_text('{"plans": [], "leases": [], "known": {}, "hostnames": {"a": "followed"}}')
    match what:
        case "pipe":
            os.mkfifo(file)
        case "link":
            file.symlink_to(victim)
        case "endless":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
        case "deep":
            file.write_text("[" * 200_000)
        case "large":
            file.write_text('{"entry": "original"}\n' * 800_000)
    state = StateDir(tmp_path)
    match name:
        case "plans.json":
            with pytest.raises(NetsetupError, match="damaged"):
                state.plans()
        case "leases.json":
            assert state.leases() == {}
        case "arm.json":
            assert Memory.load(file) == Memory()
        case "journal" if what == "deep":
            assert Journal(file).entries() == []
        case "journal":
            with pytest.raises(NetsetupError, match="cannot be read") as caught:
                Journal(file).entries()
            assert "Move it away" in caught.value.hint


async def test_a_state_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.save_plans([STATIC])
    for mode in (0o777, 0o720, 0o1777):
        state.path.chmod(mode)
        with pytest.raises(BadRequest, match="may be written by others") as caught:
            state.plans()
        assert "chmod go-w" in caught.value.hint
        with pytest.raises(BadRequest):
            state.save_plans([])
        with pytest.raises(BadRequest):
            async with state.lock():
                pass
    state.path.chmod(0o700)
    assert state.plans() == (STATIC,)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (errno.ENOSPC, "Is the disk full?"),
        (errno.EROFS, "can only be read"),
        (errno.ELOOP, "remove it"),
        (errno.ENOTDIR, "ls -la /s"),
        (errno.EACCES, "as root"),
    ],
)
def test_the_reason_decides_what_to_try(code: int, hint: str) -> None:
    error = cannot_write(Path("/s"), OSError(code, os.strerror(code)))
    assert hint in error.hint and ("disk full" in error.hint) is (code == errno.ENOSPC)


async def test_an_arm_does_not_start_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "arm.lock").symlink_to(victim)
    with pytest.raises(NetsetupError, match=r"symbolic links.*remove it"):
        await serve(Limits(("eth0",)), StateDir(tmp_path), tmp_path / "socket")
    assert victim.read_text() == "precious" and not (tmp_path / "socket").exists()
