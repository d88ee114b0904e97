"""Tests of the real kernel run in a fresh network namespace: a child process with its own copy of everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.netns.lan import skip_unless_possible

ROOT = Path(__file__).resolve().parents[2]
LAN = """
ip link add p0 type veth peer name p1 && ip link set lo up && ip link set p0 up && ip link set p1 up &&
ip link add p2 type veth peer name p3 && ip link set p2 up && ip link set p3 up &&
ip addr add 10.77.0.10/24 dev p0 && ip route add default via 10.77.0.1 dev p0 &&
ip link add stranger link p0 type macvlan mode bridge && ip addr add 192.0.2.7/24 dev stranger &&
ip link set stranger up && ip rule add pref 10001 from 192.0.2.7 lookup 7001 &&
ip route add default via 10.77.0.1 table 7001 metric 5 proto static && exec "$@"
"""

Inside = Callable[..., str]


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    """`inside(__file__, "case")`: runs `case(tmp_path)` of that file behind a host's network of p0 and p2, with a
    foreign macvlan, rule and route in our ranges. Gives what it printed."""
    skip_unless_possible()

    def run(file: str, case: str, *, timeout_s: float = 120.0) -> str:
        code = (
            "import importlib.util, pathlib, sys\n"
            "spec = importlib.util.spec_from_file_location('inside', sys.argv[1])\n"
            "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
            "getattr(module, sys.argv[2])(pathlib.Path(sys.argv[3]))\n"
        )
        python = [sys.executable, "-W", "error", "-c", code, file, case, str(tmp_path)]
        done = subprocess.run(
            ["unshare", "-Urnm", "sh", "-c", LAN, "sh", *python],
            cwd=ROOT,
            env=os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
