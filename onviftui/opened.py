"""What the help key and the palette key open over the place where the user is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from .keys import VIEWS
from .palette import Command, bulk_commands, key_commands, place_commands, view_commands
from .roles import may
from .theme import AUTO

if TYPE_CHECKING:
    from .app import OnviftuiApp


def open_palette(app: OnviftuiApp) -> None:
    """Everything that can be done here and now, and everywhere one can go."""
    from .screens.palette import Palette  # nobody waits for it at the start

    def chosen(command: Command | None) -> None:
        if command is not None:
            command.run()

    app.push_screen(Palette(list(_commands(app)), app.dress), chosen)


def _commands(app: OnviftuiApp) -> Iterator[Command]:
    marked = app.marked_cameras
    yield from key_commands(app.view_id, app.store.role, app.simulate_key)
    if marked:
        yield from bulk_commands(app, marked)
    yield from view_commands(app.show_view)
    yield from _system_commands(app)
    yield Command("Sources", "cameras that are known by their RTSP addresses alone", app.open_sources)
    yield from place_commands(app.store, app.open_camera, app.show_nvr)
    if not marked:
        yield from bulk_commands(app, [])
    yield from _theme_commands(app)
    if app.mouse:
        off = "the terminal selects text by itself then"
        yield Command("Mouse off", off, lambda: app.prefer(mouse=False))
    else:
        yield Command("Mouse on", "clicks and the wheel work", lambda: app.prefer(mouse=True))


def _system_commands(app: OnviftuiApp) -> Iterator[Command]:
    from .screens.system import ENTRIES, Entry

    def push(entry: Entry) -> None:
        app.push_screen(entry.screen())

    digit = next((digit for view, digit, _ in VIEWS if view == "system"), "")
    for entry in ENTRIES:
        if may(app.store.role, entry.role):
            yield Command(entry.label, entry.what, partial(push, entry), digit)


def _theme_commands(app: OnviftuiApp) -> Iterator[Command]:
    def prefer(word: str) -> None:
        app.prefer(theme=word)
        app.dress()  # also where the preference was that already, after a preview of another

    yield Command(
        "Theme: automatic", "by what the terminal can show", lambda: prefer(AUTO), preview=lambda: app.dress(AUTO)
    )
    for word, name, _ in app.themes:
        yield Command(
            f"Theme: {name[:1].lower()}{name[1:]}",
            "shown while the cursor is here",
            partial(prefer, word),
            preview=partial(app.dress, word),
        )
