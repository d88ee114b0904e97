"""Interfaces: netsetup beside ip(8) doing the same, leases, repair, and the frames of 128 cameras.

All in network namespaces of its own; nothing of the machine's network is touched.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.netns import recipe
from tests.netns.applied import Netsetup
from tests.netns.dhcp_servers import SERVERS
from tests.netns.lan import Lan, Namespace, refusal
from tests.netns.recipe import Camera
from tests.netns.verdict import watch_visits

from . import interfaces_live

CAMERAS = 128
_ROUNDS = 3


async def run() -> dict[str, object]:
    if reason := refusal():
        return {"skipped": reason}
    return {
        "cameras": CAMERAS,
        **await asyncio.to_thread(measure),
        "leases": {server: await asyncio.to_thread(interfaces_live.leases, server, CAMERAS) for server in SERVERS},
        **await asyncio.to_thread(interfaces_live.repair, CAMERAS),
        "probe": await interfaces_live.probe(CAMERAS),
    }


def measure(count: int = CAMERAS) -> dict[str, object]:
    chosen = recipe.cameras(count)
    by_hand: dict[str, list[float]] = {"make": [], "remove one by one": [], "remove": []}
    ours: dict[str, list[float]] = {"apply": [], "apply again": [], "remove": []}
    for _ in range(_ROUNDS):
        _time_ip(chosen, by_hand)
        _time_netsetup(count, ours)
    return {
        "ip_batch_s": _medians(by_hand),
        "netsetup_s": _medians(ours),
        "apply_ratio": round(statistics.median(ours["apply"]) / statistics.median(by_hand["make"]), 2),
        "remove_ratio": round(statistics.median(ours["remove"]) / statistics.median(by_hand["remove one by one"]), 2),
        "frames": _frames(count),
    }


def _medians(times: dict[str, list[float]]) -> dict[str, float]:
    return {what: round(statistics.median(seconds), 3) for what, seconds in times.items()}


def _timed(into: list[float], work: Callable[[], object]) -> None:
    began = time.perf_counter()
    work()
    into.append(time.perf_counter() - began)


def _time_ip(chosen: Sequence[Camera], times: dict[str, list[float]]) -> None:
    """Removing by hand: one by one as people do it, and as fast as ip(8) can, by interface group."""
    for way in ("remove one by one", "remove"):
        with Lan() as lan:
            _timed(times["make"], partial(recipe.make, lan.host, chosen, "full"))
            _timed(times[way], partial(_remove_by_hand, lan.host, chosen, group=way == "remove"))
            assert "vcam" not in lan.host.run(["ip", "link"]).stdout


def _remove_by_hand(host: Namespace, chosen: Sequence[Camera], *, group: bool) -> None:
    rules = ["rule del pref 10000", "rule del pref 11500", "rule del pref 15000"]
    for index in range(1, len(chosen) + 1):
        rules += [f"rule del pref {10000 + index}", f"rule del pref {12000 + index}"]
        rules.append(f"route flush table {7000 + index}")
    if group:
        links = [f"link set {camera.name} group 77" for camera in chosen] + ["link del group 77"]
    else:
        links = [f"link del {camera.name}" for camera in chosen]
    host.ip("\n".join([*rules, *links]))


def _time_netsetup(count: int, times: dict[str, list[float]]) -> None:
    with Lan() as lan, TemporaryDirectory() as folder:
        netsetup = Netsetup(lan, Path(folder))
        _timed(times["apply"], lambda: netsetup.apply(count))
        _timed(times["apply again"], lambda: netsetup.apply(count))
        _timed(times["remove"], lambda: netsetup("remove", "--all", "--yes"))
        assert "vcam" not in lan.host.run(["ip", "link"]).stdout


def _frames(count: int) -> dict[str, Any]:
    """What the examination of tests/netns says of this many cameras."""
    with Lan() as lan, TemporaryDirectory() as folder:
        near, routed = watch_visits(lan, Netsetup(lan, Path(folder)).apply(count))
    return {"same LAN": str(near), "through a router": str(routed), "right": near.right and routed.right}
