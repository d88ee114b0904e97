"""Errors that reach people.

Each carries what happened (which camera, NVR or interface), and `hint`: the next step to try.
`code` is the JSON-RPC error code; `exit_code` what the command line ends with.
No message may ever hold a secret.
"""

from __future__ import annotations

from typing import ClassVar


class ProxyError(Exception):
    """Base of every error that is shown to a user."""

    code: ClassVar[int] = -32000
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(ProxyError):
    """The caller's data is wrong. `fields` maps field name → what is wrong with it; nothing was changed."""

    code = -32602
    exit_code = 2

    def __init__(self, message: str, hint: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(message, hint)
        self.fields = fields or {}


class NotFound(ProxyError):
    """No such NVR, camera, interface or job."""

    code = -32004


class Conflict(ProxyError):
    """The request contradicts what is there (a second NVR at the same address, a scan already running)."""

    code = -32009


class NotAllowed(ProxyError):
    """The caller's role does not permit this."""

    code = -32003
    exit_code = 4


class DaemonUnreachable(ProxyError):
    """proxyd does not answer on its socket."""

    code = -32010
    exit_code = 3


class StoreError(ProxyError):
    """The database cannot be used (newer than this program, damaged, disk full)."""

    code = -32020


class UpstreamError(ProxyError):
    """The NVR could not do what was asked. Subclasses say which kind of trouble it is."""

    code = -32030


class UpstreamUnreachable(UpstreamError):
    """No connection to the NVR, or no answer before the deadline."""

    code = -32031


class UpstreamAuthError(UpstreamError):
    """The NVR definitely refused the user name or password. Must not be retried without new credentials."""

    code = -32032


class UpstreamProtocolError(UpstreamError):
    """The NVR answered, but not with what its standard says."""

    code = -32033


class ArmError(ProxyError):
    """The privileged arm (netsetup serve) cannot or may not do it; nothing was changed."""

    code = -32040


class ArmUnreachable(ArmError):
    """The privileged arm does not answer."""

    code = -32041
