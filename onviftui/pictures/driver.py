"""Textual's driver for terminals, that can also ask the terminal something.

Textual 8.2 takes answers that it does not know for keys. So this driver has an input thread of its own, which takes the
answers out before Textual's parser sees the rest. The parser is private there; a test on a real pty holds it all.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import time
from codecs import getincrementaldecoder
from dataclasses import replace
from functools import partial
from typing import Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from .capability import Answers
from .kernel_cell import kernel_cell
from .replies import Replies

_POLL_S = 0.1  # how long the beginning of an answer waits for the rest, and a thread for its end
_LATE_S = 10.0  # answers of a slow line are still no keys
_READ = 4096


class AskingDriver(LinuxDriver):
    """`ask` may be called in the application's loop, once at a time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._replies: Replies | None = None
        self._listen_until = 0.0
        self._answered: asyncio.Event | None = None

    async def ask(self, questions: str, deadline_s: float) -> Answers:
        """What the terminal said of itself until then. Costs some forty bytes and one round trip."""
        self._answered = asyncio.Event()
        replies = self._replies = Replies()
        self._listen_until = time.monotonic() + deadline_s + _LATE_S
        self.write(questions)
        self.flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._answered.wait()
        return replace(replies.answers, cell=replies.answers.cell or kernel_cell(self.fileno))

    def run_input_thread(self) -> None:
        """Reads until the application ends."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_POLL_S):
                    data = self._read()
                    if not data:
                        self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=1))
                        return  # the terminal is gone
                    self._heard(parser, decode(data))
                elif self._replies is not None and (text := self._replies.release()):
                    self._passed_on(parser, text)
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, _READ)
        except OSError:
            return b""

    def _heard(self, parser: XTermParser, text: str) -> None:
        replies = self._replies
        if replies is not None:
            text = replies.feed(text)
            if replies.answers.complete and self._answered is not None:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._answered.set)
            if time.monotonic() > self._listen_until:
                text += replies.release()
                self._replies = None
        self._passed_on(parser, text)

    def _passed_on(self, parser: XTermParser, text: str) -> None:
        if text:
            for event in parser.feed(text):
                self.process_message(event)
