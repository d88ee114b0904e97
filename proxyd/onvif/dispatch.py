"""One camera's side of an HTTP exchange: bytes of a request in, status, headers and bytes of the answer out.

Pure: no sockets, clock or logging. Keeps what a camera remembers between requests (nonces, pull points, finished
answers); everything of it is bounded.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from proxyd.camera.commands import Ask
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec
from proxyd.camera.told import told
from proxyd.errors import Conflict, UpstreamError

from .authentication import Authenticator, Grant
from .exchange import Call, Later, Pending, Reply, plain, refusal
from .faults import SoapFault, content_type, internal_error, malformed, must_understand, not_done, not_permitted
from .levels import needed, permits
from .namespaces import ANALYTICS, EVENTS, MEDIA, MEDIA2, NOTIFICATION
from .pull_answers import PullAnswer
from .services import events
from .services.analytics_items import VENDOR_PREFIX
from .services.operation import Access, Context, Operation, Reached
from .services.registry import SERVICES, find, offered
from .soap import MAX_REQUEST_BYTES, Element, SoapRequest, SoapSyntaxError, Version, envelope, parse_envelope
from .subscriptions import Subscriptions

SERVICE_PATHS = frozenset(SERVICES)
MAX_CACHED_ANSWERS = 64
_MAX_KEY_CHARS = 512
# Of names of types; rules and analytics modules stand in profiles, too.
_TEXT_PREFIXES = {ANALYTICS: ("tt", "xsd", VENDOR_PREFIX), MEDIA: (VENDOR_PREFIX,), MEDIA2: (VENDOR_PREFIX,)}
# Some clients send no type at all; form types, which a web page can send to a camera unasked, are not among them.
_MEDIA_TYPES = frozenset({"", "application/soap+xml", "text/xml", "application/xml"})


class Dispatcher:
    def __init__(self, spec: CameraSpec, *, secret: bytes, subscriptions: Subscriptions, guesses: Guesses) -> None:
        """`guesses` is shared with the camera's other ways in."""
        self._spec = spec
        self._told = told(spec)
        self._services = offered(self._told)
        self._authenticator = Authenticator(spec, secret=secret, guesses=guesses)
        self._subscriptions = subscriptions
        self._answers: dict[object, bytes] = {}

    @property
    def spec(self) -> CameraSpec:
        return self._spec

    def update(self, spec: CameraSpec) -> None:
        self._spec = spec
        self._told = told(spec)
        self._services = offered(self._told)
        self._authenticator.update(spec)
        self._answers.clear()

    def refuse_head(self, method: str, media: str | None, content_length: int | None) -> Reply | None:
        """What can be refused of a service request before its body is read."""
        media_type = (media or "").partition(";")[0].strip().lower()
        version: Version = "1.1" if media_type == "text/xml" else "1.2"
        if method != "POST":
            fault = SoapFault("Sender", f"{method[:16]} is not possible here, only POST", status=405)
            return refusal(fault, method, "wrong HTTP method", headers=(("Allow", "POST"),), version=version)
        if media_type not in _MEDIA_TYPES:
            fault = SoapFault("Sender", "The media type must be application/soap+xml or text/xml", status=415)
            return refusal(fault, method, f"wrong media type {media_type[:64]!r}")
        if content_length is not None and content_length > MAX_REQUEST_BYTES:
            return self.refuse_size(method, version)
        return None

    def refuse_size(self, method: str, version: Version = "1.2") -> Reply:
        fault = SoapFault("Sender", f"The request is larger than {MAX_REQUEST_BYTES} bytes", status=413)
        return refusal(fault, method, "request too large", version=version)

    def refuse_body(self, path: str, *, timed_out: bool) -> Reply:
        """For a body that did not arrive: too slow, or broken chunks."""
        status, reason = (408, "the request did not arrive in time") if timed_out else (400, "the request was cut off")
        return refusal(SoapFault("Sender", reason, status=status), path.rpartition("/")[2], reason)

    def handle(self, call: Call, now: datetime) -> Reply | Pending | Later[Reply | Pending]:
        """Answer a POST to one of SERVICE_PATHS. Every refusal is a Reply; an exception is a bug of ours."""
        if not call.body and call.authorization is None:
            return self._authenticator.invite(call, now)
        try:
            request = parse_envelope(call.body)
        except SoapSyntaxError as error:
            return refusal(malformed(error), call.path.rpartition("/")[2], error.reason)
        try:
            if request.not_understood:
                raise must_understand(request.not_understood)
            operation = find(call.path, request, self._services)
        except SoapFault as fault:
            return _refused(request, fault, fault.reason, "")
        if operation.access is Access.PRE_AUTH:
            return self._answer(call, request, operation, "", now)
        return self._authenticator.in_turn(call, request.security, partial(self._enter, call, request, operation), now)

    def _enter(self, call: Call, request: SoapRequest, operation: Operation, now: datetime) -> Reply | Pending:
        grant = self._authenticator.check(call, request, now)
        if isinstance(grant, Reply):
            return grant
        account = grant.account
        if not permits(account.level, operation.access):
            fault = not_permitted(request.operation, needed(operation.access))
            reason = f"{account.username} is {account.level}, and this is only for {needed(operation.access)}s"
            return _refused(request, fault, reason, grant.scheme)
        return self._answer(call, request, operation, grant.scheme, now)

    def _answer(
        self, call: Call, request: SoapRequest, operation: Operation, auth: str, now: datetime
    ) -> Reply | Pending:
        key = _cache_key(request, call.reached) if operation.static else None
        body = self._answers.get(key) if key is not None else None
        if body is not None:
            return _reply(request, body, auth)
        ctx = Context(
            self._told,
            request,
            call.reached,
            now,
            self._subscriptions,
            call.subscription_id,
            self._services,
            call.client,
        )
        try:
            answer = operation.answer(ctx)
        except SoapFault as fault:
            return _refused(request, fault, fault.reason, auth)
        if isinstance(answer, Ask):
            return _pending(answer, request, auth)
        body = _document(request, answer)
        if key is not None:
            if len(self._answers) >= MAX_CACHED_ANSWERS:
                self._answers.clear()
            self._answers[key] = body
        return _reply(request, body, auth)

    def picture(self, call: Call, now: datetime) -> Grant | Reply | Later[Grant | Reply]:
        """Whether this request may have the picture: HTTP Digest or Basic."""
        if call.method not in ("GET", "HEAD"):
            return plain(405, "only GET is possible here", "wrong HTTP method", (("Allow", "GET, HEAD"),))
        return self._authenticator.in_turn(call, None, partial(self._authenticator.check_picture, call), now)


