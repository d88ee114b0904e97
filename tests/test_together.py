"""The rule that tests which share something dear run in one worker, tried on a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, TOGETHER

HERE = Path(__file__).resolve().parent
MODULE = """
import os
import pytest

@pytest.mark.parametrize("number", range(6))
def test_says_who_runs_it(number):
    with open("workers", "a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
"""


def test_a_group_is_run_by_one_worker(tmp_path: Path) -> None:
    (tmp_path / "tests" / "e2e").mkdir(parents=True)
    (tmp_path / "tests" / "conftest.py").write_text((HERE / "conftest.py").read_text())
    for name in ("players", "players_tls"):  # one group
        (tmp_path / "tests" / "e2e" / f"test_{name}.py").write_text(MODULE)
    words = ["-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "tests"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
    )
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    assert len(set((tmp_path / "workers").read_text().split())) == 1


def test_who_shares_a_daemon_is_in_the_table() -> None:
    """A fixture of a module is made anew by every worker that runs a test of it."""
    assert all((ROOT / module).is_file() for module in TOGETHER)
    sharing = {
        f"tests/e2e/{file.name}"
        for file in (HERE / "e2e").glob("test_*.py")
        if 'scope="module"' in file.read_text() or "demo: dict" in file.read_text()
    }
    assert sharing <= TOGETHER.keys()
