"""A real RTSP server beside the simulator: gst-rtsp-server (Debian: libgstrtspserver-1.0-0), behind Digest.

`python -m tests.e2e.gst_server HOST USER PASSWORD FOLDER` plays each FILE.mkv of the folder in real time at rtsp://HOST:PORT/FILE
and prints PORT when it listens. `media_files` writes such files.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 60  # of each file; the server ends a stream with its file
_TRACKS = {  # file: elements behind the demultiplexer, ffmpeg's encoders
    "h264-aac": (("rtph264pay", "rtpmp4gpay"), ("-c:v", "libx264", "-c:a", "aac")),
    "h265-pcmu": (
        ("rtph265pay", "rtppcmupay"),
        ("-c:v", "libx265", "-x265-params", "log-level=0", "-c:a", "pcm_mulaw"),
    ),
    "mjpeg": (("rtpjpegpay",), ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "5", "-huffman", "default")),
}
MEDIA = tuple(_TRACKS)
SIZE = (320, 240)
FPS = 15
_G_TYPE_STRING = 16 << 2
_YES = ctypes.c_size_t(5 << 2), ctypes.c_int(1)  # G_TYPE_BOOLEAN
_ALLOWED = ("media.factory.access", *_YES, "media.factory.construct", *_YES)
_DIGEST_ONLY = 2  # GST_RTSP_AUTH_DIGEST


def media_files(folder: Path) -> None:
    """Writes what the server plays: `SECONDS` of a test picture with a key frame each second, and a tone."""
    picture = f"testsrc=size={SIZE[0]}x{SIZE[1]}:rate={FPS}:duration={SECONDS}"
    for name, (elements, encoders) in _TRACKS.items():
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture]
        if len(elements) > 1:
            command += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=8000:duration={SECONDS}"]
        command += [*encoders, "-g", str(FPS), "-bf", "0", "-threads", "1"]
        subprocess.run([*command, str(folder / f"{name}.mkv")], check=True, timeout=300)


def _pipeline(file: Path) -> str:
    """With names that the server knows: pay0, pay1."""
    parts = [f"filesrc location={file} ! matroskademux name=d"]
    for number, element in enumerate(_TRACKS[file.stem][0]):
        parameter_sets = " config-interval=-1" if element in ("rtph264pay", "rtph265pay") else ""
        kind = 0 if element == "rtppcmupay" else 26 if element == "rtpjpegpay" else 96 + number
        parts.append(f"d. ! queue ! {element} name=pay{number} pt={kind}{parameter_sets}")
    return f"( {' '.join(parts)} )"


def main(host: str, user: str, password: str, folder: Path) -> None:
    """Until it is killed."""
    gst = ctypes.CDLL("libgstreamer-1.0.so.0")
    lib = ctypes.CDLL("libgstrtspserver-1.0.so.0")
    glib = ctypes.CDLL("libglib-2.0.so.0")

    def call(function: str, *arguments: Any, of: ctypes.CDLL = lib) -> ctypes.c_void_p:
        """Texts and pointers in, a pointer out."""
        found = getattr(of, function)
        found.restype = ctypes.c_void_p
        given = [one.encode() if isinstance(one, str) else one for one in arguments]
        return ctypes.c_void_p(found(*given))

    call("gst_init", None, None, of=gst)
    server = call("gst_rtsp_server_new")
    call("gst_rtsp_server_set_address", server, host)
    call("gst_rtsp_server_set_service", server, "0")
    auth = call("gst_rtsp_auth_new")
    call("gst_rtsp_auth_set_supported_methods", auth, ctypes.c_int(_DIGEST_ONLY))
    role = ("media.factory.role", ctypes.c_size_t(_G_TYPE_STRING), "viewer", None)
    call("gst_rtsp_auth_add_digest", auth, user, password, call("gst_rtsp_token_new", *role))
    call("gst_rtsp_server_set_auth", server, auth)
    mounts = call("gst_rtsp_server_get_mount_points", server)
    for file in sorted(folder.glob("*.mkv")):
        factory = call("gst_rtsp_media_factory_new")
        call("gst_rtsp_media_factory_set_launch", factory, _pipeline(file))
        call("gst_rtsp_media_factory_add_role", factory, "viewer", *_ALLOWED, None)
        call("gst_rtsp_mount_points_add_factory", mounts, f"/{file.stem}", factory)
    if not call("gst_rtsp_server_attach", server, None).value:
        raise SystemExit(f"cannot listen on {host}")
    print(lib.gst_rtsp_server_get_bound_port(server), flush=True)
    call("g_main_loop_run", call("g_main_loop_new", None, ctypes.c_int(0), of=glib), of=glib)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
