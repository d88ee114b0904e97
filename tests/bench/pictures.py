"""Pictures in the UI: bytes to the terminal and the time from the key to the whole picture, by method and size, for a
noisy picture of 1280×720; and what Pillow adds to the memory of a UI. The peer is the JPEG itself."""

from __future__ import annotations

import base64
import io
import random
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageFilter

from onviftui.pictures.capability import QUESTIONS
from proxyd.api.models import Picture
from tests.onviftui.fake_daemon import FakeDaemon

from .terminal_line import TerminalLine, terminal_line

SIZES = ((80, 24), (120, 40))
ANSWERS = {
    "kitty": "\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;16;8t\x1b_Gi=31;OK\x1b\\\x1b[?62;c",
    "sixel": "\x1bP>|XTerm(379)\x1b\\\x1b[6;16;8t\x1b[?64;4;22c",
    "blocks": "\x1b[?1;2c",
}
_WORDS = {"kitty": b"kitty graphics, ", "sixel": b"sixel, ", "blocks": b"half blocks, ", "characters": b"characters, "}
_LOCAL = {"SSH_CONNECTION": "", "SSH_CLIENT": "", "SSH_TTY": "", "TMUX": "", "STY": ""}
_QUIET_S = 0.5


async def run() -> dict[str, object]:
    picture = noisy_picture()
    rows: dict[str, object] = {"peer: the JPEG": {"bytes": len(picture)}}
    with tempfile.TemporaryDirectory() as folder:
        async with FakeDaemon(Path(folder) / "s", 4) as daemon:
            data = base64.b64encode(picture).decode()
            daemon.picture = Picture(
                content_type="image/jpeg", data=data, origin="from the NVR", width=1280, height=720, size=len(picture)
            )
            for size in SIZES:
                for method in ("kitty", "sixel", "blocks", "blocks of 256 colours", "characters"):
                    rows[f"{method} {size[0]}×{size[1]}"] = await _drawn(daemon.socket, method, size)
    return rows


async def _drawn(socket: Path, method: str, size: tuple[int, int]) -> dict[str, object]:
    kind = method.partition(" ")[0]
    colours = "" if "256" in method else "truecolor"
    environ = _LOCAL | {"COLORTERM": colours, "ONVIFTUI_PICTURES": "characters" if kind == "characters" else ""}
    ui = (sys.executable, "-m", "onviftui", "--socket", str(socket))
    async with terminal_line(*ui, size=size, environ=environ) as line:
        await line.sees(b"All cameras run.")
        line.press(b"2")
        await line.sees(b"02 Yard")
        await line.quiet()
        before = _memory_kib(line.process.pid)
        began = time.monotonic()
        line.press(b"o")
        if kind in ANSWERS:
            await line.sees(QUESTIONS.encode())
            line.press(ANSWERS[kind].encode())
        asked = await _until_asked_or_drawn(line, _WORDS[kind])
        if asked:
            line.press(b"\r")
        await line.quiet(_QUIET_S)
        whole_s = line.chunks[-1][0] - began
        return {
            "bytes": line.bytes_since(began),
            "seconds": round(whole_s, 3),
            "asked_first": asked,
            "memory_kib": _memory_kib(line.process.pid) - before,
        }


async def _until_asked_or_drawn(line: TerminalLine, words: bytes) -> bool:
    """True when the UI wants a word before it draws so much."""
    await line.sees(words)
    await line.quiet()
    return b"Here this picture takes" in line.seen


def _memory_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def noisy_picture() -> bytes:
    """Smooth colours, edges and the grain of a cheap sensor: larger than most cameras' pictures."""
    random.seed(7)
    grain = Image.frombytes("L", (1280, 720), random.randbytes(1280 * 720)).filter(ImageFilter.GaussianBlur(1))
    parts = [Image.frombytes("L", (w, h), random.randbytes(w * h)) for w, h in ((16, 9), (40, 22), (20, 11))]
    smooth = Image.merge("RGB", [part.resize((1280, 720), Image.Resampling.BICUBIC) for part in parts])
    out = io.BytesIO()
    Image.blend(smooth, Image.merge("RGB", (grain, grain, grain)), 0.25).save(out, "JPEG", quality=80)
    return out.getvalue()
