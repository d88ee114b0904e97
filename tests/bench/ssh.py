"""The UI by SSH with the real client: 1, 5 and 20 sessions at 128 cameras, a quarter of which change each second.

First frame, memory (PSS) and CPU, keys while data changes, what a client that has stopped costs, what is left when all
have gone. Beside `cat` on a pty behind asyncssh alone, in the same run.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.e2e.ssh_box import SshBox, client_environment
from tests.e2e.stopped_client import stopped_client
from tests.onviftui.fake_daemon import FakeDaemon

from .measure import cpu_s, quantile, spread
from .screen import busy
from .terminal_line import TerminalLine, echo_s, moves_s, terminal_line

SESSIONS = (1, 5, 20)
CAMERAS = 128
KEYS = 60
WINDOW_S = 10.0
LEFT_AFTER_S = 1.0
LARGE = (120, 40)
_GIB = 1 << 30


async def run() -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with FakeDaemon(folder / "s", CAMERAS) as daemon:
            box = await asyncio.to_thread(
                SshBox,
                folder,
                folder / "s",
                sessions=24,
                sessions_per_user=24,
                connections_per_user=24,
                waiting_per_address=32,
            )
            try:
                async with _echo(box) as echo:
                    idle_echo = await echo_s(echo, KEYS)
                    rows = [await _row(box, daemon, count, echo) for count in SESSIONS]
                stopped = await _stopped(box)
            finally:
                box.stop()
    by_count = {f"{count} sessions": row for count, row in zip(SESSIONS, rows, strict=True)}
    alone, most = rows[0], rows[-1]
    return {
        "peer: cat behind asyncssh, ms": spread([s * 1000 for s in idle_echo]),
        **by_count,
        "cpu_of_all_by_cpu_of_one": round(most["cpu_percent"] / max(alone["cpu_percent"], 0.01), 1),
        "stopped_client": stopped,
    }


@asynccontextmanager
async def _echo(box: SshBox) -> AsyncIterator[TerminalLine]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.ssh_echo", str(box.users)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        port = (await asyncio.to_thread(server.stdout.readline)).strip()
        command = [port if word == str(box.port) else word for word in box.command("anna", options=("-tt",))]
        async with terminal_line(*command, size=LARGE, environ=client_environment()) as line:
            await line.quiet(1.0)  # signed in
            await line.answered(b"x")
            yield line
    finally:
        server.terminate()
        server.wait()


async def _row(box: SshBox, daemon: FakeDaemon, count: int, echo: TerminalLine) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        command = box.command("anna", options=("-tt",))
        lines: list[TerminalLine] = []
        frames: list[float] = []
        for _ in range(count):
            line = await stack.enter_async_context(terminal_line(*command, size=LARGE, environ=client_environment()))
            frames.append(await line.sees(b"Overview"))
            lines.append(line)
        for line in lines:
            line.press(b"2")
            await line.sees(b"Server room")
        await lines[-1].quiet(0.5)
        pss = sum(_pss(pid) for pid in box.children) / count
        unchanged = time.monotonic()
        quiet_moves = await moves_s(lines[0], KEYS)
        quiet_echo = await echo_s(echo, KEYS)
        processes = [box.process.pid, box.zygote, *box.children]
        before, began = sum(map(cpu_s, processes)), time.monotonic()
        changes = asyncio.create_task(busy(daemon, CAMERAS, WINDOW_S), name="changing cameras")
        await changes
        cpu = (sum(map(cpu_s, processes)) - before) / (time.monotonic() - began)
        sent = sum(line.bytes_since(began) for line in lines) / count / WINDOW_S
        changes = asyncio.create_task(busy(daemon, CAMERAS, WINDOW_S), name="changing cameras")
        moves = await moves_s(lines[0], KEYS)
        changes.cancel()
        await asyncio.gather(changes, return_exceptions=True)
        gone = box.children
    await asyncio.sleep(LEFT_AFTER_S)
    left = [pid for pid in gone if Path(f"/proc/{pid}/exe").exists()]
    return {
        "first_frame_ms_median": round(statistics.median(frames) * 1000),
        "first_frame_ms_max": round(max(frames) * 1000),
        "pss_mb_per_session": round(pss / 1e6, 1),
        "sessions_per_gib": round(_GIB / pss),
        "cpu_percent": round(cpu * 100, 1),
        "bytes_per_s_and_session": round(sent),
        "key_ms_median": round(statistics.median(quiet_moves) * 1000, 1),
        "key_ms_p95": round(quantile(quiet_moves, 0.95) * 1000, 1),
        "key_by_echo": round(statistics.median(quiet_moves) / statistics.median(quiet_echo), 1),
        "key_ms_median_busy": round(statistics.median(moves) * 1000, 1),
        "key_ms_p95_busy": round(quantile(moves, 0.95) * 1000, 1),
        "seconds_with_keys": round(began - unchanged, 1),
        "processes_left_after_1_s": len(left),
    }


async def _stopped(box: SshBox) -> dict[str, float]:
    """What a client costs that reads nothing more while its screen of 200×60 is drawn again and again, until nothing is
    taken from the program any more. What the session itself has grown by then is mostly what it keeps of two sizes."""
    before: dict[int, int] = {}

    def note() -> None:
        before.update((pid, _pss(pid)) for pid in (box.process.pid, *box.children))

    async with stopped_client(box, "anna", note) as (waiting, process, go_on):
        in_kernel = _queued(box.port)
        grown = {pid: _pss(pid) - was for pid, was in before.items()}
        process.stdin.write(b"q")
        go_on()
        await process.wait()
    front = grown.pop(box.process.pid)
    return {
        "waiting_kb": round(waiting / 1000),
        "of_it_in_the_kernel_kb": round(in_kernel / 1000),
        "front_grown_kb": round(front / 1000),
        "session_grown_kb": round(sum(grown.values()) / 1000),
    }


def _pss(pid: int) -> int:
    for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if row.startswith("Pss:"):
            return int(row.split()[1]) * 1024
    return 0


def _queued(port: int) -> int:
    """Bytes that the kernel keeps to be sent from this port."""
    total = 0
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = row.split()
        with contextlib.suppress(ValueError):
            if int(words[1].partition(":")[2], 16) == port:
                total += int(words[4].partition(":")[0], 16)
    return total
