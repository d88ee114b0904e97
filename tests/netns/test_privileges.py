"""The arm does its work with what its unit leaves it: two capabilities and three kinds of sockets."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from pathlib import Path

from .lan import ROOT, Lan, skip_unless_possible, wait_until

UNIT = (ROOT / "contrib/systemd/netsetup.service").read_text()
STATIC = ["--parent", "eth0", "--count", "3", "--static", "10.77.0.101/24", "--yes", "--no-probe"]
# Notes the family of every socket that the program makes; -1 is a descriptor that was handed in.
WITNESS = """
import runpy, sys
families = set()
place = sys.argv.pop(1)
def hook(event, arguments):
    if event == "socket.__new__" and arguments[1] != -1:
        families.add(int(arguments[1]))
        with open(place, "w") as file:
            file.write(" ".join(map(str, sorted(families))))
sys.addaudithook(hook)
sys.argv[0] = "netsetup"
runpy.run_module("netsetup", run_name="__main__")
"""


def setting(name: str) -> list[str]:
    found = re.search(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    assert found
    return found[1].split()


def test_the_arm_needs_no_more_than_its_unit_gives(tmp_path: Path) -> None:
    skip_unless_possible()
    state, config, seen, place = (tmp_path / name for name in ("state", "limits.toml", "families", "s"))
    config.write_text('parents = ["eth0"]\n')
    places = ["--state", str(state), "--config", str(config)]
    capabilities = ",".join("+" + name.removeprefix("CAP_").lower() for name in setting("CapabilityBoundingSet"))
    confined = ["setpriv", "--no-new-privs", "--bounding-set", f"-all,{capabilities}", "--"]
    with Lan() as lan:
        lan.host.run([sys.executable, "-m", "netsetup", "apply", *STATIC, *places])
        serve = ["serve", *places, "--socket", str(place)]
        arm = lan.host.popen([*confined, sys.executable, "-c", WITNESS, str(seen), *serve])
        wait_until("the arm serves", place.exists)
        lan.host.ip("link del vcam2")
        wait_until("vcam2 is back", lambda: "10.77.0.102" in lan.host.run(["ip", "-br", "addr"]).stdout)
        wait_until("its sysctls too", lambda: lan.host.sysctl("net/ipv4/conf/vcam2/arp_announce") == "2")
        doctor = ["doctor", "--json", "--socket", str(place), "--state", str(state)]
        answer = json.loads(lan.host.run([sys.executable, "-m", "netsetup", *doctor], check=False).stdout)
        assert [x["what"] for x in answer["findings"] if x["severity"] == "problem"] == []
        assert sum(x["id"] == "camera-ok" for x in answer["findings"]) == 3
        assert lan.host.end(arm, signal.SIGTERM) == 0
    used = {socket.AddressFamily(int(word)).name for word in seen.read_text().split()}
    assert used <= set(setting("RestrictAddressFamilies"))
