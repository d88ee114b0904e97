"""A restore under a real systemd: the unit stays active in the same process, and its sandbox allows all of it."""

from __future__ import annotations

import json

from .booted import Booted
from .lan import wait_until
from .test_systemd import NETSETUP

PASSPHRASE = "correct horse battery\n"


def unit(machine: Booted) -> dict[str, str]:
    words = ("systemctl", "show", "-p", "ActiveState,NRestarts,MainPID", "proxyd.service")
    return dict(line.split("=", 1) for line in machine.run(*words).splitlines())


def test_a_restore_keeps_the_unit_active_in_the_same_process(machine: Booted) -> None:
    machine.run(NETSETUP, "install", "--parent", "eth0", "--yes")
    before = unit(machine)
    made = json.loads(machine.run("onviftui", "backup", "create", "--passphrase-stdin", "--json", stdin=PASSPHRASE))
    add = ("onviftui", "nvr", "add", "--host", "192.0.2.9", "--user", "admin", "--password-stdin")
    machine.run(*add, stdin="nvr-password\n")
    restore = ("onviftui", "backup", "restore", made["name"], "--passphrase-stdin", "--yes")
    assert "proxyd starts anew" in machine.run(*restore, stdin=PASSPHRASE)

    def restored() -> bool:
        listed = machine.run("onviftui", "nvr", "list", "--json", code=None)
        return listed.strip() == "[]"

    wait_until("the state of the backup", restored)
    assert unit(machine) == before | {"ActiveState": "active"}
    kept = machine.run("ls", "-l", "/var/lib/proxyd/backups").splitlines()[1:]
    assert len(kept) == 2 and all(line.startswith("-rw-------") for line in kept)
    assert "restore.db" not in machine.run("ls", "/var/lib/proxyd")
