"""docs/ui.md: what each screen tells and which keys do something there, from the scenes and the one key table."""

from __future__ import annotations

from onviftui.keys import VIEWS, Key, help_groups, help_keys

from .onviftui.scenes import SCENES

# scene → the place in the key table whose own keys belong to it
_PLACES = (
    {name: name for name, _, _ in VIEWS}
    | {
        name: name
        for name in (
            "camera",
            "job",
            "users",
            "snapshot",
            "sheet",
            "wizard",
            "settings",
            "backups",
            "undo",
            "sources",
            "certificate",
        )
    }
    | {"ptz": "pad"}
)
_TITLES = {name: title for name, _, title in VIEWS}
_HEAD = """# The terminal UI, screen by screen

Written by `python -m tests.pictures` from the UI itself: the pictures are what it draws at 120×40 (questions and forms
at 80×24), the keys are its own table. Everything works at 80×24, too; there one pane is shown at a time. `onviftui`
opens it, over SSH `ssh -p 2222 cameras@BOX`. A recorded tour: `asciinema play docs/tour.cast`.

The line on top says how the whole house is. `1` to `8` change the view, `Enter` opens what the cursor stands on or
mends what a line complains about, `Esc` leads back, `?` lists every key of the place, `:` finds everything by a few
letters.

## Colours

The theme follows the terminal: 24-bit or 256 colours, its own 16 where there are no more, none with `NO_COLOR`; it is
light where the terminal is. Nothing is told by colour alone. `:` and `theme` shows each one before it is taken: dark,
light, two of high contrast, and the terminal's own. Where a terminal is not known for its colours, set
`COLORTERM=truecolor`.

## Mouse

Clicks and the wheel work. To select text with the terminal's own mouse, hold Shift, or switch the mouse off: `:` and
`mouse off` (it stays off), or `onviftui --no-mouse` for once.

## Screens

"""


def ui_page() -> str:
    """The whole page."""
    parts = [_HEAD.rstrip("\n")]
    for scene in SCENES:
        title = scene.title or _TITLES.get(scene.name, scene.name.replace("-", " ").capitalize())
        parts.append(f"### {title}\n\n{scene.what}\n\n![{title}](pictures/{scene.name}.svg)")
        if scene.name in _PLACES:
            own = dict(help_groups(_PLACES[scene.name])).values()
            here = [key for keys in own for key in keys if key.where and key.action]
            parts.append(_table(here))
    everywhere = [key for key in help_keys("") if not key.where]
    parts.append(f"## Everywhere\n\n{_table(everywhere)}")
    return "\n\n".join(parts) + "\n"


def _table(keys: list[Key]) -> str:
    rows = [f"| `{key.shown}` | {key.help} |" for key in keys]
    return "\n".join(["| key | does |", "| --- | --- |", *rows])
