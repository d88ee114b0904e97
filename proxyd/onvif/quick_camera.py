"""The camera as its quick connections see it: the dispatcher, with what it needs of the world."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from proxyd.camera.guess_line import GuessLine
from proxyd.camera.raw_exchange import RawExchange
from proxyd.camera.spec import RecordExchange

from . import exchange
from .dispatch import Dispatcher
from .event_rim import EventRim
from .exchange import Call, Later, Pending, Reply
from .services.events import Pull


class QuickCamera:
    """Implements `http_quick.Camera`."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        events: EventRim,
        line: GuessLine,
        finish: Callable[[Pending, str], Awaitable[Reply]],
        *,
        record: RecordExchange,
        now: Callable[[], datetime],
        log: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        """`finish(pending, client)` does the command of an answer."""
        self._dispatcher = dispatcher
        self._events = events
        self._line = line
        self._finish = finish
        self._record = record
        self._now = now
        self._log = log

    def takes(self, media: str | None, length: int) -> bool:
        return self._dispatcher.refuse_head("POST", media, length) is None

    def answer(self, call: Call) -> exchange.Reply | Pending | Later[Reply | Pending]:
        try:
            now = self._now()
            answer = self._dispatcher.handle(call, now)
            if isinstance(answer, Pending) and isinstance(answer.command, Pull) and answer.command.ready:
                return answer.finish(now)
            return answer
        except Exception:
            return self._bug(call)

    async def finish(
        self, answer: Pending | Later[Reply | Pending], call: Call, client: str, begun: Callable[[], None]
    ) -> Reply:
        try:
            if isinstance(answer, Later):
                async with self._line.turn(answer.address, answer.username):
                    begun()
                    resumed = answer.resume(self._now())
                if isinstance(resumed, Reply):
                    return resumed
                answer = resumed
            return await self._finish(answer, client)
        except Exception:
            return self._bug(call)

    def wait(self, pending: Pending, done: Callable[[Reply], None]) -> Callable[[], None] | None:
        if not isinstance(pending.command, Pull):
            return None
        return self._events.wait(pending.command, lambda: done(self._pulled(pending)))

    def _pulled(self, pending: Pending) -> Reply:
        try:
            return pending.finish(self._now())
        except Exception:
            self._log.exception("camera %d: no answer to PullMessages", self._dispatcher.spec.id)
            return exchange.failure("PullMessages")

    def note(self, client: str, reply: Reply, took_s: float, raw: RawExchange, *, tls: bool) -> Reply:
        try:
            self._record(
                client=client,
                protocol="onvif",
                operation=reply.operation,
                ok=reply.ok,
                auth=reply.auth,
                reason=reply.reason,
                took_s=took_s,
                raw=raw,
                tls=tls,
            )
        except Exception:
            self._log.error("camera %d: a bug ended an answer", self._dispatcher.spec.id, exc_info=True)
            return exchange.failure(reply.operation)
        return reply

    def _bug(self, call: Call) -> Reply:
        self._log.exception("camera %d: no answer at %s", self._dispatcher.spec.id, call.path)
        return exchange.failure(call.path.rpartition("/")[2])
