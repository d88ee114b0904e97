"""One camera's picture, as fine as the terminal can. Fetched when somebody asks for it, never by itself."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime

from textual.app import ComposeResult
from textual.timer import Timer

from proxyd.api.models import Camera, Picture
from proxyd.errors import ProxyError

from ..keys import view_bindings
from ..picture_words import cost_words, picture_words, why_none
from ..pictures.asking import ASK_ABOVE
from ..pictures.capability import Method
from ..pictures.drawing import Drawn, draw
from ..pictures.scaling import NotAPicture
from ..store import Changes
from ..ui import is_there, ui_of
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, line, plain, wrap
from ..widgets.paint import Lines
from ..widgets.partial import CellCompositor
from ..widgets.terminal_picture import TerminalPicture
from ..words import Tone, camera_sign
from .one_camera import OneCamera
from .save_picture import save_picture

DEADLINE_S = 60.0
RESIZE_S = 0.2  # a window that is being dragged asks for one picture, not for fifty
WIDEST = 1920  # pixels; no terminal shows more of a picture
_FINE = (Method.KITTY, Method.SIXEL)
_WORDS_WIDTH = 64


class SnapshotScreen(OneCamera):
    """What is fine and large is drawn after a question where it costs: by SSH, or above ASK_ABOVE bytes."""

    view_id = "snapshot"
    BINDINGS = view_bindings("snapshot")

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        compositor = CellCompositor()
        self.box = TerminalPicture()
        compositor.painted = self.box.painted
        self._compositor = compositor
        self._picture: Picture | None = None
        self._fetched: datetime | None = None
        self._waiting: Drawn | None = None  # for the user's word
        self._resized: Timer | None = None
        self._drawn_for = (0, 0)

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="picture-title")
        yield self.box
        yield Lines(id="picture-how")
        yield KeyFooter("snapshot")

    def on_mount(self) -> None:
        super().on_mount()
        self._show_title()
        self.call_after_refresh(self.action_again)

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if not self.closes() and self.is_about_it(changes):
            self._show_title()

    def on_resize(self) -> None:
        super().on_resize()
        self.box.fits = False
        if self._picture is None:
            return
        if self._resized is not None:
            self._resized.stop()
        self._resized = self.set_timer(RESIZE_S, self._draw_in_new_size, name="picture after resize")

    # words

    def _show_title(self) -> None:
        camera, look = self.camera, ui_of(self).look
        if camera is None:
            return
        sign = camera_sign(camera)
        name = ui_of(self).store.camera_label(camera)
        self.query_one("#picture-title", Lines).show(
            [line((f" {look.glyph(sign)} ", sign.tone), (plain(name), Tone.STRONG), (f"   {sign.word}", Tone.MUTED))]
        )

    def _show_facts(self, drawn: Drawn | None = None) -> None:
        facts = picture_words(self._picture, self._fetched) if self._picture and self._fetched else ""
        lines = [line((f" {plain(facts)}", Tone.TEXT))]
        lines.append(line((f" {cost_words(drawn.method, drawn.size)}", Tone.MUTED)) if drawn is not None else line(""))
        self.query_one("#picture-how", Lines).show(lines)

    def _say(self, text: str, tone: Tone = Tone.MUTED, *then: Line) -> None:
        self._waiting = None
        width = min(_WORDS_WIDTH, max(20, self.box.size.width - 4))
        self.box.say([*wrap(text, width, tone), *((line(""), *then) if then else ())])

    # fetching

    def action_again(self) -> None:
        """Fetch and draw it."""
        camera = self.camera
        if camera is None:
            return
        if self._picture is None:
            self._say(f"Fetching a picture of {plain(camera.name)}…")
        ui_of(self).pictures.work(self, self._fetch(camera), "picture")

    async def _fetch(self, camera: Camera) -> None:
        """Asks the terminal meanwhile, the first time."""
        canvas = await ui_of(self).pictures.canvas(self._room)
        params = {"id": camera.id, "max_width": max(64, min(WIDEST, canvas.pixels))}
        doing = f"Fetching a picture of {plain(camera.name)}…"
        ui_of(self).ask(
            "camera.snapshot", params, doing=doing, then=self._arrived, failed=self._failed, deadline_s=DEADLINE_S
        )

    def _failed(self, error: ProxyError) -> bool:
        if is_there(self):
            self._picture = None
            self._show_facts()
            self._say(str(error), Tone.ERROR, line(("r tries again", Tone.MUTED)))
        return True

    def _arrived(self, picture: Picture) -> None:
        if not is_there(self):
            return
        self._picture, self._fetched = picture, ui_of(self).local_now()
        if picture.fallback:
            self._show_facts()
            self._say(
                f"No picture: {plain(why_none(picture))}. Recorders get a stand-in picture that says so.",
                Tone.WARNING,
                line(("r tries again", Tone.MUTED)),
            )
            return
        ui_of(self).pictures.work(self, self._draw(), "picture")

    # drawing

    @property
    def _room(self) -> tuple[int, int]:
        return max(1, self.box.size.width), max(1, self.box.size.height)

    def _draw_in_new_size(self) -> None:
        self._resized = None
        drawn = self.box.drawn
        if drawn is not None and not drawn.over and self._drawn_for == self._room:
            return  # a screen hears of its size more than once when it opens
        if self._picture is not None and not self._picture.fallback:
            ui_of(self).pictures.forget()
            ui_of(self).pictures.work(self, self._draw(), "picture")

    async def _draw(self, method: Method | None = None) -> None:
        pictures, picture = ui_of(self).pictures, self._picture
        room = self._room
        canvas = await pictures.canvas(room, method)
        if picture is None or not is_there(self):
            return
        if canvas.method is Method.OFF:
            self._show_facts()
            self._say("Pictures are switched off in Settings.", Tone.MUTED, line(("b draws this one", Tone.MUTED)))
            return
        data = base64.b64decode(picture.data)
        shape = (picture.width, picture.height) if picture.width and picture.height else (16, 9)
        try:
            drawn = await asyncio.to_thread(draw, data, shape, canvas)
        except NotAPicture as error:
            self._say(f"What came is {error}.", Tone.ERROR, line(("r tries again", Tone.MUTED)))
            return
        if not is_there(self):
            return
        self._drawn_for = room
        if drawn.size > max(pictures.agreed, self._unasked(drawn)):
            self._ask(drawn)
        else:
            self._show(drawn)

    def _unasked(self, drawn: Drawn) -> int:
        """How many bytes are drawn without a question."""
        return 0 if drawn.method in _FINE and ui_of(self).pictures.over_ssh else ASK_ABOVE

    def _ask(self, drawn: Drawn) -> None:
        self._show_facts()
        self._say(
            f"Here this picture takes {cost_words(drawn.method, drawn.size)}.",
            Tone.TEXT,
            line(("Enter", Tone.ACCENT), (" draws it", Tone.MUTED)),
            line(("b", Tone.ACCENT), (" draws it coarsely, for much less", Tone.MUTED)),
        )
        self._waiting = drawn

    def _show(self, drawn: Drawn) -> None:
        self._waiting = None
        self._show_facts(drawn)
        self.box.show(drawn)

    def action_draw(self) -> None:
        if self._waiting is not None:
            drawn = self._waiting
            ui_of(self).pictures.agreed = max(ui_of(self).pictures.agreed, drawn.size * 2)
            self._show(drawn)

    def action_coarse(self) -> None:
        """For few bytes from now on, or as fine as it can be again."""
        if self._picture is None or self._picture.fallback:
            return
        pictures, drawn = ui_of(self).pictures, self.box.drawn
        if pictures.instead is not None and drawn is not None:
            pictures.instead = None
        elif self._waiting is not None and self._waiting.method is Method.BLOCKS:
            pictures.instead = Method.CHARACTERS
        elif drawn is not None and drawn.method not in _FINE:
            ui_of(self).toast("This terminal draws pictures no finer, and they cost little as they are.")
            return
        else:
            method = pictures.cells(self._room).method
            pictures.instead = Method.BLOCKS if method is Method.OFF else method
        pictures.work(self, self._draw(), "picture")

    def action_save(self) -> None:
        if self.camera is not None and self._picture is not None and self._fetched is not None:
            save_picture(self, self.camera, self._picture, self._fetched, deadline_s=DEADLINE_S)
