"""Rows about several clients of one stream, and about a client that stops reading."""

from __future__ import annotations

import asyncio
import math
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from tests.bench.measure import rss_mb

from . import peers
from .cost import HAPROXY, MEDIA, NODE
from .engines import Engine, Media, Proxy
from .loads import Load, bursts
from .measuring import WARM_UP_S, Run, goal, measure, median, summary
from .peers import Place
from .programs import Absent, Sink
from .settings import Settings

_CLIENTS = 64
_BASE_S = 20.0
_ENOUGH_MB = 1000.0  # of growth: nothing more is learned, and the machine needs its memory
_SAMPLE_S = 0.1
_WINDOW_S = 2.0


async def fanout(settings: Settings, place: Place) -> dict[str, object]:
    """64 clients in all: each with an upstream of its own, or 4 or 16 of them on one."""
    return await asyncio.to_thread(_fanout, settings, place)


def _fanout(settings: Settings, place: Place) -> dict[str, object]:
    shares = (1, 4, 16)
    runs: dict[int, list[Run]] = {clients: [] for clients in shares}
    with ExitStack() as exits:
        engines = {clients: exits.enter_context(Media(place.folder, clients=clients)) for clients in shares}
        for number in range(settings.rounds):
            for clients in shares[:: 1 if number % 2 == 0 else -1]:
                load = bursts(_CLIENTS // clients)
                run = measure(engines[clients], load, place.folder, settings.window_s, apart=True)
                runs[clients].append(run)
                print(f"  {clients} clients per upstream: {run.cpu_s_per_gb:.2f} s/GB", file=sys.stderr, flush=True)
    alone = median(runs[1], "cpu_s_per_gb")
    return {
        "engines": {f"{MEDIA}, {clients} clients per upstream": summary(some) for clients, some in runs.items()},
        "goals": {
            f"CPU, {clients} clients of one upstream to as many upstreams": goal(
                median(runs[clients], "cpu_s_per_gb") / alone, at_most=limit
            )
            for clients, limit in ((4, 0.6), (16, 0.35))
        },
    }


async def stuck(settings: Settings, place: Place) -> dict[str, object]:
    """16 paced streams and one flat-out, whose (first) client stops reading."""
    return await asyncio.to_thread(_stuck, settings, place)


def _stuck(settings: Settings, place: Place) -> dict[str, object]:
    folder = place.folder
    makers: dict[str, Callable[[], AbstractContextManager[Engine]]] = {
        MEDIA: lambda: Media(folder),
        f"{MEDIA}, 2 clients per upstream": lambda: Media(folder, clients=2),
    }
    results: dict[str, object] = {}
    goals: dict[str, object] = {}
    for name, make in makers.items():
        with make() as engine:
            seen = _hold(engine, folder, settings.stuck_s)
        results[name] = seen
        goals[f"growth of {name}, MiB"] = goal(seen["growth_mb"] * 1e6 / 2**20, at_most=1)
        goals[f"p99 of the others to before, {name}"] = goal(seen["p99_ms_during"] / seen["p99_ms_before"], at_most=1.2)
    for name in (NODE, HAPROXY):
        try:
            with peers.running(name, place) as peer:
                results[name] = _hold(Proxy(folder, peer), folder, settings.stuck_s)
        except Absent as error:
            results[name] = f"absent: {error}"
    return {"engines": results, "goals": goals}


def _hold(engine: Engine, folder: Path, seconds: float) -> dict[str, float]:
    """p99 is that of the paced streams, the median over windows: one hiccup of the machine is not the relay's."""
    load = Load(paced=16, flat=1)
    with Sink(folder, load) as sink, engine.flow(load, sink):
        time.sleep(WARM_UP_S)
        clients = len(sink.each()) // load.streams
        before, _ = _watch(engine, sink, _BASE_S)
        memory = _memory_mb(engine)
        sink.hold(load.paced * clients)
        began = time.monotonic()
        during, largest = _watch(engine, sink, seconds, enough_mb=memory + _ENOUGH_MB)
        held_s = time.monotonic() - began
        others = [one for one in sink.each() if one.id < load.paced * clients]
    print(f"  {engine.name}: grew {largest - memory:.1f} MB in {held_s:.1f} s", file=sys.stderr, flush=True)
    return {
        "memory_mb": round(memory, 1),
        "growth_mb": round(max(0.0, largest - memory), 2),
        "held_s": round(held_s, 1),
        "p99_ms_before": before,
        "p99_ms_during": during,
        "others_lost": sum(one.lost + one.damaged + one.mixed for one in others),
        "others_closed": sum(not one.open for one in others),
    }


def _watch(engine: Engine, sink: Sink, seconds: float, enough_mb: float = math.inf) -> tuple[float, float]:
    """(p99 in ms, largest memory in MB), until the time is over or the memory is enough."""
    p99s: list[float] = []
    largest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end and largest < enough_mb:
        sink.mark()
        next_mark = time.monotonic() + _WINDOW_S
        while time.monotonic() < next_mark and largest < enough_mb:
            time.sleep(_SAMPLE_S)
            largest = max(largest, _memory_mb(engine))
        p99s.append(sink.mark()[0].p99_us / 1000)
    return statistics.median(p99s), largest


def _memory_mb(engine: Engine) -> float:
    return sum(map(rss_mb, engine.pids()))
