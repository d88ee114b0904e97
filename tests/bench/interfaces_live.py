"""What the running arm and proxyd need for 128 cameras: leases, repair, one Probe answered by all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.netns.chain import Chain, all_running, new_chain, wait_for_cameras
from tests.netns.dhcp_servers import SERVERS
from tests.netns.lan import Lan, wait_until

from .measure import cpu_s, spread

_REPAIRS = 5
_SECOND_NVR = "10.77.0.31"
_SIMULATED = 64  # channels that one simulated NVR has at most
# Waits in the host's namespace for everything of vcam7 to be there again; prints the seconds.
_REPAIR = """
import subprocess, time
def out(*words): return subprocess.run(["ip", *words], capture_output=True, text=True).stdout
def whole():
    routes, rule = out("route", "show", "table", "7007"), out("rule", "show", "pref", "12007")
    return ("unreachable" in routes and "default via" in routes and "lookup 7007" in rule
            and "inet " in out("-4", "addr", "show", "vcam7"))
assert whole()
subprocess.run(["ip", "link", "del", "vcam7"], check=True)
began = time.perf_counter()
while not whole():
    assert time.perf_counter() - began < 20
print(time.perf_counter() - began)
"""
_PROBE = """
import asyncio, json, sys, time
from tests.netns import recorder
began = time.perf_counter()
found = asyncio.run(recorder.find("eth0", int(sys.argv[1])))
print(json.dumps({"answered": len(found), "seconds": round(time.perf_counter() - began, 3)}))
"""


@contextmanager
def _chain() -> Iterator[Chain]:
    with Lan() as lan, new_chain(lan) as chain:
        yield chain


def leases(server: str, count: int) -> dict[str, Any]:
    """From the arm's start to the last lease, and to the last address in the kernel (ACD takes its seconds)."""
    with _chain() as chain, TemporaryDirectory() as folder:
        SERVERS[server](chain.lan.router, Path(folder))
        chain.netsetup("apply", "--parent", "eth0", "--count", str(count), "--dhcp", "--yes")
        began = time.perf_counter()
        chain.start_arm()
        assert chain.arm
        ready = time.perf_counter()

        def rows() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = chain.ask_arm(do="status")["cameras"]
            return found

        wait_until("answers", lambda: all(r["server"] or r["address"] or r["phase"] == "checking" for r in rows()), 90)
        answered = time.perf_counter()
        wait_until("leases", lambda: all(row["address"] for row in rows()), 120)
        done = time.perf_counter()
        return {
            "arm_started_s": round(ready - began, 2),
            "all_offered_s": round(answered - ready, 2),
            "all_in_use_s": round(done - ready, 2),
            "arm_cpu_s": round(cpu_s(chain.arm.pid), 2),
        }


def repair(count: int) -> dict[str, Any]:
    """Seconds from `ip link del` to everything of that camera being back."""
    with _chain() as chain:
        chain.netsetup.apply(count)
        chain.start_arm()
        times = []
        for _ in range(_REPAIRS):
            times.append(float(chain.lan.host.python(_REPAIR)))
            wait_until("settled", lambda: chain.netsetup("status", "--detailed-exitcode", check=False).returncode == 0)
        return {"repair_s": spread(times)}


async def probe(count: int) -> dict[str, Any]:
    """One multicast Probe to proxyd with that many cameras, answered within APP_MAX_DELAY (0.5 s) and the work."""
    with _chain() as chain:
        chain.netsetup.apply(count)
        chain.start_nvr(min(count, _SIMULATED))
        if count > _SIMULATED:
            chain.lan.nvr.ip(f"address add {_SECOND_NVR}/24 dev eth0")
            chain.start_nvr(count - _SIMULATED, host=_SECOND_NVR)
        chain.start_proxyd()
        async with chain.client() as client:
            await chain.adopt_nvr(client)
            if count > _SIMULATED:
                await chain.adopt_nvr(client, _SECOND_NVR)
            await wait_for_cameras(client, "all run", all_running(count), 60)
            assert chain.proxyd
            before = cpu_s(chain.proxyd.pid)
            said = await asyncio.to_thread(chain.lan.recorder.python, _PROBE, str(count))
            return {**json.loads(said), "proxyd_cpu_s": round(cpu_s(chain.proxyd.pid) - before, 3)}
