"""The rows of the measurement and what they share."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.bench import npm_peer

from . import clients, cost, lasting
from .debian import install_peers
from .peers import NODE_TCP_PROXY, Place
from .programs import Absent, compile_programs
from .settings import Settings

Row = Callable[[Settings, Place], Awaitable[dict[str, object]]]
ROWS: dict[str, Row] = {
    "frame64": cost.frame64,
    "smooth64": cost.smooth64,
    "flat1": cost.flat1,
    "flat16": cost.flat16,
    "fanout": clients.fanout,
    "stuck": clients.stuck,
    "first-byte": lasting.first_byte,
    "memory": lasting.memory,
    "endurance": lasting.endurance,
}
METHOD = (
    "Source and sink in C on loopback; each packet carries when it was made; every byte is checked. Engines in turn "
    "A B C, then reversed; medians over rounds. s/GB: CPU seconds of all processes of a relay per 10^9 bytes delivered "
    "(/proc/PID/task/*/schedstat). In rows of paced streams the relay has a core for itself, source and sink the "
    "others: on loopback the kernel runs a reader on its writer's core, after it, and spares it most wake-ups of a "
    "network. p99: from making a packet to its being read; added: less that without a relay. As root, all these "
    "processes go before what else runs. Still the machine should have nothing else to do: others_cpu_percent (of one "
    "core) and source_late_ms tell whether it had."
)


async def run(settings: Settings) -> dict[str, object]:
    chosen = settings.only or tuple(ROWS)
    results: dict[str, object] = {"method": METHOD, "rounds": settings.rounds, "window_s": settings.window_s}
    with tempfile.TemporaryDirectory(prefix="onviftui-bench-") as scratch:
        folder = Path(scratch)
        try:
            await asyncio.to_thread(compile_programs, folder)
        except Absent as error:
            return results | {"skipped": str(error)}
        await asyncio.to_thread(install_peers)
        async with _place(folder) as place:
            for name in chosen:
                began = time.monotonic()
                print(f" {name} …", file=sys.stderr, flush=True)
                try:
                    results[name] = await ROWS[name](settings, place)
                except Exception as error:  # the other rows took long, too
                    traceback.print_exc()
                    results[name] = {"failed": f"{type(error).__name__}: {error}"}
                print(f" {name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    results["goals"] = _goals(results, chosen)
    return results


@asynccontextmanager
async def _place(folder: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as exits:
        modules: dict[str, Path] = {}
        for package, version in (NODE_TCP_PROXY, ("soap", npm_peer.VERSION)):
            try:
                _, modules[package] = await exits.enter_async_context(npm_peer.modules(folder, package, version))
            except npm_peer.PeerAbsent as error:
                print(f"  {package} is absent: {error}", file=sys.stderr, flush=True)
        yield Place(folder, modules)


def _goals(results: dict[str, object], rows: Sequence[str]) -> dict[str, object]:
    """Those of all rows once more, for reading."""
    found: dict[str, object] = {}
    for name in rows:
        row = results[name]
        assert isinstance(row, dict)
        found |= {f"{name}: {what}": value for what, value in row.get("goals", {}).items()}
    return found
