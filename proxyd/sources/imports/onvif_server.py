"""The configuration of onvif-server and of rtsp-to-onvif, which continues it: pure.

A list `onvif`, each with a target host and the paths of a high and a low quality stream. Accounts are never in it.
"""

from __future__ import annotations

from typing import Any

from proxyd.camera.urls import bracketed

from ..source import Stated
from .entry import BadList, Entry
from .yaml_text import as_dict, as_list, as_number, as_text

IDENTITY_NOTE = (
    "MAC addresses and UUIDs of the file are not taken over: recorders see new cameras, each with a MAC of its own."
)


def onvif_server_entries(document: Any) -> list[Entry]:
    """Raises BadList."""
    cameras = as_list(as_dict(document).get("onvif"))
    if not cameras:
        raise BadList("The file has no list “onvif”.", "Give the config.yaml of onvif-server, or another --format.")
    return [_entry(as_dict(camera), number) for number, camera in enumerate(cameras, 1)]


def _entry(camera: dict[str, Any], number: int) -> Entry:
    name = as_text(camera.get("name")) or f"Camera {number}"
    target = as_dict(camera.get("target"))
    ports = as_dict(target.get("ports"))
    host = as_text(target.get("hostname"))
    high, low = as_dict(camera.get("highQuality")), as_dict(camera.get("lowQuality"))
    main_path, sub_path = as_text(high.get("rtsp")), as_text(low.get("rtsp"))
    if not main_path:
        high, low, main_path, sub_path = low, high, sub_path, ""
    if not host or not main_path:
        missing = "target.hostname" if not host else "highQuality.rtsp"
        return Entry(name, problem=f"it has no {missing}")
    rtsp_port = as_number(ports.get("rtsp"), 65535) or 554
    picture_port = as_number(ports.get("snapshot"), 65535)
    picture_path = as_text(high.get("snapshot"))
    return Entry(
        name,
        main=_url("rtsp", host, rtsp_port, main_path),
        sub=_url("rtsp", host, rtsp_port, sub_path) if sub_path not in ("", main_path) else "",
        snapshot=_url("http", host, picture_port, picture_path) if picture_path and picture_port else "",
        stated=(_stated(high), _stated(low)),
    )


def _url(scheme: str, host: str, port: int, path: str) -> str:
    return f"{scheme}://{bracketed(host)}:{port}/{path.lstrip('/')}"


def _stated(quality: dict[str, Any]) -> Stated:
    return Stated(*(as_number(quality.get(name)) for name in ("width", "height", "framerate", "bitrate")))
