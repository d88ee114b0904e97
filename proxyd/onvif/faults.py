"""Refusals as SOAP faults, each with its HTTP status and words that help the installer.

Pure. Codes: ONVIF Core section 5.8.2 and the tables of each service. To SOAP 1.2 only a bug of ours answers with HTTP
500, and even that carries an envelope: recorders call a bare 500 "invalid credentials". SOAP 1.1 prescribes 500 for
each fault (section 6.2), and its clients look for the fault only there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lxml import etree

from .namespaces import ENV11, XML, clark
from .soap import CONTENT_TYPE, Element, FaultCode, SoapSyntaxError, Version, el, envelope

CONTENT_TYPE_11 = "text/xml; charset=utf-8"
_CODES_11: dict[FaultCode, str] = {"Sender": "Client", "Receiver": "Server"}


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

    def to_bytes(self, version: Version = "1.2", header: Iterable[Element] = ()) -> bytes:
        if version == "1.1":
            return _fault_11(self.code, self.reason, self.subcodes, self.detail, header)
        return _fault_12(self.code, self.reason, self.subcodes, self.detail, header)

    def status_in(self, version: Version) -> int:
        return 500 if version == "1.1" and self.status == 400 else self.status


def content_type(version: Version) -> str:
    return CONTENT_TYPE if version == "1.2" else CONTENT_TYPE_11


def _fault_12(
    code: FaultCode, reason: str, subcodes: Sequence[str], detail: Element | None, header: Iterable[Element]
) -> bytes:
    """`subcodes` from outer to inner, such as ("ter:NotAuthorized",)."""
    inner: Element | None = None
    for subcode in reversed(subcodes):
        clark(subcode)  # an unknown prefix must fail here, not at the client
        inner = el("env:Subcode", el("env:Value", subcode), inner)
    text = el("env:Text", reason or "unspecified")
    text.set(f"{{{XML}}}lang", "en")
    return envelope(
        el(
            "env:Fault",
            el("env:Code", el("env:Value", f"env:{code}"), inner),
            el("env:Reason", text),
            el("env:Detail", detail) if detail is not None else None,
        ),
        header=header,
        text_prefixes=[subcode.partition(":")[0] for subcode in subcodes],
    )


def _fault_11(
    code: FaultCode, reason: str, subcodes: Sequence[str], detail: Element | None, header: Iterable[Element]
) -> bytes:
    """SOAP 1.1 has no subcodes: they become empty elements of the detail, from outer to inner."""
    details = [*(el(subcode) for subcode in subcodes), *([detail] if detail is not None else [])]
    body = etree.Element(f"{{{ENV11}}}Fault", nsmap={"env": ENV11})
    body.append(el("faultcode", f"env:{_CODES_11.get(code, code)}"))
    body.append(el("faultstring", reason or "unspecified"))
    if details:
        body.append(el("detail", *details))
    return envelope(body, header=header, version="1.1")


def malformed(error: SoapSyntaxError) -> SoapFault:
    subcodes = ("ter:WellFormed",) if error.code == "Sender" else ()
    return SoapFault(error.code, error.reason, *subcodes)


def must_understand(name: str) -> SoapFault:
    """A client said that its request means nothing without that header block. The block `NotUnderstood`, which SOAP 1.2
    section 5.4.8 allows, is not sent: it would make lxml keep names that strangers chose."""
    return SoapFault("MustUnderstand", f"The header {name[:64]} is not understood")


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


def prohibited(reason: str, *subcodes: str) -> SoapFault:
    """The camera knows the operation and will not do it, whoever asks (ONVIF Core table 5.8.2.2)."""
    return SoapFault("Sender", reason, "ter:OperationProhibited", *subcodes)


def no_such_service(category: str) -> SoapFault:
    return SoapFault(
        "Receiver", f"The service {category} is not implemented", "ter:ActionNotSupported", "ter:NoSuchService"
    )


def invalid_value(reason: str, *subcodes: str) -> SoapFault:
    return SoapFault("Sender", reason, "ter:InvalidArgVal", *subcodes)


def invalid_args(reason: str, *subcodes: str) -> SoapFault:
    """An argument is missing or of the wrong type (ONVIF Core table 5.8.2.2)."""
    return SoapFault("Sender", reason, "ter:InvalidArgs", *subcodes)


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
