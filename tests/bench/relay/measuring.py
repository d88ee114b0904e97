"""One run of one engine, and many of them in turns."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Self

from tests.bench.measure import cpu_s, machine_cpu_s, prefer, spread, wakeups

from .engines import Engine
from .loads import Load
from .programs import Sink, Source

WARM_UP_S = 1.0
_DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Run:
    """CPU and wake-ups are those of the relay; times from the making of a packet until it was read. `lost`, `damaged`
    and `mixed` are packets. How busy the machine was otherwise: `source_late_ms` is the longest delay of the source
    itself, `others_cpu_percent` (of one core) what other processes and other virtual machines used."""

    cpu_s_per_gb: float
    mbit_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    wakeups_per_s: float
    source_late_ms: float
    others_cpu_percent: float
    lost: int
    damaged: int
    mixed: int


@dataclass(frozen=True, slots=True)
class _Counters:
    clock_s: float
    relay_s: float
    wakeups: int
    others_s: float  # CPU of all processes but the relay's and `ours`

    @classmethod
    def now(cls, relay: Sequence[int], ours: Sequence[int]) -> Self:
        relay_s = sum(map(cpu_s, relay))
        others_s = machine_cpu_s() - relay_s - sum(map(cpu_s, ours))
        return cls(time.monotonic(), relay_s, sum(map(wakeups, relay)), others_s)

    def __sub__(self, other: Self) -> Self:
        return type(self)(*(now - before for now, before in zip(astuple(self), astuple(other), strict=True)))


def measure(engine: Engine, load: Load, folder: Path, window_s: float, *, apart: bool) -> Run:
    """`apart`: the relay has a core for itself, source and sink have the others, as if they were behind a network. The
    kernel would run who reads from loopback on the core of who writes, and so after it: packets gather meanwhile, and
    most wake-ups that a network would cause never happen."""
    with Sink(folder, load) as sink, engine.flow(load, sink) as source:
        pids, ours = engine.pids(), [source.pid, sink.pid, os.getpid()]
        prefer(pids)  # those, too, that the engine started only when streams came
        _place(engine.carriers(), ours[:2], apart=apart)
        time.sleep(WARM_UP_S)
        source.state()
        sink.mark()
        before = _Counters.now(pids, ours)
        time.sleep(window_s)
        came, _ = sink.mark()
        passed = _Counters.now(pids, ours) - before
        late_us = source.state().latest_us
        missing = _drain(source, sink) if not source.rtsp else 0
        each = sink.each()
        clients = len(each) // load.streams
        return Run(
            cpu_s_per_gb=passed.relay_s / (came.bytes / 1e9),
            mbit_per_s=came.bytes * 8 / 1e6 / passed.clock_s,
            p50_ms=came.p50_us / 1000,
            p99_ms=came.p99_us / 1000,
            max_ms=came.max_us / 1000,
            wakeups_per_s=passed.wakeups / passed.clock_s,
            source_late_ms=late_us / 1000,
            others_cpu_percent=max(0.0, 100 * passed.others_s / passed.clock_s),
            lost=missing + sum(one.lost for one in each),
            damaged=sum(one.damaged for one in each),
            mixed=sum(one.mixed for one in each) + sum(one.stream != one.id // clients for one in each),
        )


def _place(relay: Sequence[int], others: Sequence[int], *, apart: bool) -> None:
    cores = sorted(os.sched_getaffinity(0))
    apart = apart and len(cores) > 1
    for pid in (*relay, *others):
        allowed = cores if not apart else cores[-1:] if pid in relay else cores[:-1]
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), allowed)


def _drain(source: Source, sink: Sink) -> int:
    """Stops the source; how many of its packets did not arrive at each client in the end."""
    sent = source.stop().packets
    deadline = time.monotonic() + _DRAIN_S
    while True:
        each = sink.each()
        wanted = sent * (len(each) // source.load.streams)
        missing = wanted - sum(one.packets + one.lost for one in each)
        if missing <= 0 or time.monotonic() > deadline:
            return missing
        time.sleep(0.01)


def in_turns(
    engines: Sequence[Engine], load: Load, folder: Path, *, rounds: int, window_s: float, apart: bool
) -> dict[str, list[Run]]:
    """A B C … C B A …: none has the quieter machine."""
    runs: dict[str, list[Run]] = {engine.name: [] for engine in engines}
    for number in range(rounds):
        for engine in engines[:: 1 if number % 2 == 0 else -1]:
            run = measure(engine, load, folder, window_s, apart=apart)
            runs[engine.name].append(run)
            print(f"  {number + 1}/{rounds} {engine.name}: {_words(run)}", file=sys.stderr, flush=True)
    return runs


def _words(run: Run) -> str:
    wrong = f", lost {run.lost}, damaged {run.damaged}, mixed {run.mixed}" if run.lost + run.damaged + run.mixed else ""
    return (
        f"{run.cpu_s_per_gb:.2f} s/GB, {run.mbit_per_s:.0f} Mbit/s, p50 {run.p50_ms:.2f} ms, p99 {run.p99_ms:.2f} ms, "
        f"{run.wakeups_per_s:.0f} wake-ups/s{wrong}"
    )


def median(runs: Sequence[Run], field: str) -> float:
    return statistics.median(float(asdict(run)[field]) for run in runs)


def summary(runs: Sequence[Run], direct: Sequence[Run] = ()) -> dict[str, object]:
    """`direct`: the same without a relay, for what the relay adds."""
    result: dict[str, object] = {"cpu_s_per_gb": spread([run.cpu_s_per_gb for run in runs])}
    for field in fields(Run):
        if field.name in ("lost", "damaged", "mixed"):
            result[field.name] = sum(getattr(run, field.name) for run in runs)
        elif field.name != "cpu_s_per_gb":
            result[field.name] = round(median(runs, field.name), 2)
    if direct:
        result["p99_added_ms"] = round(median(runs, "p99_ms") - median(direct, "p99_ms"), 2)
    return result


def goal(value: float, *, at_most: float | None = None, at_least: float | None = None) -> dict[str, object]:
    """A value beside what it is to be."""
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    wanted = {"at_most": at_most} if at_most is not None else {"at_least": at_least}
    return {"value": round(value, 3), **wanted, "met": met}
