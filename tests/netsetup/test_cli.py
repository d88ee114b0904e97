"""The command itself: dry runs, digests, exit codes, undo. `case_…` run in a namespace."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netsetup.arguments import add_apply_arguments, add_plan_arguments, again
from netsetup.cli import COMMANDS, main
from tests.netns.lan import halt_at
from tests.netsetup.conftest import Inside

STATIC = ("--parent", "p0", "--static", "10.77.0.101/24", "--gateway", "10.77.0.1")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["dance"], "invalid choice"),
        (["plan", "--count", "many"], "invalid int"),
        (["plan", "--static", "10.77.0.101"], "write 10.77.0.101/24"),
        (["plan", "--gateway", "x"], "x is not an IPv4 address"),
        (["plan", "--dhcp", "--static", "10.77.0.101/24"], "not allowed with"),
        (["apply", "--yes", "--digest", "d"], "not allowed with"),
    ],
)
def test_wrong_usage_ends_with_1(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "how", ["--dhcp", "--static 10.77.0.101/24 --gateway 10.77.0.1 --exclude 10.77.0.110,10.77.1.0/28"]
)
def test_the_command_that_a_dry_run_names_wishes_the_same(how: str) -> None:
    planning, applying = argparse.ArgumentParser(), argparse.ArgumentParser()
    add_plan_arguments(planning)
    add_apply_arguments(applying)
    words = f"--parent eth0 --count 32 {how} --exclude 10.77.0.9 --mac-prefix a2:6f --name-prefix vcamx --state /s"
    planned = planning.parse_args(words.split())
    program, verb, *rest = shlex.split(again(planned, "--digest d"))
    assert (program, verb) == ("netsetup", "apply")
    applied = vars(applying.parse_args(rest))
    assert applied["digest"] == "d"
    assert vars(planned).items() <= applied.items()


def test_every_command_can_be_asked_for_help() -> None:
    for command in COMMANDS:
        with pytest.raises(SystemExit) as ended, contextlib.redirect_stdout(io.StringIO()):
            main([command, "--help"])
        assert ended.value.code == 0, command


def test_it_starts_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "netsetup"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.startswith("usage: netsetup")


def test_a_damaged_state_is_said_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plans.json").write_text("{")
    assert main(["status", "--state", str(tmp_path)]) == 1
    assert "plans.json is damaged. Move it away" in capsys.readouterr().err
    assert main(["status", "--json", "--state", str(tmp_path)]) == 1
    assert "Move it away" in json.loads(capsys.readouterr().out)["hint"]


def test_a_file_that_is_no_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("", "[]", '{"plans": 7}', '{"plans": [{}], "digest": ""}'):
        (tmp_path / "p").write_text(text)
        assert main(["apply", str(tmp_path / "p"), "--yes", "--state", str(tmp_path)]) == 1
        assert "is not a plan" in capsys.readouterr().err


def test_from_plan_to_undo_and_remove(inside: Inside) -> None:
    inside(__file__, "case_whole_life")


def test_taken_addresses_are_found_before_anything_is_done(inside: Inside) -> None:
    inside(__file__, "case_taken_address")


def test_the_config_limits_root_too(inside: Inside) -> None:
    inside(__file__, "case_limits")


def test_a_full_disk_changes_nothing(inside: Inside) -> None:
    inside(__file__, "case_full_disk")


def test_ctrl_c_puts_everything_back(inside: Inside) -> None:
    inside(__file__, "case_interrupted")


def test_two_at_once_do_not_mix(inside: Inside) -> None:
    inside(__file__, "case_two_at_once")


class Cli:
    """`netsetup` with a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.config = folder / "netsetup.toml"

    def __call__(self, *arguments: str, code: int | None = 0) -> str:
        """`code` is what it must end with; None: whatever."""
        command, *rest = arguments
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            ended = main([command, "--state", str(self.state), "--config", str(self.config), *rest])
        assert code in (None, ended), (ended, out.getvalue(), err.getvalue())
        return out.getvalue() + err.getvalue()

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code))


def network() -> str:
    """Links, addresses, routes, rules and the parent's setting; not the operational states, which come late."""

    def ip(words: str) -> str:
        return subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True).stdout

    brief = [line.split() for line in (ip("-br link") + ip("-br -4 addr")).splitlines()]
    said = "".join(f"{name} {' '.join(word for word in rest if '<' not in word)}\n" for name, _, *rest in brief)
    routes = ip("-4 route show table all").replace(" linkdown", "")
    return said + routes + ip("rule") + Path("/proc/sys/net/ipv4/conf/p0/arp_ignore").read_text()


