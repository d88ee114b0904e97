"""The conversation of one camera with recorders: a bounded ring of its last exchanges (contract 8: every refusal is
recorded), the bytes of the newest of them, and what each recorder did so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Literal

from proxyd.api.models import Exchange, TraceEntry

from .meeting import Meetings
from .raw_exchange import RawExchange, shown
from .urls import host_of

ENTRIES = 200
RAW_ENTRIES = 50
RAW_BYTES = 256 * 1024  # of all that are kept; 128 cameras share one machine
_POLL = "PullMessages"
_TEXT = 300  # a client chooses operation names: they are cut to this many characters


class Trace:
    """Implements `RecordExchange`. `recorder` is the address of the client that last got something; `moved_from` the
    camera's address at which it did, until somebody gets something at the present one."""

    def __init__(self, now: Callable[[], str]) -> None:
        """`now`: RFC 3339."""
        self._now = now
        self.since = moment(now())
        self._entries: OrderedDict[int, TraceEntry] = OrderedDict()  # by number
        self._raw: OrderedDict[int, RawExchange] = OrderedDict()
        self._raw_bytes = 0
        self._number = 0
        self.recorder: str | None = None
        self.moved_from = ""
        self.meetings = Meetings()
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
        took_s: float | None = None,
        raw: RawExchange | None = None,
        tls: bool = False,
    ) -> None:
        host = host_of(client)
        if ok and auth:
            self.recorder = host
            self.moved_from = ""
        self._number += 1
        if raw is not None:
            self._keep(self._number, raw)
        entry = TraceEntry(
            number=self._number,
            at=self._now(),
            client=client,
            protocol=protocol,
            operation=operation[:_TEXT],
            auth=auth,
            ok=ok,
            reason=reason[:_TEXT],
            took_ms=None if took_s is None else round(took_s * 1000),
        )
        if entry.operation == _POLL:
            entry.times += self._fold(entry)
        self._entries[entry.number] = entry
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)
        at = moment(entry.at)
        meeting = self.meetings(host, at)
        if protocol == "discovery":
            meeting.searched(at)
        else:
            meeting.exchanged(
                at,
                protocol=protocol,
                operation=entry.operation,
                ok=ok,
                auth=auth,
                reason=entry.reason,
                tls=tls,
            )

    def _fold(self, poll: TraceEntry) -> int:
        """Takes out the entry of this client's equal polls before, and says how many they were: recorders poll for
        events every second, which must not push out all else. A poll with another outcome does not end the row, since
        some clients let themselves be asked for their password each time."""
        host = host_of(poll.client)
        for before in reversed(self._entries.values()):
            if host_of(before.client) != host:
                continue
            if before.operation != _POLL:
                break
            if (before.ok, before.auth, before.reason) == (poll.ok, poll.auth, poll.reason):
                del self._entries[before.number]
                if raw := self._raw.pop(before.number, None):
                    self._raw_bytes -= raw.size
                return before.times
        return 0

    def _keep(self, number: int, raw: RawExchange) -> None:
        self._raw[number] = raw
        self._raw_bytes += raw.size
        while len(self._raw) > RAW_ENTRIES or self._raw_bytes > RAW_BYTES:
            self._raw_bytes -= self._raw.popitem(last=False)[1].size

    def listens_on(self, address: str) -> None:
        """The camera has this address from now on."""
        if self.recorder is not None and address != self._address:
            self.moved_from, self.recorder = self._address, None
        if address == self.moved_from:
            self.moved_from = ""
        self._address = address

    def last(self, limit: int, recorder: str | None = None) -> list[TraceEntry]:
        """Oldest first, of one recorder or of all; `raw` says whose bytes are still there."""
        asked = [entry for entry in self._entries.values() if recorder in (None, host_of(entry.client))]
        return [
            entry.model_copy(update={"raw": True}) if entry.number in self._raw else entry for entry in asked[-limit:]
        ]

    def exchange(self, number: int, secrets: Iterable[str]) -> Exchange | None:
        """One exchange in full, without secrets; None when its bytes are not kept (any more)."""
        raw = self._raw.get(number)
        entry = self._entries.get(number)
        if raw is None or entry is None:
            return None
        known = tuple(secrets)
        return Exchange(
            entry=entry.model_copy(update={"raw": True}),
            request=shown(raw.request, known),
            reply=shown(raw.reply, known),
        )


def moment(at: str) -> datetime:
    """The time in a trace entry; the beginning of time for what is none."""
    try:
        parsed = datetime.fromisoformat(at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
