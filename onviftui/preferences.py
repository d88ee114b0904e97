"""What one user likes of the UI: kept in a small JSON file of his own, never in the daemon.

To add a preference, add a field with a default to `Preferences` (a bool, or a str with its choices in `CHOICES`, unless
any word will do) and a line to `LABELS`: it is then loaded, saved and shown in Settings. Read it as
`ui_of(self).preferences.NAME`, change it by `ui_of(self).prefer(NAME=value)`; what must happen at once when it changes
belongs in `OnviftuiApp.preferences_changed`.

Reading never fails: a damaged file or a value that this version does not know costs that value and nothing else, and
what a newer version wrote stays in the file. The SSH front gives each of its users an XDG_CONFIG_HOME of his own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

LARGEST_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Preferences:
    """The defaults are what somebody gets who never chose anything."""

    theme: str = "auto"  # a word of `theme.CHOICES`; "auto": by what the terminal can show
    mouse: bool = True  # off: the terminal's own selection works
    links: bool = True  # addresses are links of the terminal (OSC 8)
    clipboard: bool = True  # y copies through the terminal (OSC 52)
    pictures: str = "auto"  # how pictures are drawn


CHOICES: dict[str, tuple[str, ...]] = {
    "pictures": ("auto", "kitty", "sixel", "blocks", "characters", "off"),
}

# name → label and what it means, in the order of the Settings screen
LABELS: dict[str, tuple[str, str]] = {
    "theme": ("Theme", "colours; automatic goes by what the terminal can show"),
    "mouse": ("Mouse", "off: select text with the terminal's own mouse"),
    "links": ("Links", "addresses can be clicked where the terminal knows links (OSC 8)"),
    "clipboard": ("Clipboard", "y copies through the terminal, also by SSH (OSC 52)"),
    "pictures": ("Pictures", "how snapshots are drawn; automatic asks the terminal"),
}


def default_path(environ: Mapping[str, str], home: Path) -> Path:
    """Where the file of this user is."""
    if chosen := environ.get("ONVIFTUI_PREFERENCES"):
        return Path(chosen)
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base and Path(base).is_absolute() else home / ".config") / "onviftui" / "preferences.json"


def parse(text: str) -> Preferences:
    """Whatever the text is: what can be used of it, the defaults for the rest."""
    known = _object(text)
    return Preferences(**{name: value for name, value in known.items() if _fits(name, value)})


def render(preferences: Preferences, before: str = "") -> str:
    """The file's text; what `before` holds beyond what this version knows stays in it."""
    names = {field.name for field in fields(Preferences)}
    foreign = {name: value for name, value in _object(before).items() if name not in names}
    return json.dumps(foreign | asdict(preferences), indent=2, ensure_ascii=False) + "\n"


def load(path: Path) -> Preferences:
    """Never fails."""
    return parse(_read(path))


def save(path: Path, preferences: Preferences) -> None:
    """Whole or not at all, 0600. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = render(preferences, _read(path))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _fits(name: str, value: Any) -> bool:
    default = getattr(Preferences(), name, None) if name in {field.name for field in fields(Preferences)} else None
    if default is None or type(value) is not type(default):
        return False
    return value in CHOICES[name] if name in CHOICES else not isinstance(value, str) or len(value) <= 64
