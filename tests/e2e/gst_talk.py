"""Both ends of a talk that are not ours: GStreamer's rtspsrc as a recorder, gst-rtsp-server's ONVIF part as an NVR.

`python -m tests.e2e.gst_talk listen HOST FILE` has a loudspeaker at rtsp://HOST:PORT/door that is FILE, and prints PORT
when it listens. `… talk URL USER PASSWORD SECTION PACKETS` plays URL and sends so many packets of a tone (G.711, 20 ms
each) for that section of its description; it prints how many rtspsrc took.
"""

from __future__ import annotations

import ctypes
import sys
import time
from typing import Any

_PICTURE = "videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1 ! jpegenc"
_LAUNCH = f"( {_PICTURE} ! rtpjpegpay name=pay0 pt=26 )"
_FORMAT = "application/x-rtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU"
_HEARD = (
    f'( capsfilter name=depay_backchannel caps="{_FORMAT}"'
    " ! rtppcmudepay ! filesink async=false sync=false buffer-mode=unbuffered location={} )"
)
_TONE = (
    "audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1 ! mulawenc"
    " ! rtppcmupay min-ptime=20000000 max-ptime=20000000 ! appsink name=tone"
)
_PLAYING = 4  # GST_STATE_PLAYING
_NULL = 1
_OK = 0  # GST_FLOW_OK
_PATIENCE_S = 30


class _Libraries:
    """GStreamer by its C functions: Debian's bindings need the system's own Python."""

    def __init__(self) -> None:
        self.gst = ctypes.CDLL("libgstreamer-1.0.so.0")
        self.server = ctypes.CDLL("libgstrtspserver-1.0.so.0")
        self.app = ctypes.CDLL("libgstapp-1.0.so.0")
        self.glib = ctypes.CDLL("libglib-2.0.so.0")
        self.gobject = ctypes.CDLL("libgobject-2.0.so.0")
        self.call(self.gst, "gst_init", None, None)

    def call(self, library: ctypes.CDLL, function: str, *arguments: Any) -> ctypes.c_void_p:
        """Texts, pointers and C numbers in, a pointer out."""
        found = getattr(library, function)
        found.restype = ctypes.c_void_p
        return ctypes.c_void_p(found(*[one.encode() if isinstance(one, str) else one for one in arguments]))


def listen(host: str, file: str) -> None:
    """Until it is killed."""
    libraries = _Libraries()
    lib, call = libraries.server, libraries.call
    server = call(lib, "gst_rtsp_onvif_server_new")
    call(lib, "gst_rtsp_server_set_address", server, host)
    call(lib, "gst_rtsp_server_set_service", server, "0")
    factory = call(lib, "gst_rtsp_onvif_media_factory_new")
    lib.gst_rtsp_onvif_media_get_type.restype = ctypes.c_size_t
    kind = ctypes.c_size_t(lib.gst_rtsp_onvif_media_get_type())
    call(lib, "gst_rtsp_media_factory_set_media_gtype", factory, kind)
    call(lib, "gst_rtsp_media_factory_set_launch", factory, _LAUNCH)
    call(lib, "gst_rtsp_onvif_media_factory_set_backchannel_launch", factory, _HEARD.format(file))
    mounts = call(lib, "gst_rtsp_server_get_mount_points", server)
    call(lib, "gst_rtsp_mount_points_add_factory", mounts, "/door", factory)
    if not call(lib, "gst_rtsp_server_attach", server, None).value:
        raise SystemExit(f"cannot listen on {host}")
    print(lib.gst_rtsp_server_get_bound_port(server), flush=True)
    loop = call(libraries.glib, "g_main_loop_new", None, ctypes.c_int(0))
    call(libraries.glib, "g_main_loop_run", loop)


def talk(url: str, user: str, password: str, section: int, packets: int) -> int:
    """How many of the packets rtspsrc took."""
    libraries = _Libraries()
    gst, call = libraries.gst, libraries.call
    source = f"rtspsrc name=camera location={url} user-id={user} user-pw={password} protocols=tcp backchannel=onvif"
    pipeline = call(gst, "gst_parse_launch", f"{source} camera. ! fakesink {_TONE}", None)
    camera = call(gst, "gst_bin_get_by_name", pipeline, "camera")
    tone = call(gst, "gst_bin_get_by_name", pipeline, "tone")
    call(gst, "gst_element_set_state", pipeline, ctypes.c_int(_PLAYING))
    taken, until = 0, time.monotonic() + _PATIENCE_S
    while taken < packets and time.monotonic() < until:
        sample = call(libraries.app, "gst_app_sink_pull_sample", tone)
        flow = ctypes.c_int(-1)
        signal = ("push-backchannel-sample", ctypes.c_uint(section), sample, ctypes.byref(flow))
        call(libraries.gobject, "g_signal_emit_by_name", camera, *signal)  # which keeps the sample
        taken += flow.value == _OK  # not before PLAY is answered
    time.sleep(0.5)  # what was taken last is written by another thread
    call(gst, "gst_element_set_state", pipeline, ctypes.c_int(_NULL))
    return taken


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        listen(sys.argv[2], sys.argv[3])
    else:
        print(talk(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6])))
