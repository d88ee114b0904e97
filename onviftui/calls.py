"""Calls to the daemon from the UI: each in a named worker, acknowledged at once, its error shown as words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App

from proxyd.errors import NotAllowed, ProxyError

from .crash import report_crash
from .live import Live
from .roles import may, needed, refusal
from .store import Store
from .ui import Severity
from .words import Look

TOAST_S: dict[Severity, float] = {"information": 4.0, "warning": 8.0, "error": 10.0}


class Caller(App[int]):
    """Owns the workers of the running calls. `crash_log` is where a bug leaves its traceback."""

    store: Store
    live: Live
    look: Look
    crash_log: Path

    def __init__(self, *, plain: bool = False) -> None:
        """`plain`: no colour at all, only bold and reverse (https://no-color.org)."""
        super().__init__(ansi_color=True if plain else None)
        self._doing: dict[int, str] = {}
        self._calls = 0

    def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        doing: str,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[ProxyError], bool] | None = None,
        deadline_s: float = 30.0,
    ) -> None:
        """See `ui.Ui.ask`."""
        if not may(self.store.role, needed(method)):
            refused = NotAllowed(refusal(self.store.role, needed(method)))
            if failed is None or not failed(refused):
                self.toast(str(refused), "warning")
            return
        self._calls += 1
        number = self._calls
        if doing:
            self._doing[number] = doing
            self.show_doing()

        async def call() -> None:
            try:
                result = await self.live.call(method, params, deadline_s)
                if then is not None:
                    then(result)
            except asyncio.CancelledError:
                raise
            except ProxyError as error:
                if failed is None or not failed(error):
                    self.toast(str(error), "error")
            except Exception as error:  # a bug here must not end the UI
                self.toast(report_crash(error, self.crash_log), "error")
            finally:
                if self._doing.pop(number, None):
                    self.show_doing()

        self.run_worker(call(), name=f"rpc {method} {number}", group="rpc", exit_on_error=False)

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
        return self._doing[max(self._doing)] if self._doing else ""

    def show_doing(self) -> None:
        """Tell the visible screens."""

    def toast(self, text: str, severity: Severity = "information") -> None:
        self.notify(text, severity=severity, timeout=TOAST_S[severity], markup=False)

    def copy(self, text: str, what: str) -> None:
        """A secret is never repeated on the screen."""
        self.copy_to_clipboard(text)
        self.toast("Copied the password." if what == "password" else f"Copied the {what}: {text}")
