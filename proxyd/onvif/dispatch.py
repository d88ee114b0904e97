"""One camera's side of an HTTP exchange: bytes of a request in, status, headers and bytes of the answer out.

Pure: no sockets, clock or logging. Keeps what a camera remembers between requests (nonces, pull points, finished
answers); everything of it is bounded. The order of checks is that of field-notes section 1, "Rules for every answer".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from proxyd.camera.commands import Ask
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec
from proxyd.errors import UpstreamError

from .authentication import Authenticator, Grant
from .exchange import Call, Later, Pending, Reply, plain, refusal
from .faults import SoapFault, internal_error, malformed, not_done, not_permitted
from .levels import needed, permits
from .namespaces import EVENTS, NOTIFICATION
from .pull_points import PullPoints
from .services import events
from .services.operation import Access, Context, Operation, Reached
from .services.registry import SERVICES, find, offered
from .soap import MAX_REQUEST_BYTES, Element, SoapRequest, SoapSyntaxError, envelope, parse_envelope

SERVICE_PATHS = frozenset(SERVICES)
MAX_CACHED_ANSWERS = 64
_MAX_KEY_CHARS = 512
_EVENT_PREFIXES = ("tns1", "tt", "xsd")


class Dispatcher:
    def __init__(self, spec: CameraSpec, *, secret: bytes, new_id: Callable[[], str], guesses: Guesses) -> None:
        """`guesses` is shared with the camera's other ways in."""
        self._spec = spec
        self._services = offered(spec)
        self._authenticator = Authenticator(spec, secret=secret, guesses=guesses)
        self._pull_points = PullPoints(new_id)
        self._answers: dict[object, bytes] = {}

    @property
    def spec(self) -> CameraSpec:
        return self._spec

    def update(self, spec: CameraSpec) -> None:
        self._spec = spec
        self._services = offered(spec)
        self._authenticator.update(spec)
        self._answers.clear()

    def close(self) -> None:
        """Wake all long polls."""
        self._pull_points.close()

    def refuse_head(self, method: str, content_type: str | None, content_length: int | None) -> Reply | None:
        """What can be refused of a service request before its body is read."""
        if method != "POST":
            fault = SoapFault("Sender", f"{method[:16]} is not possible here, only POST", status=405)
            return refusal(fault, method, "wrong HTTP method", headers=(("Allow", "POST"),))
        media_type = (content_type or "").partition(";")[0].strip().lower()
        # Some clients send no type at all; SOAP 1.1's text/xml is refused, because our answers are SOAP 1.2.
        if media_type not in ("", "application/soap+xml"):
            fault = SoapFault("Sender", "The media type must be application/soap+xml", status=415)
            return refusal(fault, method, f"wrong media type {media_type[:64]!r}")
        if content_length is not None and content_length > MAX_REQUEST_BYTES:
            return self.refuse_size(method)
        return None

    def refuse_size(self, method: str) -> Reply:
        fault = SoapFault("Sender", f"The request is larger than {MAX_REQUEST_BYTES} bytes", status=413)
        return refusal(fault, method, "request too large")

    def refuse_body(self, path: str, *, timed_out: bool) -> Reply:
        """For a body that did not arrive: too slow, or broken chunks."""
        status, reason = (408, "the request did not arrive in time") if timed_out else (400, "the request was cut off")
        return refusal(SoapFault("Sender", reason, status=status), path.rpartition("/")[2], reason)

    def handle(self, call: Call, now: datetime) -> Reply | Pending | Later[Reply | Pending]:
        """Answer a POST to one of SERVICE_PATHS. Every refusal is a Reply; an exception is a bug of ours."""
        try:
            request = parse_envelope(call.body)
        except SoapSyntaxError as error:
            return refusal(malformed(error), call.path.rpartition("/")[2], error.reason)
        try:
            if request.version == "1.1":
                raise SoapFault("VersionMismatch", "SOAP 1.1 is not spoken here, only SOAP 1.2")
            operation = find(call.path, request, self._services)
        except SoapFault as fault:
            return refusal(fault, request.operation, fault.reason)
        if operation.access is Access.PRE_AUTH:
            return self._answer(call, request, operation, "", now)
        delay_s = self._authenticator.delay(call, request.security)
        if delay_s is None:
            return self._authenticator.not_seen(request.operation)
        if delay_s:
            return Later(delay_s, partial(self._enter, call, request, operation))
        return self._enter(call, request, operation, now)

    def _enter(self, call: Call, request: SoapRequest, operation: Operation, now: datetime) -> Reply | Pending:
        grant = self._authenticator.check(call, request, now)
        if isinstance(grant, Reply):
            return grant
        account = grant.account
        if not permits(account.level, operation.access):
            fault = not_permitted(request.operation, needed(operation.access))
            reason = f"{account.username} is {account.level}, and this is only for {needed(operation.access)}s"
            return refusal(fault, request.operation, reason, auth=grant.scheme)
        return self._answer(call, request, operation, grant.scheme, now)

    def _answer(
        self, call: Call, request: SoapRequest, operation: Operation, auth: str, now: datetime
    ) -> Reply | Pending:
        key = _cache_key(request, call.reached) if operation.static else None
        body = self._answers.get(key) if key is not None else None
        if body is not None:
            return Reply(200, body, request.operation, True, auth)
        ctx = Context(self._spec, request, call.reached, now, self._pull_points, call.subscription_id, self._services)
        try:
            answer = operation.answer(ctx)
        except SoapFault as fault:
            return refusal(fault, request.operation, fault.reason, auth=auth)
        if isinstance(answer, Ask):
            return _pending(answer, request, auth)
        body = _document(request, answer)
        if key is not None:
            if len(self._answers) >= MAX_CACHED_ANSWERS:
                self._answers.clear()
            self._answers[key] = body
        return Reply(200, body, request.operation, True, auth)

    def picture(self, call: Call, now: datetime) -> Grant | Reply | Later[Grant | Reply]:
        """Whether this request may have the picture: HTTP Digest or Basic."""
        if call.method not in ("GET", "HEAD"):
            return plain(405, "only GET is possible here", "wrong HTTP method", (("Allow", "GET, HEAD"),))
        delay_s = self._authenticator.delay(call)
        if delay_s is None:
            return self._authenticator.picture_not_seen()
        if delay_s:
            return Later(delay_s, partial(self._authenticator.check_picture, call))
        return self._authenticator.check_picture(call, now)


