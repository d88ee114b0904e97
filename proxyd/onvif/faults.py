"""Refusals as SOAP faults, each with its HTTP status and words that help the installer.

Pure. Codes: ONVIF Core section 5.8.2 and the tables of each service. Only a bug of ours answers with HTTP 500, and even
that carries an envelope: recorders call a bare 500 "invalid credentials".
"""

from __future__ import annotations

from .soap import Element, FaultCode, SoapSyntaxError, fault


class SoapFault(Exception):
    """Raised by services and turned into an answer by the dispatcher. `reason` is safe to show to anybody; `detail` is
    what a WSDL says of the fault."""

    def __init__(
        self, code: FaultCode, reason: str, *subcodes: str, status: int = 400, detail: Element | None = None
    ) -> None:
        super().__init__(reason)
        self.code: FaultCode = code
        self.reason = reason
        self.subcodes = subcodes
        self.status = status
        self.detail = detail

    def to_bytes(self) -> bytes:
        return fault(self.code, self.reason, self.subcodes, detail=self.detail)


def malformed(error: SoapSyntaxError) -> SoapFault:
    subcodes = ("ter:WellFormed",) if error.code == "Sender" else ()
    return SoapFault(error.code, error.reason, *subcodes)


def not_authorized(status: int = 400) -> SoapFault:
    """The same words for every cause: the reason is for our user's trace, not for whoever guesses passwords."""
    return SoapFault(
        "Sender", "The sender is not authorized: wrong user name, password or clock", "ter:NotAuthorized", status=status
    )


def not_permitted(operation: str, level: str) -> SoapFault:
    """For a client that proved itself, whose account may not do that."""
    return SoapFault(
        "Sender",
        f"{operation[:64]} is only for accounts of the level {level}",
        "ter:NotAuthorized",
    )


def action_not_supported(operation: str, why: str = "") -> SoapFault:
    """Home Assistant tolerates this fault only with "not implemented" in its text."""
    reason = f"{operation} is not implemented" + (f": {why}" if why else "")
    return SoapFault("Receiver", reason, "ter:ActionNotSupported")


def no_such_service(category: str) -> SoapFault:
    return SoapFault(
        "Receiver", f"The service {category} is not implemented", "ter:ActionNotSupported", "ter:NoSuchService"
    )


def invalid_value(reason: str, *subcodes: str) -> SoapFault:
    return SoapFault("Sender", reason, "ter:InvalidArgVal", *subcodes)


def no_profile(token: str) -> SoapFault:
    return invalid_value(f"There is no profile {token[:64]!r}", "ter:NoProfile")


def no_configuration(token: str) -> SoapFault:
    return invalid_value(f"There is no configuration {token[:64]!r}", "ter:NoConfig")


def no_video_source(token: str) -> SoapFault:
    return invalid_value(f"There is no video source {token[:64]!r}", "ter:NoVideoSource")


def not_done() -> SoapFault:
    """The NVR did not do what was asked; why is in our user's trace."""
    return SoapFault("Receiver", "The device behind this camera did not do it", "ter:Action")


def internal_error() -> SoapFault:
    return SoapFault("Receiver", "The camera could not answer because of an internal error", status=500)
