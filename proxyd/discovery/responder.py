"""What a camera says on which datagram: matching, one answer per question, limits, counters.

Pure: the clock comes in as `now` (monotonic seconds), message ids from a callable. Parsing is shared by all cameras.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from proxyd.allowance import Allowance
from proxyd.camera.spec import CameraSpec
from proxyd.camera.urls import DEVICE_PATH, http_url, https_url
from proxyd.onvif.scopes import scopes

from .matching import matches_scopes, matches_types
from .messages import (
    TYPES,
    Endpoint,
    NoRequest,
    Probe,
    Request,
    Stamp,
    format_answer,
    format_bye,
    format_hello,
    parse_request,
)

REPEAT_WINDOW_S = 5.0
MAX_REMEMBERED = 256  # questions answered lately
BURST = 32  # answers at once, and …
ANSWERS_PER_S = 4.0  # … in the long run: the sender can be forged, and 128 cameras answer one Probe with 200 kB
SENDER_BURST, SENDER_PER_S = 12, 1.0  # of these for one address: who asks all the time leaves some to others
MAX_SENDERS = 64  # whose shares are remembered


@dataclass(slots=True)
class Counts:
    """Since the camera started. `unreadable` are datagrams that no parser should or could read."""

    received: int = 0
    answered: int = 0
    not_for_us: int = 0
    repeated: int = 0
    unreadable: int = 0
    too_many: int = 0
    errors: int = 0


class AppSequence:
    """InstanceId and MessageNumber of one camera, and the version of what it says of itself. One for as long as the
    daemon runs, so that numbers also grow over stop and start (WS-Discovery 2005/04 section 7)."""

    def __init__(self, instance_id: int) -> None:
        self.instance_id = instance_id
        self._number = 0
        self._metadata_version = instance_id
        self._described: tuple[object, ...] | None = None

    def stamp(self, message_id: str) -> Stamp:
        self._number += 1
        return Stamp(message_id, self.instance_id, self._number)

    def describe(self, spec: CameraSpec, https_port: int = 0) -> Endpoint:
        """What the camera says of itself; the version grows when that differs from the last time. `https_port`: where
        it listens now, 0 for not at all."""
        address = f"urn:uuid:{spec.uuid}"
        said = scopes(spec)
        xaddrs = [http_url(spec.address, spec.http_port, DEVICE_PATH)]
        if https_port:
            xaddrs.append(https_url(spec.address, https_port, DEVICE_PATH))  # last: many clients take the first
        if self._described not in (None, (said, xaddrs)):
            self._metadata_version += 1
        self._described = (said, xaddrs)
        return Endpoint(address, said, tuple(xaddrs), self._metadata_version)


class Responder:
    """The conversation of one camera. `endpoint` is what it says of itself now."""

    def __init__(self, spec: CameraSpec, sequence: AppSequence, new_id: Callable[[], str]) -> None:
        self._sequence = sequence
        self._new_id = new_id
        self._answered: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._all = Allowance(ANSWERS_PER_S, BURST)
        self._shares: OrderedDict[str, Allowance] = OrderedDict()
        self.counts = Counts()
        self.endpoint = sequence.describe(spec)

    def update(self, spec: CameraSpec, https_port: int = 0) -> bool:
        """Whether what the camera says has changed: then it must greet again (ONVIF Core section 7.3.4)."""
        before = self.endpoint
        self.endpoint = self._sequence.describe(spec, https_port)
        return self.endpoint != before

    def question(self, data: bytes, sender: str, now: float) -> Request | None:
        """What has to be answered, None for all else. `sender` is the IP address: answers only go there, whatever
        ReplyTo says, since UDP senders must not direct us at others."""
        self.counts.received += 1
        request = parse_request(data)
        if isinstance(request, NoRequest):
            if request.reason:
                self.counts.unreadable += 1
            else:
                self.counts.not_for_us += 1
            return None
        if not self._meant(request):
            self.counts.not_for_us += 1
            return None
        if self._repeated(request.message_id, sender, now):
            self.counts.repeated += 1
            return None
        if not (self._share(sender).take(1, now) and self._all.take(1, now)):
            self.counts.too_many += 1
            return None
        return request

    def answer(self, request: Request) -> bytes:
        """To be asked for when it is sent: the numbers then grow in the order of the wire."""
        self.counts.answered += 1
        return format_answer(request, self.endpoint, self._stamp())

    def hello(self) -> bytes:
        return format_hello(self.endpoint, self._stamp())

    def bye(self) -> bytes:
        return format_bye(self.endpoint, self._stamp())

    def _meant(self, request: Request) -> bool:
        if isinstance(request, Probe):
            return matches_types(request.types, TYPES) and matches_scopes(
                request.scopes, self.endpoint.scopes, request.rule
            )
        return request.endpoint.lower().removeprefix("urn:") == self.endpoint.address.lower().removeprefix("urn:")

    def _repeated(self, message_id: str, sender: str, now: float) -> bool:
        """Senders repeat each question some times within two seconds (SOAP-over-UDP appendix I). Forgotten after that:
        there are clients that use one MessageID for ever, and one firmware's on several recorders."""
        while self._answered and next(iter(self._answered.values())) <= now - REPEAT_WINDOW_S:
            self._answered.popitem(last=False)
        key = (sender, message_id)
        if key in self._answered:
            return True
        self._answered[key] = now
        if len(self._answered) > MAX_REMEMBERED:
            self._answered.popitem(last=False)
        return False

    def _share(self, sender: str) -> Allowance:
        share = self._shares.setdefault(sender, Allowance(SENDER_PER_S, SENDER_BURST))
        self._shares.move_to_end(sender)
        if len(self._shares) > MAX_SENDERS:
            self._shares.popitem(last=False)
        return share

    def _stamp(self) -> Stamp:
        return self._sequence.stamp(self._new_id())
