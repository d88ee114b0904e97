"""The SSH server as `netsetup install` sets it up, under a real systemd: who may log in, what sessions may do to the
machine, and that it comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .booted import Booted, skip_unless_bootable
from .lan import HOST, PATIENCE_S, Lan, wait_until
from .talk import can_reach

NETSETUP = "/opt/onviftui/.venv/bin/netsetup"
SERVICE = "onviftui-ssh.service"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short names: the sockets in it."""
    with tempfile.TemporaryDirectory(prefix="ssh-") as made:
        yield Path(made)


@pytest.fixture
def machine(lan: Lan, folder: Path) -> Iterator[Booted]:
    skip_unless_bootable()
    made = Booted(lan, folder)
    try:
        made.boot()
        yield made
    finally:
        made.close()


class Person:
    """Somebody on the LAN with a key of his own and the real `ssh`."""

    def __init__(self, lan: Lan, folder: Path, name: str) -> None:
        self._lan = lan
        self._key = folder / f"{name}-key"
        lan.recorder.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self._key])
        self.public = Path(f"{self._key}.pub").read_text()

    def ssh(self, *words: str, code: int = 0, stdin: str = "") -> str:
        """What came, both ways."""
        done = self._lan.recorder.run(self._command(*words), input=stdin, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def opens_the_ui(self) -> str:
        """Its first frame, and everything until it was left with `q`."""
        pipe = subprocess.PIPE
        process = self._lan.recorder.popen(
            self._command(options=("-tt",)), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
        )
        assert process.stdin and process.stdout
        seen = b""
        with process.stdin as keys, process.stdout as screen:
            while b"help" not in seen:  # the end of the footer
                seen += (more := os.read(screen.fileno(), 65536))
                assert more, seen
            keys.write("q")
            keys.flush()
            while more := os.read(screen.fileno(), 65536):
                seen += more
            assert process.wait(PATIENCE_S) == 0, seen
        return seen.decode()

    def _command(self, *words: str, options: tuple[str, ...] = ()) -> list[str | Path]:
        safe = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "IdentitiesOnly=yes")
        settings = [word for option in (*safe, "BatchMode=yes", "ConnectTimeout=10") for word in ("-o", option)]
        own: list[str | Path] = ["ssh", "-F", "none", "-p", "2222", "-i", self._key]
        return [*own, *settings, *options, f"cameras@{HOST}", *words]


def main_pid(machine: Booted) -> str:
    return machine.run("systemctl", "show", "-P", "MainPID", SERVICE).strip()


def inside(machine: Booted, *words: str, code: int = 0) -> str:
    """As a session of the service: in its mounts, as its user, with its groups."""
    pid = main_pid(machine)
    groups = machine.run("sh", "-c", f"sed -n 's/^Groups:[[:space:]]*//p' /proc/{pid}/status").split()
    ids = [machine.run("id", flag, "onviftui").strip() for flag in ("-u", "-g")]
    enter = ["nsenter", "-t", pid, "-m", "--", "setpriv", "--reuid", ids[0], "--regid", ids[1]]
    return machine.run(*enter, "--groups", ",".join(groups), "--", *words, code=code)


