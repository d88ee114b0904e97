"""One camera's side of an HTTP exchange: bytes of a request in, status, headers and bytes of the answer out.

Pure: no sockets, clock or logging. Keeps what a camera remembers between requests (nonces, pull points, finished
answers); everything of it is bounded. The order of checks is that of field-notes section 1, "Rules for every answer".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from proxyd.camera.commands import Ask, Command
from proxyd.camera.spec import CameraSpec
from proxyd.camera.urls import SNAPSHOT_PATH
from proxyd.digest import DigestVerifier, Verdict
from proxyd.errors import UpstreamError

from .faults import SoapFault, internal_error, malformed, not_authorized, not_done
from .namespaces import EVENTS, NOTIFICATION
from .pull_points import PullPoints
from .security import TokenVerifier
from .services import events
from .services.events import Pull
from .services.operation import Access, Context, Operation, Reached
from .services.registry import SERVICES, find, offered
from .soap import CONTENT_TYPE, MAX_REQUEST_BYTES, Element, SoapRequest, SoapSyntaxError, envelope, parse_envelope

SERVICE_PATHS = frozenset(SERVICES)
REALM = "onviftui"
MAX_CACHED_ANSWERS = 64
_MAX_KEY_CHARS = 512
_EVENT_PREFIXES = ("tns1", "tt", "xsd")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `target` is the request target as sent (HTTP Digest signs it)."""

    method: str
    path: str
    target: str
    reached: Reached
    body: bytes = field(default=b"", repr=False)
    subscription_id: str = ""
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send, and what to put into the camera's trace."""

    status: int
    body: bytes = field(repr=False)
    operation: str
    ok: bool
    auth: str = ""
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = CONTENT_TYPE


@dataclass(frozen=True, slots=True)
class Pending:
    """The rim does `command` first: a Pull waits until its pull point has something or `timeout_s` is over, and its
    result is the time then. `finish(result)` and `failed(error)` give the reply."""

    command: Command | Pull
    finish: Callable[[Any], Reply]
    failed: Callable[[Exception], Reply]


