"""contrib/make-loops still makes what the simulator can play."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from shutil import which

import pytest

from proxyd.simulator.loops import parse_loop
from proxyd.simulator.streams import SimCodec

SCRIPT = Path(__file__).resolve().parents[3] / "contrib" / "make-loops"


def has_encoders() -> bool:
    if which("ffmpeg") is None:
        return False
    listed = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True, check=True).stdout
    return "libx264" in listed and "libx265" in listed


def test_loops_can_be_made_anew(tmp_path: Path) -> None:
    if not has_encoders():
        pytest.skip("ffmpeg with libx264 and libx265 is not installed")
    subprocess.run([sys.executable, SCRIPT, "--channels", "64-64", "--out", tmp_path], capture_output=True, check=True)
    codecs: dict[str, SimCodec] = {"h264": "H264", "h265": "H265"}
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["h264-main.zip", "h264-sub.zip", "h265-main.zip", "h265-sub.zip"]
    for name in made:
        with zipfile.ZipFile(tmp_path / name) as archive:
            loop = parse_loop(codecs[name[:4]], archive.read("64"))
        assert len(loop.frames) == (50 if "main" in name else 30)
        assert all(len(frame.slices) >= 1 for frame in loop.frames)
