"""The fuzz without sockets, for volume: requests straight into the dispatcher of one camera after another."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from proxyd.camera.commands import (
    LookUp,
    MakeCertificate,
    NvrCall,
    ReadEncoderOptions,
    SetCertificate,
)
from proxyd.camera.guesses import Guesses
from proxyd.camera.settings import Certificate
from proxyd.camera.spec import CameraSpec
from proxyd.errors import Conflict, UpstreamError
from proxyd.onvif.dispatch import Dispatcher
from proxyd.onvif.exchange import Call, Later, Pending, Reply
from proxyd.onvif.faults import SoapFault
from proxyd.onvif.motion import motion_events
from proxyd.onvif.services.event_subscriptions import Notify
from proxyd.onvif.services.events import Pull
from proxyd.onvif.services.operation import Reached
from proxyd.onvif.subscriptions import Subscriptions
from proxyd.tls.certificate import self_signed
from tests.bench.measure import rss_mb
from tests.proxyd.onvif.builders import NOW, SPECS
from tests.proxyd.onvif.coverage import cameras
from tests.proxyd.onvif.schemas import Validator
from tests.proxyd.onvif.world import ENCODER_OPTIONS, NVR_ANSWERS, changed

from .mutations import Mutator, Request
from .verdict import Judge

_REQUESTS_PER_CAMERA = 5000
_JUNK: list[Any] = [None, {}, [], "text", 7, [None], [{"token": None}], {"Position": {"PanTilt": {"x": "nan"}}}]


@dataclass
class Tally:
    """What a run has seen. Memory in MB, as the process holds it."""

    requests: int = 0
    slowest_s: float = 0.0
    slowest: Request | None = None
    busy_s: float = 0.0
    memory: list[float] = field(default_factory=list)


class Fuzzed:
    """One camera, its time, and an NVR that answers now and then, and not always what it should."""

    def __init__(self, spec: CameraSpec, generator: random.Random) -> None:
        self.now = NOW
        self._spec = spec
        self._random = generator
        ids = (f"point{number}" for number in count())
        self.subscriptions = Subscriptions(self._told_of(ids))
        self.ids: list[str] = []
        self._dispatcher = Dispatcher(
            spec, secret=b"secret", subscriptions=self.subscriptions, guesses=Guesses(lambda: self.now.timestamp())
        )

    def _told_of(self, ids: Iterator[str]) -> Callable[[], str]:
        def new_id() -> str:
            self.ids = [*self.ids[-15:], next(ids)]
            return self.ids[-1]

        return new_id

    def ask(self, request: Request) -> Reply:
        self.now += timedelta(seconds=self._random.random() * 3)
        if self._random.random() < 0.02:
            for event in motion_events(self._random.random() < 0.5, self.now):
                self.subscriptions.deliver(event, self.now)
        client = f"192.0.2.{self._random.randrange(50, 58)}"
        reached = Reached("10.9.8.7", 80, tls=self._random.random() < 0.1)
        call = Call(
            "POST", request.path, request.path, reached, request.body, request.query, request.authorization, client
        )
        answer = self._dispatcher.handle(call, self.now)
        if isinstance(answer, Later):
            answer = answer.resume(self.now)
        return answer if isinstance(answer, Reply) else self._finish(answer)

    def _finish(self, pending: Pending) -> Reply:
        if isinstance(pending.command, Pull | Notify):
            return pending.finish(self.now)
        try:
            return pending.finish(self._perform(pending.command))
        except (Conflict, SoapFault, UpstreamError) as error:
            return pending.failed(error)

    def _perform(self, command: Any) -> Any:
        match command:
            case NvrCall(service, operation):
                return self._nvr(NVR_ANSWERS.get((service, operation)))
            case LookUp(first, then):
                return self._perform(then(self._nvr(NVR_ANSWERS.get((first.service, first.operation)))))
            case ReadEncoderOptions():
                return ENCODER_OPTIONS
            case MakeCertificate(name):
                made = self._made(command)
                self._perform(SetCertificate(made, name))
                return made
        spec = changed(self._spec, command)
        if spec is not self._spec:
            self._spec = spec
            self._dispatcher.update(spec)
        return None

    def _made(self, wish: MakeCertificate) -> Certificate:
        try:
            return self_signed(
                self._spec, self.now, subject=wish.subject, not_before=wish.not_before, not_after=wish.not_after
            )
        except ValueError:
            raise Conflict("No certificate can be made for that subject and that time.") from None

    def _nvr(self, right: Any) -> Any:
        chance = self._random.random()
        if chance < 0.05:
            raise UpstreamError("the NVR at 192.0.2.9 said: Sender not Authorized", "")
        return right if chance < 0.85 else self._random.choice(_JUNK)


def run(validator: Validator, requests: int, seed: int, *, one_in: int = 500) -> tuple[Tally, Judge]:
    """Raises AssertionError at the first answer that must not be, and whatever the dispatcher raises."""
    mutator = Mutator(validator, seed)
    judge, tally = Judge(validator, one_in), Tally()
    kinds = [*cameras().values(), *SPECS.values()]
    camera = Fuzzed(kinds[0], mutator.random)
    every = max(1, requests // 20)
    for number in range(requests):
        if number % _REQUESTS_PER_CAMERA == 0:
            # The camera with everything gets every other turn: most of what there is to ask only it answers.
            turn = number // _REQUESTS_PER_CAMERA
            camera = Fuzzed(kinds[0] if turn % 2 == 0 else kinds[turn // 2 % len(kinds)], mutator.random)
        mutator.subscriptions = camera.ids
        request = mutator.request(camera.now)
        began = time.perf_counter()
        try:
            reply = camera.ask(request)
        except Exception as error:
            raise AssertionError(f"request {number} of seed {seed}: {request}") from error
        took_s = time.perf_counter() - began
        tally.busy_s += took_s
        if took_s > tally.slowest_s:
            tally.slowest_s, tally.slowest = took_s, request
        try:
            judge.check(reply.status, reply.content_type, reply.body)
        except Exception as error:
            raise AssertionError(f"request {number} of seed {seed}: {request}") from error
        tally.requests += 1
        if number % every == every - 1:
            tally.memory.append(rss_mb(os.getpid()))
    return tally, judge