def unchanged(before: str) -> None:
    now, was = set(network().splitlines()), set(before.splitlines())
    assert now == was, f"new: {now - was}, gone: {was - now}"


def case_whole_life(folder: Path) -> None:
    netsetup = Cli(folder)
    untouched = network()
    assert "No interfaces are planned" in netsetup("status")
    assert "Give --parent and --count" in netsetup("plan", code=1)
    assert not netsetup.state.exists()
    assert "There is no plan yet" in netsetup("apply", "--yes", code=1)
    assert "There is no interface eth7" in netsetup("plan", "--parent", "eth7", "--count", "1", code=1)
    shown = netsetup("plan", *STATIC, "--count", "3")
    assert "add interface vcam3" in shown and "Nothing was changed" in shown
    command = shown.splitlines()[-1].partition("To do it: netsetup ")[2]
    netsetup("remove", "--all")
    assert "add interface vcam3" in netsetup(*command.rpartition(" --digest ")[0].split())
    netsetup("plan", *STATIC, "--count", "3", "--detailed-exitcode", code=2)
    data = netsetup.json("plan", *STATIC, "--count", "3")
    file = folder / "plan.json"
    file.write_text(json.dumps(data))
    assert "Nothing was changed" in netsetup("apply", str(file))
    unchanged(untouched)

    assert "not as it was when the plan was made" in netsetup(
        "apply", *STATIC, "--count", "3", "--digest", "0" * 12, code=1
    )
    unchanged(untouched)
    setting = Path("/proc/sys/net/ipv4/conf/p0/arp_ignore")
    setting.write_text("1")  # the host is not as it was shown: one step less
    other = network()
    for wish in ([str(file), "--yes"], [*STATIC, "--count", "3", "--digest", data["digest"]]):
        assert "not as it was when the plan was made" in netsetup("apply", *wish, code=1)
    unchanged(other)
    setting.write_text("0")
    changed = netsetup.json("apply", str(file), "--yes", "--no-probe", "--detailed-exitcode", code=2)
    assert changed["changed"] == data["changes"]
    assert netsetup.json("apply", str(file), "--yes", "--detailed-exitcode")["changed"] == []
    three = network()
    assert stat.S_IMODE(netsetup.state.stat().st_mode) == 0o700
    assert {stat.S_IMODE(x.stat().st_mode) for x in netsetup.state.iterdir()} == {0o600}
    rows = netsetup.json("status")["interfaces"]
    assert [(row["name"], row["state"]) for row in rows] == [("vcam1", "ok"), ("vcam2", "ok"), ("vcam3", "ok")]

    subprocess.run(["ip", "link", "del", "vcam2"], check=True)
    subprocess.run(["ip", "rule", "del", "pref", "12003"], check=True)
    states = {row["name"]: row["state"] for row in netsetup.json("status", "--detailed-exitcode", code=2)["interfaces"]}
    assert states == {"vcam1": "ok", "vcam2": "missing", "vcam3": "not as planned"}
    assert "pending" in netsetup("status")
    netsetup("apply", "--yes", "--no-probe")
    unchanged(three)

    later = netsetup("plan", "--parent", "p0", "--count", "3", "--static", "10.77.0.150/24")
    assert "10.77.0.150/24 is for new ones: the addresses of vcam1, vcam2 and vcam3 stay." in later
    digest = netsetup.json("plan", "--parent", "p0", "--count", "5")["digest"]
    netsetup("apply", "--parent", "p0", "--count", "5", "--digest", digest, "--no-probe")
    assert len(netsetup.json("status")["interfaces"]) == 5
    assert "remove interfaces vcam4, vcam5" in netsetup("undo")
    assert len(netsetup.json("status")["interfaces"]) == 5
    netsetup("undo", "--yes", "--no-probe")
    unchanged(three)

    assert "no interface vcam9" in netsetup("remove", "vcam9", "--yes", code=1)
    assert "Give their names, or --all" in netsetup("remove", "--yes", code=1)
    assert "Nothing was changed" in netsetup("remove", "vcam2")
    netsetup("remove", "vcam2", "--yes", "--detailed-exitcode", code=2)
    assert [row["name"] for row in netsetup.json("status")["interfaces"]] == ["vcam1", "vcam3"]
    netsetup("undo", "--yes", "--no-probe")
    unchanged(three)

    assert "3 wait for an address" in netsetup("apply", "--parent", "p0", "--dhcp", "--yes")
    assert {row["state"] for row in netsetup.json("status")["interfaces"]} == {"waiting for address"}
    netsetup("remove", "--all", "--yes")
    unchanged(untouched)
    assert "Nothing to change" in netsetup("remove", "--all", "--yes", "--detailed-exitcode")
    for _ in range(3):
        netsetup("undo", "--yes", "--no-probe")
    unchanged(untouched)
    assert "Nothing to undo" in netsetup("undo", "--yes", "--no-probe")


