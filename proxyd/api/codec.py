"""JSON-RPC 2.0 wire format, both directions, sans-IO. Source: https://www.jsonrpc.org/specification.

One message per WebSocket text frame or POST body. Batches are refused: nobody needs them on a local socket.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from proxyd import errors
from proxyd.errors import InvalidInput, ProxyError

from .methods import METHODS, Method
from .models import Event, Params

MAX_MESSAGE = 256 * 1024  # bytes, client → daemon
MAX_REPLY = 64 * 1024 * 1024  # bytes, daemon → client: 1000 cameras and a snapshot picture fit

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603


class WireError(ProxyError):
    """A message that is not a JSON-RPC request. `rpc_code` is what goes back; `id` whom it answers, if known."""

    def __init__(self, rpc_code: int, message: str, hint: str = "", id_: int | str | None = None) -> None:
        super().__init__(message, hint)
        self.rpc_code = rpc_code
        self.id = id_


@dataclass(frozen=True, slots=True)
class Call:
    """A decoded request. `id` None: a notification, no answer is wanted."""

    id: int | str | None
    method: Method
    params: Params


def encode_call(id_: int | str, method: str, params: dict[str, Any]) -> str:
    """A request as one line of JSON; secrets of `params` in clear, for the wire alone."""
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": to_jsonable_python(reveal(params))})


def reveal(value: Any) -> Any:
    """Turns SecretStr into text: only the wire to the daemon may do that."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose parameters nobody has looked at yet: first it is seen whether the caller may do this at all."""

    id: int | str | None
    method: Method
    raw: dict[str, Any] = field(repr=False)

    def validated(self) -> Call:
        """Raises WireError: wrong parameters, all of them named at once."""
        return Call(self.id, self.method, _validated(self.method, self.raw, self.id))


def decode_call(text: str | bytes) -> Call:
    """Raises WireError: not a request, or wrong parameters."""
    return decode_request(text).validated()


def decode_request(text: str | bytes) -> Request:
    """Raises WireError: not a request."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError(PARSE_ERROR, "This is not JSON.") from None
    if not isinstance(message, dict):
        raise WireError(INVALID_REQUEST, "A request is one JSON object.", "Batches are not supported.")
    id_ = message.get("id")
    if isinstance(id_, bool) or not isinstance(id_, int | str | None):
        raise WireError(INVALID_REQUEST, "The id must be a number or a string.")
    name, params = message.get("method"), message.get("params", {})
    if message.get("jsonrpc") != "2.0" or not isinstance(name, str):
        raise WireError(INVALID_REQUEST, 'A request has "jsonrpc": "2.0" and a "method".', id_=id_)
    method = METHODS.get(name)
    if method is None:
        raise WireError(METHOD_NOT_FOUND, f"There is no method {name[:64]!r}.", "See docs/rpc.md.", id_=id_)
    if not isinstance(params, dict):
        raise WireError(INVALID_PARAMS, "Parameters are passed by name, as an object.", id_=id_)
    return Request(id_, method, params)


def encode_cancel(id_: int | str) -> str:
    """Nobody waits for the answer to this call any more."""
    return json.dumps({"jsonrpc": "2.0", "method": "cancel", "params": {"id": id_}})


def decode_cancel(text: str) -> int | str | None:
    """The id of the call that is cancelled; None when this is another message."""
    if '"cancel"' not in text:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("method") != "cancel" or "id" in message:
        return None
    params = message.get("params")
    id_ = params.get("id") if isinstance(params, dict) else None
    return id_ if isinstance(id_, int | str) and not isinstance(id_, bool) else None


def _validated(method: Method, params: dict[str, Any], id_: int | str | None) -> Params:
    try:
        # Strict, but by JSON's rules: SecretStr from a string is fine, a number from a string is not.
        return method.params.model_validate_json(json.dumps(params))
    except ValidationError as error:
        raise WireErrorWithFields(id_, field_errors(error)) from None


class WireErrorWithFields(WireError):
    """Wrong parameters: one sentence per field."""

    def __init__(self, id_: int | str | None, fields: dict[str, str]) -> None:
        listed = "; ".join(f"{name}: {what}" if name else what for name, what in fields.items())
        super().__init__(INVALID_PARAMS, f"Wrong parameters: {listed}.", id_=id_)
        self.fields = fields


# Kind of error as pydantic names it → words; {…} from its context.
_FIELD_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "string_too_long": "may have at most {max_length} characters",
    "too_long": "may have at most {max_length} entries",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
}


def field_errors(error: ValidationError) -> dict[str, str]:
    """Field name → sentence. The value is never quoted: it may be a password."""
    return {
        ".".join(str(part) for part in item["loc"]): _field_words(item["type"], item["msg"], item.get("ctx", {}))
        for item in error.errors(include_url=False, include_input=False)
    }


def _field_words(kind: str, message: str, context: dict[str, Any]) -> str:
    if kind in ("string_too_short", "too_short"):
        least = context.get("min_length", 1)
        return "must not be empty" if least == 1 else f"must have at least {least} characters"
    if kind in _FIELD_WORDS:
        return _FIELD_WORDS[kind].format_map(context)
    return message.removeprefix("Value error, ").rstrip(".")


def encode_result(id_: int | str | None, method: Method, result: Any) -> str:
    """The answer with this id; `result` is what the method's table says."""
    payload = method.adapter().dump_json(result).decode()
    return f'{{"jsonrpc":"2.0","id":{json.dumps(id_)},"result":{payload}}}'


def encode_error(id_: int | str | None, error: Exception) -> str:
    """Any exception that is not a ProxyError is a bug: its text stays inside."""
    data: dict[str, Any] = {}
    if isinstance(error, WireError):
        code, message = error.rpc_code, error.message
    elif isinstance(error, ProxyError):
        code, message = error.code, error.message
    else:
        code, message = INTERNAL_ERROR, "proxyd met a bug while doing this; its log has the details."
    if isinstance(error, ProxyError) and error.hint:
        data["hint"] = error.hint
    if isinstance(error, InvalidInput | WireErrorWithFields) and error.fields:
        data["fields"] = error.fields
    body = {"code": code, "message": message} | ({"data": data} if data else {})
    return json.dumps({"jsonrpc": "2.0", "id": id_, "error": body})


def encode_event(event: Event) -> str:
    """The notification `event`."""
    return f'{{"jsonrpc":"2.0","method":"event","params":{event.model_dump_json()}}}'


_ERRORS: dict[int, type[ProxyError]] = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ProxyError)
}


def decode_error(body: dict[str, Any]) -> ProxyError:
    """The error a reply carries, as the same class that the daemon raised."""
    code, message, data = body.get("code", INTERNAL_ERROR), str(body.get("message", "")), body.get("data") or {}
    hint = str(data.get("hint", ""))
    if code == INVALID_PARAMS:
        return InvalidInput(message, hint, {str(k): str(v) for k, v in (data.get("fields") or {}).items()})
    return _ERRORS.get(code, ProxyError)(message, hint)


def decode_result(method: str, result: Any) -> Any:
    """A result as the method's type. Raises ValidationError for anything else."""
    return _adapter(method).validate_python(result)


def _adapter(method: str) -> TypeAdapter[Any]:
    return METHODS[method].adapter()
