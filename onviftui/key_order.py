"""Keys one after another: what one key sets off is done before the next one is looked at.

Textual passes keys on as they come. Of keys that arrive together (pasted, or typed faster than a slow line carries
them) the later ones would reach the widget that was focused before the first one acted: of "/door" only the "/" would
be meant for the filter, and "d" would offer to remove a camera. Here each key waits until the focused widget and those
around it have done what was sent to them, and what was opened is mounted, however long a slow machine takes for it.
"""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakSet

from textual import events
from textual.app import App
from textual.message import Message
from textual.widget import Widget

STUCK_S = 10.0  # a widget that does nothing for so long is not waited for until it does: only a bug can be the cause
_MOST_ROUNDS = 5  # of what opens a screen, which opens a screen, …


def give_focus(widget: Widget) -> None:
    """The keyboard to this widget, for the very next key. (`Widget.focus` does it some messages later.)"""
    widget.screen.set_focus(widget)


class KeysInOrder(App[int]):
    """An application in which no key overtakes the effects of those before it."""

    _came_up: events.Event | None = None  # the key that no widget has taken

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stuck: WeakSet[Widget] = WeakSet()

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste):
            await super().on_event(event)
            return
        await self._settled(self._keyboard)
        target = self._keyboard
        await super().on_event(event)  # a key of the highest priority, or passed on to the target
        if event.is_forwarded:
            await self._settled(target)
            if self._came_up is event:
                await super().on_event(event)
            self._came_up = None

    def post_message(self, message: Message) -> bool:
        """What comes up through the widgets is waited for in `on_event`, before anything else is looked at."""
        if isinstance(message, events.Key | events.Paste) and message.is_forwarded:
            self._came_up = message
            return True
        return super().post_message(message)

    @property
    def _keyboard(self) -> Widget:
        return self.focused or self.screen

    async def _settled(self, widget: Widget) -> None:
        """This widget and those around it have done what was sent to them, and what was opened is there."""
        for node in widget.ancestors_with_self:
            if isinstance(node, Widget) and node not in self._stuck:
                await self._reached(node)
        for _ in range(_MOST_ROUNDS):
            if not self._next_callbacks:
                break
            await self._flush_next_callbacks()

    async def _reached(self, node: Widget) -> None:
        """It has done what was sent to it before."""
        reached = asyncio.Event()

        def here() -> None:
            reached.set()
            self._stuck.discard(node)

        if not node.call_later(here):
            return  # it is gone
        try:
            async with asyncio.timeout(STUCK_S):
                await reached.wait()
        except TimeoutError:
            self._stuck.add(node)
