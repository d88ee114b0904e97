"""One headless demo for all tests that only look at a running product."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo() -> Iterator[dict[str, Any]]:
    """The JSON document of `onviftui demo --headless --json` with eight channels, while it runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "onviftui", "demo", "--headless", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    try:
        assert line, process.stderr.read().decode()
        yield json.loads(line)
    finally:
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()


@pytest.fixture(scope="session")
def gstreamer() -> str:
    """gst-launch-1.0; what it plays with and gst-rtsp-server are there, too."""
    path = shutil.which("gst-launch-1.0")
    try:
        ctypes.CDLL("libgstrtspserver-1.0.so.0")
    except OSError:
        path = None
    if path is None:
        packages = "gstreamer1.0-tools gstreamer1.0-plugins-good libgstrtspserver-1.0-0 glib-networking"
        pytest.skip(f"GStreamer or its RTSP server is not installed (Debian: apt install {packages})")
    return path
