"""Leaving, whatever hangs: ctrl-c twice ends the program even where a handler of ours never comes back.

Textual waits at its end until each widget has done what it was doing, and looks at no key while the application itself
does something. So what is not over some seconds after the user wanted to leave is broken off; the terminal is given
back all the same.
"""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message

LEAVE_S = 5.0
_INTERRUPT = "ctrl+c"
_HUNG = "The UI did not answer any more, so it was ended. Cameras go on running."


class AlwaysLeft(App[int]):
    """An application that ends when the user wants it to. `crashes` are sentences for after the screen is restored."""

    crashes: list[str]
    _whole: asyncio.Task[Any] | None = None  # all of the program
    _unanswered = 0  # ctrl-c

    async def on_event(self, event: events.Event) -> None:
        try:
            await super().on_event(event)
        finally:
            if _is_interrupt(event):
                self._unanswered -= 1

    def post_message(self, message: Message) -> bool:
        if _is_interrupt(message):
            self._unanswered += 1
            if self._unanswered > 1:
                self._leave_soon()
        return super().post_message(message)

    def exit(self, *args: Any, **kwargs: Any) -> None:
        super().exit(*args, **kwargs)
        self._leave_soon()

    def _on_load(self) -> None:
        self._whole = asyncio.current_task()

    def _leave_soon(self) -> None:
        """What runs is broken off first, then what the end itself waits for."""
        loop = asyncio.get_running_loop()
        for turn in (1, 2):
            loop.call_later(LEAVE_S * turn, self._break_off)

    def _break_off(self) -> None:
        if self._whole is None or self._whole.done() or not (self._unanswered or self._exit):
            return
        if not self.crashes:
            self._return_code = 1
            self.crashes.append(_HUNG)
        self._whole.cancel()


def _is_interrupt(message: Message) -> bool:
    return isinstance(message, events.Key) and message.key == _INTERRUPT and not message.is_forwarded
