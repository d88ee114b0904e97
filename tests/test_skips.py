"""The rule that a skipped test fails where everything is wanted, tried on a project of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROJECT = """
import pytest

def test_passes(): pass
def test_skips(): pytest.skip("no ffmpeg here")
@pytest.mark.skipif(True, reason="no tmux here")
def test_marked(): pass
def test_schemas(): pytest.skip("no ONVIF schemas and captures")
@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""


@pytest.mark.parametrize(
    ("environment", "counts"),
    [
        ({}, ""),
        ({"CI": "true"}, "1 failed, 1 passed, 1 skipped, 1 xfailed, 1 error"),  # the schemas are not ours to ship
        ({"CI": "true", "ONVIFTUI_REQUIRE_ALL": "1"}, "2 failed, 1 passed, 1 xfailed, 1 error"),
    ],
)
def test_skips_fail_where_everything_is_wanted(tmp_path: Path, environment: dict[str, str], counts: str) -> None:
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text())
    (tmp_path / "test_sample.py").write_text(PROJECT)
    clean = {k: v for k, v in os.environ.items() if k not in ("CI", "ONVIFTUI_REQUIRE_ALL")}
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(words, env=clean | environment, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == (1 if counts else 0), done.stdout
    if counts:
        assert counts in done.stdout
        assert "may not be skipped here" in done.stdout and "no ffmpeg here" in done.stdout