def test_from_the_first_key_over_a_colleague_to_a_crash(machine: Booted, lan: Lan, folder: Path) -> None:
    if shutil.which("ssh") is None:
        pytest.skip("the ssh client is not installed (Debian: apt install openssh-client)")
    anna, ben = Person(lan, folder, "anna"), Person(lan, folder, "ben")
    install = (NETSETUP, "install", "--parent", "eth0", "--yes", "--admin-name", "anna", "--admin-key", "-")
    # Where another program has the port nothing is installed, and it says what stands in the way.
    python = "/opt/onviftui/.venv/bin/python"
    machine.run("systemd-run", "--unit=other", python, "-m", "http.server", "2222")
    wait_until("another program has the port", lambda: can_reach(lan.recorder, HOST, 2222))
    refused = machine.run(*install, stdin=anna.public, code=1)
    assert "Everything is as it was before." in refused and "onviftui-ssh.service" in refused
    assert not (folder / "etc/systemd/system/onviftui-ssh.service").exists()
    assert not (folder / "var/lib/onviftui/authorized_keys").exists()
    assert "Port 2222 is taken by another program." in machine.log()
    machine.run("systemctl", "stop", "other")

    said = machine.run(*install, stdin=anna.public)
    assert f"Log in by SSH: ssh -p 2222 cameras@{HOST}" in said
    assert "Everything is installed." in machine.run(*install, stdin=anna.public)

    # The administrator works from afar, and lets a colleague look.
    assert json.loads(anna.ssh("status", "--json"))["role"] == "admin"
    frame = anna.opens_the_ui()
    assert "onviftui" in frame and "\x1b[?1049l" in frame
    ben.ssh("status", code=255)
    anna.ssh("user", "add", "ben", "--role", "viewer", "--key-stdin", stdin=ben.public)
    assert json.loads(ben.ssh("status", "--json"))["role"] == "viewer"
    assert "user.list needs admin" in ben.ssh("user", "list", code=4)
    added = ("nvr", "add", "--host", "10.77.0.30", "--user", "u", "--password-stdin")
    assert "nvr.add needs admin" in ben.ssh(*added, code=4, stdin="secret\n")
    anna.ssh(*added, stdin="secret\n")
    log = machine.run("onviftui", "log", "tail")
    assert "(anna via onviftui)" in log and "ben via" not in log

    # Nothing of the machine is the service's but its own folder.
    rows = machine.run("cat", f"/proc/{main_pid(machine)}/status").splitlines()
    status = {key: value.split() for key, _, value in (row.partition(":") for row in rows)}
    assert all(int(status[kind][0], 16) == 0 for kind in ("CapPrm", "CapEff", "CapBnd", "CapAmb"))
    assert (status["NoNewPrivs"], status["Seccomp"]) == (["1"], ["2"])
    children = machine.run("cat", f"/proc/{main_pid(machine)}/task/{main_pid(machine)}/children").split()
    assert machine.run("cat", *(f"/proc/{pid}/oom_score_adj" for pid in children)).split() == [
        "500"
    ]  # before the front
    inside(machine, "test", "-r", "/var/lib/onviftui/authorized_keys")
    for path in ("/var/lib/onviftui", "/var/lib/onviftui/authorized_keys", "/var/lib/proxyd", "/etc", "/run/proxyd"):
        inside(machine, "test", "-w", path, code=1)
    inside(machine, "test", "-r", "/var/lib/proxyd/proxyd.db", code=1)
    inside(machine, "test", "-w", "/var/lib/onviftui-ssh")
    modes = machine.run("stat", "-c", "%a %U %G %n", "/var/lib/onviftui", "/var/lib/onviftui/authorized_keys")
    assert modes.splitlines() == [
        "750 proxyd proxyd /var/lib/onviftui",
        "640 proxyd proxyd /var/lib/onviftui/authorized_keys",
    ]
    key = machine.run("stat", "-c", "%a %U", "/var/lib/onviftui-ssh/ssh_host_ed25519_key").strip()
    assert key == "600 onviftui"

    # A ceiling for all who come by SSH, whatever they are otherwise.
    (folder / "etc/proxyd/proxyd.toml").write_text('[access]\nonviftui = "operator"\n')
    machine.run("systemctl", "restart", "proxyd")
    assert json.loads(anna.ssh("status", "--json"))["role"] == "operator"
    (folder / "etc/proxyd/proxyd.toml").unlink()
    machine.run("systemctl", "restart", "proxyd")

    # It dies, and comes back with the same key; uninstalled and installed again everybody is still known.
    host_key = machine.run("cat", "/var/lib/onviftui-ssh/ssh_host_ed25519_key")
    machine.run("systemctl", "kill", "--signal=KILL", SERVICE)
    restarts = ("systemctl", "show", "-p", "ActiveState,NRestarts", SERVICE)
    wait_until("it is back", lambda: set(machine.run(*restarts).split()) == {"ActiveState=active", "NRestarts=1"})
    assert json.loads(anna.ssh("status", "--json"))["role"] == "admin"
    machine.run("netsetup", "uninstall", "--yes")
    machine.run(*install[:5])
    assert json.loads(ben.ssh("status", "--json"))["role"] == "viewer"
    assert machine.run("cat", "/var/lib/onviftui-ssh/ssh_host_ed25519_key") == host_key
    machine.run("netsetup", "uninstall", "--purge", "--yes")
    left = machine.run("sh", "-c", "ls -d /var/lib/onviftui* /etc/*/onviftui*; grep onviftui /etc/passwd", code=None)
    assert "onviftui:" not in left and left.count("No such file") == 2
