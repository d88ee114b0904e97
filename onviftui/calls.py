"""Calls to the daemon from the UI: each in a named worker, acknowledged at once, its error shown as words."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker

from proxyd.api.methods import METHODS, only_looks
from proxyd.errors import NotAllowed, ProxyError

from .bugs import BugsContained
from .live import Live
from .preferences import Preferences
from .roles import may, needed, refusal
from .store import Store
from .terminal import has_clipboard
from .ui import Severity
from .words import Look

LONG_S = 1.0  # after so long a call says that one need not wait for it
TOAST_S: dict[Severity, float] = {"information": 4.0, "warning": 8.0, "error": 10.0}


class Asked:
    """One unanswered call."""

    def __init__(
        self, method: str, params: dict[str, Any], doing: str, failed: Callable[[ProxyError], bool] | None
    ) -> None:
        self.doing = doing
        self.worker: Worker[None] | None = None
        self.long = False
        self._method = method
        self._params = params
        self._failed = failed

    def same(self, other: Asked) -> bool:
        return (self._method, self._params) == (other._method, other._params)

    def give_up(self) -> str:
        """Nobody waits for the answer any more; the sentence says what that means. Whoever asked hears GivenUp."""
        if self.worker is not None:
            self.worker.cancel()
        words = given_up_words(self._method, self.doing)
        if self._failed is not None:
            self._failed(GivenUp(words))
        return words


class GivenUp(ProxyError):
    """The user does not wait for the answer any more, and has been told what that means."""


def given_up_words(method: str, doing: str) -> str:
    """For the user, who may wonder what becomes of it now."""
    what = f": {doing.rstrip('…. ')}" if doing else ""
    known = METHODS.get(method)
    if known is not None and only_looks(known):
        return f"Stopped{what}. Nothing was changed."
    return f"Not waiting any more{what}. proxyd does it to its end all the same."


class Caller(BugsContained):
    """Owns the workers of the running calls."""

    store: Store
    live: Live
    look: Look
    preferences: Preferences

    def __init__(self, *, plain: bool = False) -> None:
        """`plain`: no colour at all, only bold and reverse (https://no-color.org)."""
        super().__init__(ansi_color=True if plain else None)
        self._waiting: list[Asked] = []  # those that the footer tells of, oldest first
        self._calls = 0
        self._error_until = 0.0  # an error stands on the screen as long

    def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        doing: str,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[ProxyError], bool] | None = None,
        deadline_s: float = 30.0,
        owner: DOMNode | None = None,
    ) -> Asked | None:
        """See `ui.Ui.ask`."""
        if not may(self.store.role, needed(method)):
            refused = NotAllowed(refusal(self.store.role, needed(method)))
            if failed is None or not failed(refused):
                self.toast(str(refused), "warning")
            return None
        asked = Asked(method, params or {}, doing, failed)
        if doing and any(other.same(asked) for other in self._waiting):
            return None  # the key was pressed twice; the footer says what is being done

        async def call() -> None:
            try:
                result = await self.live.call(method, params, deadline_s)
                if then is not None and doing:
                    then(result)
                elif then is not None:
                    self.with_data(partial(then, result))
            except ProxyError as error:
                if failed is None or not failed(error):
                    self.toast(str(error), "error")
            except Exception as error:  # a bug here must not end the UI
                self.tell_bug(error)
            finally:
                if asked in self._waiting:
                    self._waiting.remove(asked)
                    self.show_doing()

        if doing:
            self._waiting.append(asked)
            self.show_doing()
            self.set_timer(LONG_S, lambda: self._is_long(asked))
        self._calls += 1
        name = f"rpc {method} {self._calls}"
        asked.worker = (owner or self).run_worker(call(), name=name, group="rpc", exit_on_error=False)
        return asked

    def _is_long(self, asked: Asked) -> None:
        """From now on the footer says that one need not wait."""
        if asked in self._waiting:
            asked.long = True
            self.show_doing()

    def stop_waiting(self) -> bool:
        """For the newest call that the footer tells of. True when there was one; a toast says what that means."""
        if not self._waiting:
            return False
        self.toast(self._waiting[-1].give_up(), "warning")
        return True

    def allowed(self, method: str, what: str = "") -> bool:
        """May this user call it? When not, a toast says so; for forms and questions, before they open."""
        role, least = self.store.role, needed(method)
        if may(role, least):
            return True
        self.toast(refusal(role, least, what), "warning")
        return False

    def may_call(self, method: str) -> bool:
        """See `ui.Ui.may_call`."""
        return may(self.store.role, needed(method))

    @property
    def local(self) -> bool:
        """See `ui.Ui.local`."""
        return self.live.local

    @property
    def doing(self) -> str:
        """What the newest unanswered call does, for the footer."""
        if not self._waiting:
            return ""
        newest = self._waiting[-1]
        return f"{newest.doing} Esc: do not wait" if newest.long else newest.doing

    def with_data(self, show: Callable[[], None]) -> None:
        """Show what was asked for without anybody waiting, when other data is shown: within FLUSH_S."""
        show()

    def show_doing(self) -> None:
        """Tell the visible screens."""

    def toast(self, text: str, severity: Severity = "information") -> None:
        """The newest stands alone, so that it covers little; an error is not pushed away before its time is over."""
        now = time.monotonic()
        if now >= self._error_until:
            self.clear_notifications()
        if severity == "error":
            self._error_until = now + TOAST_S[severity]
        self.notify(text, severity=severity, timeout=TOAST_S[severity], markup=False)

    def copy(self, text: str, what: str) -> None:
        """A secret is never repeated on the screen."""
        cannot = "Copying is switched off in Settings." if not self.preferences.clipboard else ""
        if not has_clipboard(os.environ):
            cannot = "This terminal has no clipboard."
        if cannot:
            self.toast(cannot if what == "password" else f"The {what}: {text}")
            return
        self.copy_to_clipboard(text)
        self.toast("Copied the password." if what == "password" else f"Copied the {what}: {text}")
