"""The cameras of a Frigate configuration: pure.

An input with the role record is the main stream, one with detect the sub stream. Inputs that come from Frigate's own
restream are followed back to the device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..source import Stated
from .entry import BadList, Entry
from .go2rtc import go2rtc_streams, no_source, rtsp_source
from .yaml_text import as_dict, as_list, as_number, as_text

_RESTREAM = re.compile(r"rtsp://(?:127\.0\.0\.1|localhost|\[::1\]):8554/([^?#/]+).*", re.IGNORECASE)


def frigate_entries(document: Any) -> list[Entry]:
    """Raises BadList."""
    cameras = as_dict(as_dict(document).get("cameras"))
    if not cameras:
        raise BadList("The file has no “cameras”.", "Give Frigate's config.yml, or another --format.")
    streams = go2rtc_streams(document)
    return [_entry(name, as_dict(camera), streams) for name, camera in cameras.items()]


def _entry(name: str, camera: dict[str, Any], streams: Mapping[str, list[str]]) -> Entry:
    shown = as_text(camera.get("friendly_name")) or name
    if as_text(camera.get("enabled")).lower() in ("false", "no", "off"):
        return Entry(shown, problem="it is switched off in the file")
    inputs = [as_dict(item) for item in as_list(as_dict(camera.get("ffmpeg")).get("inputs"))]
    with_roles = [(as_text(item.get("path")), {as_text(r) for r in as_list(item.get("roles"))}) for item in inputs]
    with_roles = [(path, roles) for path, roles in with_roles if path]
    if not with_roles:
        return Entry(shown, problem="it has no ffmpeg input")
    main = next((path for path, roles in with_roles if "record" in roles), "")
    main = main or next((path for path, roles in with_roles if "detect" not in roles), with_roles[0][0])
    sub = next((path for path, roles in with_roles if "detect" in roles and path != main), "")
    main_url, note = _followed(main, streams)
    if not main_url:
        return Entry(shown, problem=note)
    sub_url, sub_note = _followed(sub, streams) if sub else ("", "")
    notes = [text for text in (note, f"Its sub stream is left out: {sub_note}." if sub and not sub_url else "") if text]
    detect = as_dict(camera.get("detect"))
    stated = Stated(as_number(detect.get("width")), as_number(detect.get("height")))
    return Entry(
        shown,
        main=main_url,
        sub=sub_url if sub_url != main_url else "",
        stated=(Stated(), stated if sub_url else Stated()),
        notes=tuple(notes),
    )


def _followed(path: str, streams: Mapping[str, list[str]]) -> tuple[str, str]:
    """The device's own address and a note, or "" and why there is none."""
    found = _RESTREAM.fullmatch(path)
    if found is None:
        return path, ""
    sources = streams.get(found.group(1))
    if sources is None:
        return "", "it comes from Frigate's restream, and the file does not say where that gets it"
    url, note = rtsp_source(sources)
    return (url, note) if url else ("", no_source(found.group(1), sources))
