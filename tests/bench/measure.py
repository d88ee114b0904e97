"""What the measurements share: CPU and memory of a process from /proc, quantiles, the machine's description."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

_PREFERRED = -18  # nice(2); -20 is left to the machine's own keepers


def cpu_s(pid: int) -> float:
    """CPU seconds of all threads so far, user and system (schedstat's first field is nanoseconds on the CPU)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def machine_cpu_s() -> float:
    """CPU seconds that all cores were not idle so far, and those that other virtual machines took."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all that it started, and those started."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has just ended
                # The second field, a program's name, may hold anything but ends with the last bracket.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for known in found:  # grows meanwhile
        found += [child for child, parent in parents.items() if parent == known]
    return found


def prefer(pids: Iterable[int]) -> None:
    """They go before all else that runs here, where we may do that (root): other work disturbs less. Processes that are
    to be preferred are started with a session of their own, since the kernel shares cores out by session."""
    with contextlib.suppress(PermissionError):
        for pid in pids:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), _PREFERRED)
            with contextlib.suppress(FileNotFoundError):  # kernels without CONFIG_SCHED_AUTOGROUP
                Path(f"/proc/{pid}/autogroup").write_text(str(_PREFERRED))


def wakeups(pid: int) -> int:
    """How often its threads have waited so far."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        total += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return total


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def quantile(values: Sequence[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    return {
        "min": round(min(values), digits),
        "median": round(statistics.median(values), digits),
        "max": round(max(values), digits),
    }


def machine() -> dict[str, object]:
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "system": system,
        "kernel": platform.release(),
        "tcp": Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),  # bbr and cubic cost not the same
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 1),
    }
