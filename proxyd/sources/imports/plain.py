"""Our own lists, CSV and YAML: pure.

Columns or keys: name, main, sub, snapshot, username, password, and what the stream cannot tell itself: width, height,
fps, bitrate. Several words that people use for them are understood.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from ..source import Stated
from .entry import MAX_ENTRIES, BadList, Entry
from .yaml_text import MAX_CHARS, as_dict, as_list, as_number, as_text

_WORDS = {
    "name": "name",
    "camera": "name",
    "main": "main",
    "url": "main",
    "uri": "main",
    "rtsp": "main",
    "rtsp_url": "main",
    "stream": "main",
    "main_url": "main",
    "sub": "sub",
    "sub_url": "sub",
    "substream": "sub",
    "snapshot": "snapshot",
    "snapshot_url": "snapshot",
    "picture": "snapshot",
    "username": "username",
    "user": "username",
    "password": "password",
    "pass": "password",
    "width": "width",
    "height": "height",
    "fps": "fps",
    "framerate": "fps",
    "bitrate": "bitrate",
}
_WITHOUT_HEADER = ("main", "sub")
_HINT = "The first line names the columns: name,main,sub,snapshot,username,password"


def csv_entries(text: str) -> list[Entry]:
    """Raises BadList. The first line may be missing when it would be `main,sub` or `name,main,sub`."""
    if len(text) > MAX_CHARS:
        raise BadList(f"The file is larger than {MAX_CHARS // 1024} kB.", "Split it.")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error:
        raise BadList("The file cannot be read as CSV.", _HINT) from None
    rows = [row for row in rows if not row[0].lstrip().startswith("#")]
    if not rows:
        raise BadList("The list is empty.", _HINT)
    columns = [_WORDS.get(cell.strip().lower().replace(" ", "_").lstrip("\ufeff"), "") for cell in rows[0]]
    if "main" in columns:
        rows = rows[1:]
    elif "://" in rows[0][0]:
        columns = list(_WITHOUT_HEADER)
    elif len(rows[0]) > 1 and "://" in rows[0][1]:
        columns = ["name", *_WITHOUT_HEADER]
    else:
        raise BadList("The list has no column with addresses.", _HINT)
    return [_entry(dict(zip(columns, row, strict=False)), number) for number, row in enumerate(rows, 1)]


def yaml_entries(document: Any) -> list[Entry]:
    """From a list, or a mapping of names, alone or under `cameras`; a camera is an address or a mapping. Raises
    BadList."""
    cameras = document.get("cameras", document) if isinstance(document, dict) else document
    if isinstance(cameras, dict):
        pairs = [(str(name), value) for name, value in cameras.items()]
    else:
        pairs = [("", value) for value in as_list(cameras)]
    if not pairs:
        raise BadList(
            "There is no list of cameras in the file.", "A camera is written as:  - {name: Door, main: rtsp://…}"
        )
    entries = []
    for number, (name, value) in enumerate(pairs[: MAX_ENTRIES + 1], 1):
        if isinstance(value, str):
            fields: dict[str, Any] = {"main": value}
        else:
            fields = {_WORDS.get(key.lower(), ""): item for key, item in as_dict(value).items()}
        entries.append(_entry({"name": name, **fields}, number))
    return entries


def _entry(fields: Mapping[str, Any], number: int) -> Entry:
    text = {name: as_text(fields.get(name)) for name in ("name", "main", "sub", "snapshot", "username", "password")}
    stated = Stated(*(as_number(fields.get(name)) for name in ("width", "height", "fps", "bitrate")))
    problem = "" if text["main"] else "it has no address"
    return Entry(
        name=text["name"] or f"Camera {number}",
        main=text["main"],
        sub=text["sub"],
        snapshot=text["snapshot"],
        username=text["username"],
        password=text["password"],
        stated=(stated, Stated()),
        problem=problem,
    )
