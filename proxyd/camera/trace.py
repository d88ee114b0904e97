"""The conversation of one camera with recorders: a bounded ring of its last exchanges (contract 8: every refusal is
recorded), the bytes of the newest of them, and what each recorder did so far.

Equal refusals of one client are one line that counts, and so are equal polls in a row. When the ring is full, whoever
has the most lines loses his oldest: so neither a guesser nor a flood of searches pushes a recorder's lines out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Literal

from proxyd.api.models import Exchange, TraceEntry

from .meeting import Meetings
from .raw_exchange import RawExchange, shown
from .shares import Shares
from .urls import host_of

ENTRIES = 200
RAW_ENTRIES = 50
RAW_BYTES = 256 * 1024  # of all that are kept; 128 cameras share one machine
_POLL = "PullMessages"
_TEXT = 300  # a client chooses operation names: they are cut to this many characters

_Refusal = tuple[str, str, str, str, str]


class Trace:
    """Implements `RecordExchange`. `recorder` is the address of the client that last got something; `moved_from` the
    camera's address at which it did, until somebody gets something at the present one."""

    def __init__(self, now: Callable[[], str]) -> None:
        """`now`: RFC 3339."""
        self._now = now
        self.since = moment(now())
        self._entries: dict[int, TraceEntry] = {}  # by number
        self._shares = Shares()
        self._refused: dict[_Refusal, int] = {}  # the number of the one line of each
        self._raw: dict[int, RawExchange] = {}
        self._raw_shares = Shares()
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
        if not ok and reason:
            entry.times += self._fold_refusal(entry)
        elif entry.operation == _POLL:
            entry.times += self._fold(entry)
        self._entries[entry.number] = entry
        # The sender of a search may be invented, so all of them share one part.
        owner = ("" if protocol == "discovery" else host, ok)
        self._shares.add(entry.number, owner)
        if len(self._entries) > ENTRIES:
            self._drop(self._shares.least_needed())
        if raw is not None:
            self._keep(entry.number, raw, owner)
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
                self._drop(before.number)
                return before.times
        return 0

    def _fold_refusal(self, refusal: TraceEntry) -> int:
        """The same for equal refusals of this client, wherever they stand."""
        before = self._entries.get(self._refused.get(_refusal(refusal), 0))
        if before is not None:
            self._drop(before.number)
        self._refused[_refusal(refusal)] = refusal.number
        return before.times if before else 0

    def _drop(self, number: int) -> None:
        entry = self._entries.pop(number)
        self._shares.discard(number)
        if self._refused.get(_refusal(entry)) == number:
            del self._refused[_refusal(entry)]
        self._drop_raw(number)

    def _keep(self, number: int, raw: RawExchange, owner: tuple[str, bool]) -> None:
        self._raw[number] = raw
        self._raw_shares.add(number, owner, raw.size)
        self._raw_bytes += raw.size
        while len(self._raw) > RAW_ENTRIES or self._raw_bytes > RAW_BYTES:
            self._drop_raw(self._raw_shares.least_needed())

    def _drop_raw(self, number: int) -> None:
        if raw := self._raw.pop(number, None):
            self._raw_shares.discard(number)
            self._raw_bytes -= raw.size

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


def _refusal(entry: TraceEntry) -> _Refusal:
    return (host_of(entry.client), entry.protocol, entry.operation, entry.auth, entry.reason)


def moment(at: str) -> datetime:
    """The time in a trace entry; the beginning of time for what is none."""
    try:
        parsed = datetime.fromisoformat(at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
