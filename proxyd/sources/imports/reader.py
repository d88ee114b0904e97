"""Which kind of list a text is, and what is in it: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .entry import MAX_ENTRIES, BadList, Entry, Listing, look_at
from .frigate import frigate_entries
from .go2rtc import go2rtc_entries
from .onvif_server import IDENTITY_NOTE, onvif_server_entries
from .plain import csv_entries, yaml_entries
from .yaml_text import as_dict, load_yaml

FORMATS = ("auto", "csv", "yaml", "onvif-server", "rtsp-to-onvif", "go2rtc", "frigate")
_READERS: dict[str, Callable[[Any], list[Entry]]] = {
    "yaml": yaml_entries,
    "onvif-server": onvif_server_entries,
    "rtsp-to-onvif": onvif_server_entries,
    "go2rtc": go2rtc_entries,
    "frigate": frigate_entries,
}


def read_list(text: str, format_name: str = "auto", *, username: str = "", password: str = "") -> Listing:
    """`format_name` is one of FORMATS. The account is for cameras that have none. Raises BadList."""
    if format_name == "csv":
        entries = csv_entries(text)
    else:
        format_name, entries = _from_yaml(text, format_name)
    if not entries:
        raise BadList("There is no camera in the list.", "Is it the right file?")
    if len(entries) > MAX_ENTRIES:
        raise BadList(f"The list has more than {MAX_ENTRIES} cameras.", "Split it.")
    items = look_at(entries, username=username, password=password)
    notes = [IDENTITY_NOTE] if _READERS.get(format_name) is onvif_server_entries else []
    hosts = Counter(item.source.main.host for item in items if item.source)
    notes += [
        f"{count} cameras are at {host}. If that is an NVR with ONVIF, add it as one instead: its events, PTZ and "
        "changes come along."
        for host, count in hosts.most_common(3)
        if count > 2
    ]
    return Listing(format_name, items, tuple(notes))


def _from_yaml(text: str, format_name: str) -> tuple[str, list[Entry]]:
    try:
        document = load_yaml(text)
    except BadList:
        if format_name != "auto" or "," not in text.partition("\n")[0]:
            raise
        return "csv", csv_entries(text)
    if format_name == "auto":
        format_name = _kind(document)
        if format_name == "csv":
            return "csv", csv_entries(text)
    return format_name, _READERS[format_name](document)


def _kind(document: Any) -> str:
    top = as_dict(document)
    cameras = as_dict(top.get("cameras"))
    if "onvif" in top and isinstance(top["onvif"], list):
        return "onvif-server"
    if any("ffmpeg" in as_dict(camera) for camera in cameras.values()):
        return "frigate"
    if as_dict(top.get("streams")) or as_dict(as_dict(top.get("go2rtc")).get("streams")):
        return "go2rtc"
    if isinstance(document, list) or "cameras" in top:
        return "yaml"
    if isinstance(document, str):
        return "csv"  # to YAML, lines without colons are one long text
    raise BadList(
        "What the file lists cannot be told.", f"Say which it is: --format {'|'.join(FORMATS[1:])}; see docs/sources.md"
    )
