"""What a process holds, seen in one of its own each."""

from __future__ import annotations

import subprocess
import sys

# Blocks of 2000 bytes come from malloc, not from Python's own arenas; every hundredth stays, between free ones.
_PROGRAM = """
import os, threading
from proxyd.memory import give_back, keep_together

def rss_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

def fill(kept):
    blocks = [bytes(2000) for _ in range(5000)]
    kept.append(blocks[::100])

keep_together()
before, kept = rss_mb(), []
for _ in range(8):
    threads = [threading.Thread(target=fill, args=(kept,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
give_back()
print(rss_mb() - before)
"""


def test_what_many_threads_needed_for_a_moment_goes_back() -> None:
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    assert float(ran.stdout) < 12, "3 MB are still in use, and 80 MB were at a time, if all threads ran at once"


# Of no use to a daemon in loopback mode that nobody asks for anything, and each worth megabytes.
_LATE = ("PIL", "av", "httpx", "onvif", "prometheus_client", "pyroute2", "requests", "rich", "yaml", "zeep")


def test_a_daemon_begins_with_what_every_daemon_needs() -> None:
    program = f"import sys, proxyd.daemon; print(*sorted(set(sys.modules) & {set(_LATE)}))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not ran.stdout.split()


def test_the_onvif_client_comes_without_a_command_line_program() -> None:
    program = "import sys, proxyd.nvr.soap_library; print(*sorted(set(sys.modules) & {'rich', 'click', 'pygments'}))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert not ran.stdout.split()
