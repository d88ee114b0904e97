"""Small pictures of many cameras. Only those of the visible page are fetched, few at a time, and only when asked."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.timer import Timer
from textual.worker import Worker

from proxyd.api.models import Picture
from proxyd.errors import ProxyError

from ..key_order import give_focus
from ..keys import view_bindings
from ..picture_words import why_none
from ..pictures.drawing import Canvas, draw
from ..pictures.grid import Grid, fitting
from ..pictures.pages import Pages
from ..pictures.scaling import NotAPicture
from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.frame import KeyFooter
from ..widgets.line import plain, wrap
from ..widgets.paint import Lines
from ..widgets.sheet_lines import Progress, sheet_title
from ..widgets.thumbs import Thumb, Thumbs
from ..words import Tone, camera_sign
from .live_screen import LiveScreen
from .snapshot import SnapshotScreen

AT_ONCE = 3
DEADLINE_S = 60.0
RESIZE_S = 0.2


class ContactSheet(LiveScreen):
    """`cameras` in the order in which they are shown; `title` says whose they are."""

    view_id = "sheet"
    BINDINGS = view_bindings("sheet")

    def __init__(self, cameras: Sequence[int], title: str) -> None:
        super().__init__()
        self._pages = Pages(cameras)
        self._title = title
        self._thumbs: dict[int, Thumb] = {}
        self._fetching: Worker[None] | None = None
        self._round = 0  # of fetching; an earlier one says nothing any more
        self._progress = Progress()
        self._resized: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="picture-title")
        yield Thumbs()
        yield KeyFooter("sheet")

    def on_mount(self) -> None:
        super().on_mount()
        give_focus(self.thumbs)
        self._progress.agreed = not ui_of(self).pictures.over_ssh
        self._show_title()  # before the room for pictures is measured
        self.call_after_refresh(self._show_page)

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if self._pages.keep(ui_of(self).store.cameras):
            self._show_page()
        for camera in changes.of("camera"):
            if thumb := self._thumbs.get(camera):
                self._label(thumb)
                self.thumbs.changed(thumb)

    def on_resize(self) -> None:
        super().on_resize()
        if self._resized is not None:
            self._resized.stop()
        self._resized = self.set_timer(RESIZE_S, self._in_new_size, name="pictures after resize")

    @property
    def thumbs(self) -> Thumbs:
        return self.query_one(Thumbs)

    @property
    def _canvas(self) -> Canvas:
        return ui_of(self).pictures.cells((self._pages.grid.columns, self._pages.grid.rows))

    # pages

    def _in_new_size(self) -> None:
        self._resized = None
        if is_there(self) and self._fitting() != self._pages.grid:
            current = self.thumbs.current
            self._show_page(current.camera if current else None)

    def _fitting(self) -> Grid:
        size = self.thumbs.size
        return fitting(len(self._pages.cameras), size.width, size.height)

    def _show_page(self, camera: int | None = None) -> None:
        """The page with this camera, or the one that was shown; what is missing there is fetched."""
        grid = self._fitting()
        if grid != self._pages.grid:
            self._thumbs.clear()  # they are too small or too large now
        self._pages.fit(grid, camera)
        self._cancel()
        self.thumbs.show(grid, [self._thumb(camera) for camera in self._pages.here], camera)
        self._progress.stopped = False
        self._fetch_missing()

    def _thumb(self, camera: int) -> Thumb:
        thumb = self._thumbs.get(camera)
        if thumb is None:
            thumb = self._thumbs[camera] = Thumb(camera, "", " ", Tone.MUTED)
        self._label(thumb)
        return thumb

    def _label(self, thumb: Thumb) -> None:
        ui = ui_of(self)
        if known := ui.store.cameras.get(thumb.camera):
            sign = camera_sign(known)
            thumb.name, thumb.glyph, thumb.tone = ui.store.camera_label(known), ui.look.glyph(sign), sign.tone

    # fetching

    def _fetch_missing(self) -> None:
        missing = [camera for camera in self._pages.here if self._is_missing(camera)]
        self._progress.wanted, self._progress.fetched = len(missing), 0
        if missing and self._progress.agreed and not self._progress.stopped:
            work = self._fetch(missing, self._canvas)
            self._fetching = ui_of(self).pictures.work(self, work, "pictures")
        self._show_title()

    def _is_missing(self, camera: int) -> bool:
        thumb = self._thumbs[camera]
        return thumb.drawn is None and not thumb.words

    async def _fetch(self, cameras: list[int], canvas: Canvas) -> None:
        queue = list(reversed(cameras))
        self._round += 1
        this_round = self._round

        async def one_after_the_other() -> None:
            while queue:
                await self._fetch_one(queue.pop(), canvas)

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(AT_ONCE):
                    group.create_task(one_after_the_other(), name=f"contact sheet {number}")
        finally:
            if self._round == this_round and is_there(self):
                self._fetching = None
                self._show_title()

    async def _fetch_one(self, camera: int, canvas: Canvas) -> None:
        params = {"id": camera, "max_width": max(16, min(640, canvas.pixels))}
        thumb = self._thumb(camera)
        try:
            picture: Picture = await ui_of(self).live.call("camera.snapshot", params, DEADLINE_S)
            if picture.fallback:
                self._say(thumb, why_none(picture))
            else:
                shape = (picture.width, picture.height) if picture.width and picture.height else (16, 9)
                thumb.drawn = await asyncio.to_thread(draw, base64.b64decode(picture.data), shape, canvas)
        except ProxyError as error:
            self._say(thumb, error.message)
        except NotAPicture as error:
            self._say(thumb, str(error))
        if is_there(self):
            self._progress.fetched += 1
            self.thumbs.changed(thumb)
            self._show_title()

    def _say(self, thumb: Thumb, why: str) -> None:
        limit = max(1, self._pages.grid.rows - 1)
        thumb.words = wrap(plain(why), self._pages.grid.columns - 1, Tone.MUTED, limit=limit)

    def _cancel(self) -> bool:
        """True when there was something to stop."""
        if self._fetching is None:
            return False
        self._fetching.cancel()
        self._fetching = None
        return True

    # words

    def _show_title(self) -> None:
        self._progress.running = self._fetching is not None
        title = sheet_title(self._title, self._pages, self._progress, self._canvas, ui_of(self).look)
        self.query_one("#picture-title", Lines).show([title])

    # actions

    def action_open(self) -> None:
        current = self.thumbs.current
        if not self._progress.agreed and self._progress.wanted:
            self._progress.agreed = True
            self._fetch_missing()
        elif current is not None:
            self.app.push_screen(SnapshotScreen(current.camera))

    @on(Thumbs.Opened)
    def _double_clicked(self) -> None:
        self.action_open()

    def action_again(self) -> None:
        self._cancel()
        for camera in self._pages.here:
            thumb = self._thumb(camera)
            thumb.drawn, thumb.words = None, []
            self.thumbs.changed(thumb)
        self._progress.stopped = False
        self._fetch_missing()

    def action_next_page(self) -> None:
        self._turn(1)

    def action_previous_page(self) -> None:
        self._turn(-1)

    @on(Thumbs.PageWanted)
    def _page_wanted(self, message: Thumbs.PageWanted) -> None:
        self._turn(message.step)

    def _turn(self, step: int) -> None:
        camera = self._pages.turn(step)
        if camera is not None:
            self._show_page(camera)

    def action_stop(self) -> None:
        if self._cancel():
            self._progress.stopped = True
            self._show_title()
        else:
            self.app.pop_screen()