def case_taken_address(folder: Path) -> None:
    netsetup = Cli(folder)
    holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo made; exec cat"], stdin=-1, stdout=-1)
    try:
        assert holder.stdout and holder.stdout.readline() == b"made\n"
        subprocess.run(["ip", "link", "set", "p1", "netns", str(holder.pid)], check=True)
        enter = ["nsenter", "-t", str(holder.pid), "-n", "ip"]
        subprocess.run([*enter, "link", "set", "p1", "address", "02:00:00:00:00:55", "up"], check=True)
        subprocess.run([*enter, "addr", "add", "10.77.0.102/24", "dev", "p1"], check=True)
        untouched = network()
        said = netsetup("apply", *STATIC, "--count", "3", "--yes", code=1)
        assert "already used by other devices: 10.77.0.102 by 02:00:00:00:00:55" in said
        assert "--exclude" in said
        unchanged(untouched)
        netsetup("apply", *STATIC, "--count", "2", "--exclude", "10.77.0.102", "--yes", "--no-probe")
        rows = netsetup.json("status")["interfaces"]
        assert [row["address"] for row in rows] == ["10.77.0.101/24", "10.77.0.103/24"]
    finally:
        assert holder.stdin and holder.stdout
        holder.stdin.close()
        holder.stdout.close()
        holder.wait(60)


def case_limits(folder: Path) -> None:
    netsetup = Cli(folder)
    netsetup.config.write_text('parents = ["p2"]\n')
    assert "p0 is not allowed as parent" in netsetup("plan", *STATIC, "--count", "1", code=1)
    netsetup.config.write_text('parents = ["p0"]\nmost = 2\n')
    assert "At most 2 interfaces" in netsetup("plan", *STATIC, "--count", "3", code=1)
    netsetup("plan", *STATIC, "--count", "2")


def case_full_disk(folder: Path) -> None:
    netsetup = Cli(folder)
    netsetup.state.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=44k,mode=700", "tmpfs", str(netsetup.state)], check=True)
    netsetup("apply", *STATIC, "--count", "1", "--yes", "--no-probe")
    one = network()
    filled, refused = netsetup.state / "filled", set[str]()
    for free in range(0, 12):  # fails at ever later files
        filled.write_bytes(b"")
        with contextlib.suppress(OSError), filled.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        os.truncate(filled, max(0, filled.stat().st_size - 4096 * free))
        said = netsetup("apply", *STATIC, "--count", "20", "--yes", "--no-probe", code=None)
        if "Is the disk full?" not in said:
            break
        refused.add(said.partition("netsetup: ")[2].split(":")[0])
        unchanged(one)
    assert len(refused) == 2, refused  # before the kernel was touched, and after
    assert len(netsetup.json("status", "--detailed-exitcode")["interfaces"]) == 20


def case_interrupted(folder: Path) -> None:
    netsetup = Cli(folder)
    before = network()
    words = ["--state", str(netsetup.state), "--config", str(netsetup.config), *STATIC, "--yes", "--no-probe"]
    running = subprocess.Popen(
        [sys.executable, "-m", "netsetup", "apply", "--count", "150", *words],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    halted = halt_at(running, "interfaces", lambda: any(name == "vcam9" for _, name in socket.if_nameindex()))
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGCONT)
    _, said = running.communicate(timeout=60)
    assert halted and running.returncode == 1, said
    assert said == "netsetup: interrupted; everything is as it was.\n", said
    unchanged(before)
    assert netsetup.json("status")["interfaces"] == []


def case_two_at_once(folder: Path) -> None:
    netsetup = Cli(folder)
    words = ["--state", str(netsetup.state), "--config", str(netsetup.config), *STATIC, "--yes", "--no-probe"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "netsetup", "apply", "--count", str(count), *words],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        for count in (2, 5)
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    rows = netsetup.json("status", "--detailed-exitcode")["interfaces"]
    assert len(rows) in (2, 5) and {row["state"] for row in rows} == {"ok"}
    assert len({name for _, name in socket.if_nameindex() if name.startswith("vcam")}) == len(rows)
