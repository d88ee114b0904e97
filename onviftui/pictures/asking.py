"""The application's side of pictures: what the terminal can do and how light it is, asked when it is first needed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from itertools import count
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.worker import Worker

from ..terminal import Colours, is_light
from ..ui import ui_of
from .capability import BACKGROUND_QUESTIONS, QUESTIONS, Answers, Method, choose, may_ask, over_ssh
from .drawing import Canvas
from .driver import AskingDriver

ASK_DEADLINE_S = 2.0  # a slow line; terminals that answer nothing at all are rare
ASK_ABOVE = 200_000  # bytes that are drawn without a question
_NUMBERS = 2**24


def asking(driver: type[Driver]) -> type[Driver]:
    """The driver that is like this one and can ask, where there is one."""
    return AskingDriver if driver is LinuxDriver else driver


class PictureTerminal:
    """The terminal of an application.

    `agreed` is how many bytes of a picture its user has agreed to, `instead` the method that he took for this session
    because it is cheaper.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._answers: Answers | None = None
        self._lock = asyncio.Lock()
        # Another program may have pictures in the same terminal.
        self._numbers = count(os.getpid() * 251)
        self.agreed = 0
        self.instead: Method | None = None

    @property
    def over_ssh(self) -> bool:
        return over_ssh(os.environ)

    def forget(self) -> None:
        """The terminal may have another size, or be another one."""
        self._answers = None

    async def answers(self) -> Answers:
        async with self._lock:
            if self._answers is None:
                driver, self._answers = self._app._driver, Answers()
                if isinstance(driver, AskingDriver) and may_ask(os.environ, self._wanted):
                    self._answers = await driver.ask(QUESTIONS, ASK_DEADLINE_S)
            return self._answers

    async def is_light(self) -> bool:
        """Asks what is behind the text."""
        async with self._lock:
            driver = self._app._driver
            if not isinstance(driver, AskingDriver):
                return False
            return is_light((await driver.ask(BACKGROUND_QUESTIONS, ASK_DEADLINE_S)).background)

    async def canvas(self, room: tuple[int, int], method: Method | None = None) -> Canvas:
        """For pictures of that many columns and rows."""
        ui, answers = ui_of(self._app), await self.answers()
        method = method or self.instead
        if method is None:
            method = choose(os.environ, ui.colours, answers, wanted=self._wanted, ascii_only=ui.look.ascii)
        return Canvas(
            method,
            room,
            answers.cell,
            ui.colours is Colours.TRUE,
            ui.look.ascii,
            self._app.current_theme.dark,
            next(self._numbers) % _NUMBERS or 1,
        )

    def cells(self, room: tuple[int, int]) -> Canvas:
        """For many small pictures: half blocks, or characters."""
        ui = ui_of(self._app)
        wanted = self._wanted if self._wanted in (Method.CHARACTERS, Method.OFF) else Method.BLOCKS
        few = ui.look.ascii or ui.colours in (Colours.NONE, Colours.SIXTEEN)
        method = Method.CHARACTERS if few and wanted == Method.BLOCKS else Method(wanted)
        return Canvas(method, room, None, ui.colours is Colours.TRUE, ui.look.ascii, self._app.current_theme.dark)

    def write(self, text: str) -> None:
        """To the terminal, beside what Textual draws; nothing where there is no terminal."""
        driver = self._app._driver
        if text and isinstance(driver, AskingDriver):
            driver.write(text)
            driver.flush()

    def work(self, node: DOMNode, work: Coroutine[Any, Any, None], name: str) -> Worker[None]:
        """In a worker of the node, which takes the place of the one before."""
        return node.run_worker(work, name=name, group=name, exclusive=True)

    @property
    def _wanted(self) -> str:
        return os.environ.get("ONVIFTUI_PICTURES") or ui_of(self._app).preferences.pictures