def _reply(request: SoapRequest, body: bytes, auth: str) -> Reply:
    return Reply(200, body, request.operation, True, auth, content_type=content_type(request.version))


def _refused(request: SoapRequest, fault: SoapFault, reason: str, auth: str) -> Reply:
    blocks = events.fault_blocks(request) if request.namespace in (EVENTS, NOTIFICATION) else ()
    return refusal(fault, request.operation, reason, auth=auth, version=request.version, blocks=blocks)


def _pending(ask: Ask[Any], request: SoapRequest, auth: str) -> Pending:
    def refused(fault: SoapFault, reason: str) -> Reply:
        return _refused(request, fault, reason, auth)

    def finish(result: Any) -> Reply:
        try:
            answer = ask.finish(result)
            reply = _reply(request, _document(request, answer), auth)
            unsent = answer.unsent if isinstance(answer, PullAnswer) else None
            return replace(reply, unsent=unsent) if unsent else reply
        except SoapFault as fault:
            return refused(fault, fault.reason)

    def failed(error: Exception) -> Reply:
        """What is known of the NVR is for our user's trace, not for the recorder (contract 2)."""
        if isinstance(error, SoapFault):
            return refused(error, error.reason)
        if isinstance(error, UpstreamError):
            return refused(not_done(), str(error))
        if isinstance(error, Conflict):
            return refused(SoapFault("Receiver", str(error), "ter:Action"), str(error))
        return refused(internal_error(), "it could not be kept, see the log")

    return Pending(ask.command, finish, failed)


def _document(request: SoapRequest, body: Element | PullAnswer) -> bytes:
    if isinstance(body, PullAnswer) or request.namespace in (EVENTS, NOTIFICATION):
        return events.document(request, body)
    return envelope(body, text_prefixes=_TEXT_PREFIXES.get(request.namespace, ()), version=request.version)


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
    return (reached, request.version, *parts)