class Dispatcher:
    def __init__(self, spec: CameraSpec, *, secret: bytes, new_id: Callable[[], str]) -> None:
        self._spec = spec
        self._services = offered(spec)
        self._tokens = TokenVerifier()
        # One realm for SOAP and the picture, since clients carry a nonce from one to the other.
        self._digest = DigestVerifier(REALM, secret)
        self._pull_points = PullPoints(new_id)
        self._answers: dict[object, bytes] = {}

    @property
    def spec(self) -> CameraSpec:
        return self._spec

    def update(self, spec: CameraSpec) -> None:
        self._spec = spec
        self._services = offered(spec)
        self._answers.clear()

    def close(self) -> None:
        """Wake all long polls."""
        self._pull_points.close()

    def refuse_head(self, method: str, content_type: str | None, content_length: int | None) -> Reply | None:
        """What can be refused of a service request before its body is read."""
        if method != "POST":
            fault = SoapFault("Sender", f"{method[:16]} is not possible here, only POST", status=405)
            return _refusal(fault, method, "wrong HTTP method", headers=(("Allow", "POST"),))
        media_type = (content_type or "").partition(";")[0].strip().lower()
        # Some clients send no type at all; SOAP 1.1's text/xml is refused, because our answers are SOAP 1.2.
        if media_type not in ("", "application/soap+xml"):
            fault = SoapFault("Sender", "The media type must be application/soap+xml", status=415)
            return _refusal(fault, method, f"wrong media type {media_type[:64]!r}")
        if content_length is not None and content_length > MAX_REQUEST_BYTES:
            return self.refuse_size(method)
        return None

    def refuse_size(self, method: str) -> Reply:
        fault = SoapFault("Sender", f"The request is larger than {MAX_REQUEST_BYTES} bytes", status=413)
        return _refusal(fault, method, "request too large")

    def refuse_body(self, path: str, *, timed_out: bool) -> Reply:
        """For a body that did not arrive: too slow, or broken chunks."""
        status, reason = (408, "the request did not arrive in time") if timed_out else (400, "the request was cut off")
        return _refusal(SoapFault("Sender", reason, status=status), path.rpartition("/")[2], reason)

    def handle(self, call: Call, now: datetime) -> Reply | Pending:
        """Answer a POST to one of SERVICE_PATHS. Every refusal is a Reply; an exception is a bug of ours."""
        try:
            request = parse_envelope(call.body)
        except SoapSyntaxError as error:
            return _refusal(malformed(error), call.path.rpartition("/")[2], error.reason)
        auth = ""
        try:
            if request.version == "1.1":
                raise SoapFault("VersionMismatch", "SOAP 1.1 is not spoken here, only SOAP 1.2")
            operation = find(call.path, request, self._services)
            if operation.access is not Access.PRE_AUTH:
                refusal, auth = self._authenticate(call, request, now)
                if refusal is not None:
                    return refusal
            return self._answer(call, request, operation, auth, now)
        except SoapFault as fault:
            return _refusal(fault, request.operation, fault.reason, auth=auth)

    def _authenticate(self, call: Call, request: SoapRequest, now: datetime) -> tuple[Reply | None, str]:
        """(refusal or None, how the client proved itself). HTTP Digest or UsernameToken, either suffices."""
        http = self._check_http(call.authorization, call.method, call.target, now, basic=False)
        if http.ok:
            return None, http.scheme
        if request.security is not None:
            spec = self._spec
            token = self._tokens.verify(request.security, username=spec.username, password=spec.password, now=now)
            if token.ok:
                return None, token.scheme
            return _refusal(not_authorized(), request.operation, token.reason, auth=token.scheme), ""
        headers = self._challenges(now, stale=http.stale, basic=False)
        refusal = _refusal(not_authorized(401), request.operation, http.reason, auth=http.scheme, headers=headers)
        return _unless_asked(refusal, call.authorization), ""

    def _check_http(self, header: str | None, method: str, target: str, now: datetime, *, basic: bool) -> Verdict:
        if header is None:
            return Verdict(False, "asked for user name and password")
        spec, clock = self._spec, now.timestamp()
        return self._digest.verify(
            header, method=method, uri=target, username=spec.username, password=spec.password, now=clock, basic=basic
        )

    def _challenges(self, now: datetime, *, stale: bool, basic: bool) -> tuple[tuple[str, str], ...]:
        values = self._digest.challenges(now.timestamp(), stale=stale, basic=basic)
        return tuple(("WWW-Authenticate", value) for value in values)

    def _answer(
        self, call: Call, request: SoapRequest, operation: Operation, auth: str, now: datetime
    ) -> Reply | Pending:
        ctx = Context(self._spec, request, call.reached, now, self._pull_points, call.subscription_id, self._services)
        key = _cache_key(request, call.reached) if operation.static else None
        body = self._answers.get(key) if key is not None else None
        if body is None:
            answer = operation.answer(ctx)
            if isinstance(answer, Ask):
                return _pending(answer, request, auth)
            body = _document(request, answer)
            if key is not None:
                if len(self._answers) >= MAX_CACHED_ANSWERS:
                    self._answers.clear()
                self._answers[key] = body
        return Reply(200, body, request.operation, True, auth)

    def refuse_snapshot(
        self, method: str, target: str, authorization: str | None, now: datetime
    ) -> tuple[Reply | None, str]:
        """(refusal or None, how the client proved itself) for GET and HEAD of the picture: Digest or Basic."""
        if method not in ("GET", "HEAD"):
            return _plain(405, "only GET is possible here", "wrong HTTP method", (("Allow", "GET, HEAD"),)), ""
        verdict = self._check_http(authorization, method, target, now, basic=True)
        if verdict.ok:
            return None, verdict.scheme
        headers = self._challenges(now, stale=verdict.stale, basic=True)
        text = "user name and password of the camera are needed"
        return _unless_asked(_plain(401, text, verdict.reason, headers, verdict.scheme), authorization), ""


def _pending(ask: Ask[Element], request: SoapRequest, auth: str) -> Pending:
    def finish(result: Any) -> Reply:
        try:
            return Reply(200, _document(request, ask.finish(result)), request.operation, True, auth)
        except SoapFault as fault:
            return _refusal(fault, request.operation, fault.reason, auth=auth)

    def failed(error: Exception) -> Reply:
        """What is known of the NVR is for our user's trace, not for the recorder (contract 2)."""
        if isinstance(error, SoapFault):
            return _refusal(error, request.operation, error.reason, auth=auth)
        if isinstance(error, UpstreamError):
            return _refusal(not_done(), request.operation, str(error), auth=auth)
        return _refusal(internal_error(), request.operation, "it could not be kept, see the log", auth=auth)

    return Pending(ask.command, finish, failed)


def failure(operation: str) -> Reply:
    """For an exception inside: the client learns nothing of it, but gets an envelope."""
    return _refusal(internal_error(), operation, "internal error, see the log")


def not_found(path: str) -> Reply:
    return _plain(404, "there is nothing at this address", f"unknown path {path[:64]!r}", operation="HTTP")


def no_picture() -> Reply:
    return _plain(503, "no picture at the moment", "no picture from the NVR")


def _refusal(
    fault: SoapFault, operation: str, reason: str, *, auth: str = "", headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    return Reply(fault.status, fault.to_bytes(), operation[:64], False, auth, reason, headers)


def _unless_asked(refusal: Reply, authorization: str | None) -> Reply:
    """Each Digest client begins without credentials and is asked for them: in the trace that is no trouble."""
    return replace(refusal, ok=True) if authorization is None else refusal


def _plain(
    status: int,
    text: str,
    reason: str,
    headers: tuple[tuple[str, str], ...] = (),
    auth: str = "",
    operation: str = SNAPSHOT_PATH,
) -> Reply:
    return Reply(status, f"{text}\n".encode(), operation, False, auth, reason, headers, "text/plain; charset=utf-8")


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
