"""What is dear to start and is shared: by the tests of one module, which one worker runs (`TOGETHER` above)."""

from __future__ import annotations

import asyncio
import ctypes
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .ssh_box import require_ssh
from .stack import Stack, stack_of

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


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """For sessions by SSH: with an NVR, which is away, so that the UI begins with the overview and not the guide."""
    require_ssh()

    async def add_nvr() -> None:
        async with running.client() as client:
            await client.call("nvr.add", {"host": "127.9.9.1", "port": 80, "username": "u", "password": "x"})

    with stack_of(simulator=False) as running:
        asyncio.run(add_nvr())
        yield running


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
