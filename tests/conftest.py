"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the official ONVIF schemas and recorded exchanges; tests that read it are skipped without it."""
    folder = Path(os.environ.get("ONVIFTUI_SHARED", ROOT.parent / "shared"))
    if not (folder / "onvif-specs").is_dir():
        pytest.skip(f"no ONVIF schemas and captures in {folder} (set ONVIFTUI_SHARED)")
    return folder


@pytest.fixture(scope="session")
def ffprobe() -> str:
    path = shutil.which("ffprobe")
    if path is None:
        pytest.skip("ffprobe is not installed (Debian: apt install ffmpeg)")
    return path
