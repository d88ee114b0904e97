"""Players that are not ours, and what they write. VLC and openRTSP are not among them: Debian 12 builds the one without
RTSP and has no package of the other.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from proxyd.simulator.frames import FrameMark, read_sei, split_annexb

FRAMES = 60
_DEADLINE_S = 120
# gst-launch takes rtspsrc from playing to nothing in one go, and the CLOSE sometimes cancels the PAUSE before it is
# written. That becomes an error of the player, of any server (seen in 1 of 50 runs straight at an NVR); that it was the
# player's own doing is a warning, which has to be asked for.
_WARNINGS = {"GST_DEBUG": "default:2", "GST_DEBUG_NO_COLOR": "1"}
_CANCELLED_ITSELF = ("writev_bytes: Operation was cancelled", "gst_rtspsrc_pause ()")


def ffmpeg_command(url: str, account: tuple[str, str], transport: str, file: Path, frames: int = FRAMES) -> list[str]:
    url = url.replace("://", f"://{account[0]}:{account[1]}@")
    source = ["-rtsp_transport", transport, "-i", url]
    sink = ["-c", "copy", "-frames:v", str(frames), "-flush_packets", "1", "-f", "h264", str(file)]
    return ["ffmpeg", "-v", "warning", *source, *sink]


def gstreamer_command(
    url: str, account: tuple[str, str], transport: str, file: Path, frames: int = FRAMES
) -> list[str]:
    if transport == "http":  # its name for the tunnel is in the address
        url, transport = url.replace("rtsp://", "rtsph://"), "tcp+http"
    source = [f"location={url}", f"user-id={account[0]}", f"user-pw={account[1]}", f"protocols={transport}"]
    source += ["tls-validation-flags=0"] if url.startswith("rtsps") else []  # cameras' certificates are self-made
    kind = "video/x-h264,stream-format=byte-stream,alignment=au"
    sink = ["identity", f"eos-after={frames + 1}", "!", "filesink", "buffer-mode=unbuffered", f"location={file}"]
    return ["gst-launch-1.0", "-q", "rtspsrc", *source, "!", "rtph264depay", "!", kind, "!", *sink]


async def play_to(file: Path, command: list[str]) -> str:
    """Runs a player until it has what it was told to write. What it said."""
    player = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | _WARNINGS
    )
    try:
        async with asyncio.timeout(_DEADLINE_S):
            said, _ = await player.communicate()
    except TimeoutError:
        player.kill()
        said, _ = await player.communicate()
        raise AssertionError(f"{command[0]} wrote {file.stat().st_size} bytes only: {said.decode()}") from None
    words = said.decode()
    if all(part in words for part in _CANCELLED_ITSELF):
        return ""
    assert player.returncode == 0, words
    return words


def marks_of(file: Path) -> list[FrameMark]:
    """Of the frames in a file, in its order."""
    return [mark for nal in split_annexb(file.read_bytes()) if (mark := read_sei(nal))]
