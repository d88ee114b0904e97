"""The streams of go2rtc, alone or inside Frigate's configuration: pure.

A stream has one source or several; only plain RTSP can be relayed as it is. `door` and `door_sub` are one camera.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .entry import BadList, Entry, clean_name
from .yaml_text import as_dict, as_list, as_text

_SUB_NAME = re.compile(r"(.+?)[_-](?:sub|substream|low|lq|sd)", re.IGNORECASE)
_KIND = re.compile(r"([A-Za-z][A-Za-z0-9+]{0,15}):")
_FFMPEG_NOTE = "Taken as the device sends it, without what ffmpeg would change."


def go2rtc_streams(document: Any) -> dict[str, list[str]]:
    """Names with their sources in order, {} when there are none."""
    top = as_dict(document)
    streams = as_dict(as_dict(top.get("go2rtc")).get("streams") or top.get("streams"))
    return {name: sources_of(value) for name, value in streams.items()}


def sources_of(value: Any) -> list[str]:
    """A stream is written as one source, a list, or a mapping with `url`."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = value.get("url")
        return sources_of(value) if not isinstance(value, dict) else []
    return [text for item in as_list(value) if (text := as_text(item))]


def go2rtc_entries(document: Any) -> list[Entry]:
    """Raises BadList."""
    streams = go2rtc_streams(document)
    if not streams:
        raise BadList("The file has no “streams”.", "Give go2rtc.yaml, or another --format.")
    subs = {main: name for name in streams if (main := _main_of(name, streams))}
    return [_entry(name, streams, subs.get(name)) for name in streams if name not in subs.values()]


def rtsp_source(sources: list[str]) -> tuple[str, str]:
    """The first that can be relayed, and a note about it; ("", "") when there is none."""
    for source in sources:
        if _is_rtsp(source):
            return source, ""
    for source in sources:
        inner = source[len("ffmpeg:") :] if source.lower().startswith("ffmpeg:") else ""
        if _is_rtsp(inner):
            return inner, _FFMPEG_NOTE
    return "", ""


def no_source(name: str, sources: list[str]) -> str:
    """Why a stream cannot be used. Nothing of its sources is repeated but their kind."""
    kinds = {found.group(1).lower() if (found := _KIND.match(source)) else "?" for source in sources} or {"nothing"}
    if "onvif" in kinds:
        return "its source is an ONVIF device; add that as an NVR, which brings events too"
    path = re.sub(r"[^A-Za-z0-9_.-]", "…", clean_name(name))
    return (
        f"its source is no RTSP address ({', '.join(sorted(kinds)[:4])}); add what go2rtc makes of it instead: "
        f"rtsp://ADDRESS-OF-GO2RTC:8554/{path}"
    )


def _is_rtsp(source: str) -> bool:
    return source.lower().startswith(("rtsp://", "rtsps://", "rtspx://"))


def _second(sources: list[str], main: str) -> str:
    """Another plain RTSP source of the same stream: mostly the device's smaller one."""
    others = [source for source in sources if _is_rtsp(source)]
    return next((other for other in others if other.partition("#")[0] != main.partition("#")[0]), "")


def _main_of(name: str, streams: Mapping[str, list[str]]) -> str:
    """The stream whose sub stream this is, "" when it is one of its own."""
    found = _SUB_NAME.fullmatch(name)
    if found is None:
        return ""
    stem = found.group(1)
    candidates = (stem, f"{stem}_main", f"{stem}-main", f"{stem}_hd", f"{stem}_hq")
    return next((main for main in candidates if main in streams and rtsp_source(streams[main])[0]), "")


def _entry(name: str, streams: Mapping[str, list[str]], sub_name: str | None) -> Entry:
    main, note = rtsp_source(streams[name])
    if not main:
        return Entry(name, problem=no_source(name, streams[name]))
    sub = rtsp_source(streams[sub_name])[0] if sub_name else _second(streams[name], main)
    return Entry(name, main=main, sub=sub, notes=(note,) if note else ())
