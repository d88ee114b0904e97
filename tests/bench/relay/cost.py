"""Rows that compare CPU, delay and throughput of one stream per client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from . import peers, product
from .engines import Direct, Engine, Media, Proxy
from .loads import Load, bursts, flat_out, smooth
from .measuring import Run, goal, in_turns, median, summary
from .peers import Place
from .programs import Absent
from .settings import Settings

NODE, HAPROXY, SPLICE = "node-tcp-proxy", "haproxy", "C splice"
MEDIA, IMMEDIATE, DAEMON = "onviftui media", "onviftui media, 0 ms", "onviftui daemon"


async def frame64(settings: Settings, place: Place) -> dict[str, object]:
    return await _paced(settings, place, bursts(64), node=0.45, haproxy=0.55)


async def smooth64(settings: Settings, place: Place) -> dict[str, object]:
    return await _paced(settings, place, smooth(64), node=0.25, haproxy=0.35)


async def flat1(settings: Settings, place: Place) -> dict[str, object]:
    return await _flat(settings, place, 1)


async def flat16(settings: Settings, place: Place) -> dict[str, object]:
    return await _flat(settings, place, 16)


async def _paced(settings: Settings, place: Place, load: Load, *, node: float, haproxy: float) -> dict[str, object]:
    runs, absent = await _compare(settings, place, load, paced=True)
    goals: dict[str, object] = {}
    for ours in (MEDIA, DAEMON):
        for peer, limit in ((NODE, node), (HAPROXY, haproxy)):
            if peer in runs:
                goals[f"CPU, {ours} to {peer}"] = goal(_ratio(runs, ours, peer, "cpu_s_per_gb"), at_most=limit)
        added_ms = median(runs[ours], "p99_ms") - median(runs["direct"], "p99_ms")
        goals[f"p99 added by {ours}, ms"] = goal(added_ms, at_most=6)
    goals[f"CPU, {IMMEDIATE} to {SPLICE}"] = goal(_ratio(runs, IMMEDIATE, SPLICE, "cpu_s_per_gb"), at_most=1.35)
    return _row(runs, absent, goals)


async def _flat(settings: Settings, place: Place, streams: int) -> dict[str, object]:
    runs, absent = await _compare(settings, place, flat_out(streams), paced=False)
    goals: dict[str, object] = {}
    if NODE in runs:
        goals[f"CPU, {MEDIA} to {NODE}"] = goal(_ratio(runs, MEDIA, NODE, "cpu_s_per_gb"), at_most=0.5)
        goals[f"throughput, {MEDIA} to {NODE}"] = goal(_ratio(runs, MEDIA, NODE, "mbit_per_s"), at_least=1.2)
    return _row(runs, absent, goals)


async def _compare(
    settings: Settings, place: Place, load: Load, *, paced: bool
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """Runs by engine, and why others are absent. What is not paced is about throughput: it has all cores."""
    absent: dict[str, str] = {}
    async with AsyncExitStack() as exits:
        engines: list[Engine] = [Direct(place.folder)]
        for name in peers.COMMANDS:
            try:
                engines.append(Proxy(place.folder, exits.enter_context(peers.running(name, place))))
            except Absent as error:
                absent[name] = str(error)
                print(f"  {name} is absent: {error}", file=sys.stderr, flush=True)
        engines.append(exits.enter_context(Media(place.folder)))
        engines.append(exits.enter_context(Media(place.folder, moderation_ms=0)))
        if paced:
            engines.append(await exits.enter_async_context(product.running(place.folder, load)))
        runs = await asyncio.to_thread(
            in_turns, engines, load, place.folder, rounds=settings.rounds, window_s=settings.window_s, apart=paced
        )
    return runs, absent


def _ratio(runs: Mapping[str, Sequence[Run]], ours: str, peer: str, field: str) -> float:
    return median(runs[ours], field) / median(runs[peer], field)


def _row(runs: Mapping[str, Sequence[Run]], absent: Mapping[str, str], goals: object) -> dict[str, object]:
    direct = runs["direct"]
    return {
        "engines": {name: summary(some, direct) for name, some in runs.items()},
        "ratios of CPU": {
            ours: {
                name: round(_ratio(runs, ours, name, "cpu_s_per_gb"), 2)
                for name in runs
                if name != "direct" and not name.startswith("onviftui")
            }
            for ours in runs
            if ours.startswith("onviftui")
        },
        **({"absent": dict(absent)} if absent else {}),
        "goals": goals,
    }
