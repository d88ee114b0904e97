"""One HTTP exchange with a camera as data: what came, what to send, and what the rim has to do in between. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from proxyd.camera.meeting import BROKEN
from proxyd.camera.urls import SNAPSHOT_PATH

from .faults import SoapFault, content_type, internal_error
from .services.operation import Reached
from .soap import CONTENT_TYPE, Element, Version

Headers = tuple[tuple[str, str], ...]
_Outcome = TypeVar("_Outcome")
_QUOTED = re.compile("[:'\"]")  # after these a parser quotes what came


@dataclass(slots=True)
class Proof:
    """What is known of one connection: the name of the account whose password was right on it last."""

    username: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `target` is the request target as sent (HTTP Digest signs it); `client` the address it came
    from; `proof` is its connection's."""

    method: str
    path: str
    target: str
    reached: Reached
    body: bytes = field(default=b"", repr=False)
    subscription_id: str = ""
    authorization: str | None = field(default=None, repr=False)
    client: str = ""
    proof: Proof = field(default_factory=Proof)


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send, and what to put into the camera's trace. `unsent` is to be called when it does not get out."""

    status: int
    body: bytes = field(repr=False)
    operation: str
    ok: bool
    auth: str = ""
    reason: str = ""
    headers: Headers = ()
    content_type: str = CONTENT_TYPE
    unsent: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """The rim does `command` first: a Pull waits until its pull point has something or `timeout_s` is over, and its
    result is the time then. `finish(result)` and `failed(error)` give the reply."""

    command: Any
    finish: Callable[[Any], Reply]
    failed: Callable[[Exception], Reply]


@dataclass(frozen=True, slots=True)
class Later(Generic[_Outcome]):
    """Too many wrong passwords came from that address: in its turn (`GuessLine`) the rim calls `resume(now)`."""

    address: str
    username: str
    resume: Callable[[datetime], _Outcome]


def refusal(
    fault: SoapFault,
    operation: str,
    reason: str,
    *,
    auth: str = "",
    headers: Headers = (),
    version: Version = "1.2",
    blocks: Iterable[Element] = (),
) -> Reply:
    """`blocks` go into the SOAP header."""
    status, body = fault.status_in(version), fault.to_bytes(version, blocks)
    return Reply(status, body, operation[:64], False, auth, reason, headers, content_type(version))


def unless_asked(reply: Reply, authorization: str | None) -> Reply:
    """Each Digest client begins without credentials and is asked for them: in the trace that is no trouble."""
    return replace(reply, ok=True) if authorization is None else reply


def plain(
    status: int,
    text: str,
    reason: str,
    headers: Headers = (),
    auth: str = "",
    operation: str = SNAPSHOT_PATH,
) -> Reply:
    """For what is not SOAP."""
    return Reply(status, f"{text}\n".encode(), operation, False, auth, reason, headers, "text/plain; charset=utf-8")


def failure(operation: str) -> Reply:
    """For an exception inside: the client learns nothing of it, but gets an envelope."""
    return refusal(internal_error(), operation, "internal error, see the log")


def broken(status: int, why: str) -> Reply:
    """For what is no HTTP. `why` is the parser's, for our user alone; it may quote what came, which may be a secret."""
    fault = SoapFault("Sender", "This is no HTTP request", status=status)
    if "HTTPS" in why:  # aiohttp knows the beginning of a TLS handshake
        reason = "speaks HTTPS where the camera speaks HTTP"
    else:
        reason = f"no HTTP that can be understood: {_QUOTED.split(why)[0].strip()[:80]}"
    return refusal(fault, BROKEN, reason)


def not_found(path: str) -> Reply:
    return plain(404, "there is nothing at this address", f"unknown path {path[:64]!r}", operation="HTTP")


def no_picture() -> Reply:
    return plain(503, "no picture at the moment", "no picture from the NVR")