def _pending(ask: Ask[Element], request: SoapRequest, auth: str) -> Pending:
    def finish(result: Any) -> Reply:
        try:
            return Reply(200, _document(request, ask.finish(result)), request.operation, True, auth)
        except SoapFault as fault:
            return refusal(fault, request.operation, fault.reason, auth=auth)

    def failed(error: Exception) -> Reply:
        """What is known of the NVR is for our user's trace, not for the recorder (contract 2)."""
        if isinstance(error, SoapFault):
            return refusal(error, request.operation, error.reason, auth=auth)
        if isinstance(error, UpstreamError):
            return refusal(not_done(), request.operation, str(error), auth=auth)
        return refusal(internal_error(), request.operation, "it could not be kept, see the log", auth=auth)

    return Pending(ask.command, finish, failed)


def _document(request: SoapRequest, body: Element) -> bytes:
    if request.namespace in (EVENTS, NOTIFICATION):
        return envelope(body, header=events.reply_header(request), text_prefixes=_EVENT_PREFIXES)
    return envelope(body)


def _cache_key(request: SoapRequest, reached: Reached) -> object | None:
    """What a static answer depends on; None when it is not worth remembering (long, or echoes a MessageID)."""
    if request.message_id is not None and request.namespace in (EVENTS, NOTIFICATION):
        return None
    parts: list[str] = []
    size = 0
    for element in request.body.iter():
        text = (element.text or "").strip()
        parts += (element.tag, text)
        size += len(text) + len(parts[-2])
        if size > _MAX_KEY_CHARS:
            return None
    return (reached, *parts)
