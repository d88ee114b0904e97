"""The fuzz of RTSP without the daemon, for volume: broken bytes into each part that reads what peers send."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from .rtsp_parts import PARTS
from .rtsp_seeds import broken

SLOWEST_S = 0.3  # of the CPU, for up to 64 KiB; a quiet machine needs less than a tenth of a second


@dataclass
class Tally:
    """What a run has seen. Seconds are of the CPU, memory in MB as the process holds it."""

    inputs: dict[str, int] = field(default_factory=dict)
    slowest_s: dict[str, float] = field(default_factory=dict)
    memory: list[float] = field(default_factory=list)


def run(inputs: int, seed: int) -> Tally:
    """Raises AssertionError at the first input after which something does not hold, or a part raises what it does not
    declare, or takes too long."""
    generator, tally = random.Random(seed), Tally()
    # The data plane's part has sockets to make for each input: every hundredth is its.
    cheap = [name for name in PARTS if name != "feed"]
    every = max(1, inputs // 20)
    for number in range(inputs):
        data = broken(generator)
        name = "feed" if number % 100 == 0 else generator.choice(cheap)
        began = time.thread_time()
        try:
            PARTS[name](data)
        except Exception as error:
            raise AssertionError(f"{name}, input {number} of seed {seed}: {data!r}") from error
        took_s = time.thread_time() - began
        tally.inputs[name] = tally.inputs.get(name, 0) + 1
        tally.slowest_s[name] = max(took_s, tally.slowest_s.get(name, 0.0))
        assert took_s < SLOWEST_S, f"{name}, input {number} of seed {seed} took {took_s:.1f} s: {data[:200]!r}"
        if number % every == every - 1:
            tally.memory.append(_rss_mb())
    return tally


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
