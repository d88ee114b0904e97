"""The last exchanges of one camera with recorders: a bounded ring (contract 8: every refusal is recorded)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from proxyd.api.models import TraceEntry

ENTRIES = 200
_TEXT = 300  # a client chooses operation names: they are cut to this many characters


class Trace:
    """Implements `RecordExchange`. `recorder` is the address of the client that last got something; `moved_from` the
    camera's address at which it did, until somebody gets something at the present one."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now
        self._entries: deque[TraceEntry] = deque(maxlen=ENTRIES)
        self.recorder: str | None = None
        self.moved_from = ""
        self._address = ""

    def __call__(
        self,
        *,
        client: str,
        protocol: Literal["onvif", "rtsp", "snapshot", "discovery"],
        operation: str,
        ok: bool,
        auth: str = "",
        reason: str = "",
    ) -> None:
        if ok and auth:
            self.recorder = client.rpartition(":")[0] or client
            self.moved_from = ""
        self._entries.append(
            TraceEntry(
                at=self._now(),
                client=client,
                protocol=protocol,
                operation=operation[:_TEXT],
                auth=auth,
                ok=ok,
                reason=reason[:_TEXT],
            )
        )

    def listens_on(self, address: str) -> None:
        """The camera has this address from now on."""
        if self.recorder is not None and address != self._address:
            self.moved_from, self.recorder = self._address, None
        if address == self.moved_from:
            self.moved_from = ""
        self._address = address

    def last(self, limit: int) -> list[TraceEntry]:
        """Oldest first."""
        return list(self._entries)[-limit:]
