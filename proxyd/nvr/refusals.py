"""What an NVR's answer means when it is not the one that was asked for, in words for installers: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from proxyd.digest import Challenge
from proxyd.errors import UpstreamAuthError, UpstreamProtocolError, UpstreamUnreachable

# 64 channels with three streams each are below 100 000; a million would stall everybody while they are parsed.
MAX_TAGS = 300_000
# Where each of ASCII's bytes means itself, so that what is looked for here cannot hide from us.
_ENCODINGS = re.compile(
    rb"utf-?8|(?:us-)?ascii|iso[-_]?8859-?[0-9]{1,2}|latin-?1|(?:windows-|cp)(?:125[0-8]|874|936|949|950)|gbk?"
    rb"|gb2312|gb18030|big5(?:-hkscs)?|shift[-_]jis|sjis|euc-(?:cn|jp|kr|tw)|koi8-[ru]|tis-?620",
    re.IGNORECASE,
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([^"'>]*)""")
_LOCKED = re.compile(r"\block(?:ed|[- ]?out)?\b", re.IGNORECASE)  # not "clock", not "blocked"
_ENVELOPE = "{http://www.w3.org/2003/05/soap-envelope}"
_ENVELOPE_11 = "{http://schemas.xmlsoap.org/soap/envelope/}"

ENABLE_ONVIF = (
    "ONVIF is often off by default: enable it in the NVR's network settings, create an ONVIF user there, "
    "and check the port (80, 8000, 8080 and 2020 are usual)."
)
NOT_TRIED_AGAIN = "Nothing is tried again until you change them, because NVRs lock out after a few wrong passwords."
CHECK_LOGIN = (
    "Check the user name and password. On many NVRs ONVIF has users of its own: create one in its ONVIF settings. "
    + NOT_TRIED_AGAIN
)
TOO_MUCH = "No NVR has that much to say: check the address, or update the NVR's firmware."
CHECK_NETWORK = "Check the address, the cable and whether the NVR is switched on; then try again."


class Refusal(Exception):
    """An answer that is not the operation's result. Not yet an error: the client decides what it means."""


@dataclass(eq=False)
class LoginDemanded(Refusal):
    """HTTP 401 or 403. `challenges` say how it wants to be answered; `fault` when a SOAP fault came along."""

    status: int
    challenges: Sequence[Challenge] = field(default=(), repr=False)
    fault: SoapFault | None = None

    @property
    def offers_digest(self) -> bool:
        return any(c.scheme == "Digest" for c in self.challenges)


@dataclass(eq=False)
class SoapFault(Refusal):
    """A SOAP fault. `codes` are local names from the outside in, such as Sender, NotAuthorized."""

    status: int
    codes: tuple[str, ...]
    reason: str

    @property
    def is_login(self) -> bool:
        """Whether this is about the user: ONVIF's ter:NotAuthorized, WS-Security's FailedAuthentication, or words."""
        if {"NotAuthorized", "FailedAuthentication", "InvalidSecurity"} & set(self.codes):
            return True
        text = self.reason.lower()
        return any(
            words in text for words in ("not authorized", "unauthorized", "authority failure", "auth failed", "locked")
        )

    @property
    def is_missing_operation(self) -> bool:
        return bool({"ActionNotSupported", "NotImplemented", "OptionalActionNotImplemented"} & set(self.codes))


@dataclass(eq=False)
class NotSoap(Refusal):
    """Anything but SOAP: a web page, nothing, a redirect, too much. `what` completes "it answered with …"."""

    status: int
    what: str
    hint: str = ""


def is_login(refusal: Refusal) -> bool:
    """Whether the NVR wants a login, or another one."""
    return isinstance(refusal, LoginDemanded) or (isinstance(refusal, SoapFault) and refusal.is_login)


def judge_body(status: int, content_type: str, body: bytes) -> Refusal | None:
    """None when `body` may be handed to the SOAP parser."""
    if 300 <= status < 400:
        return NotSoap(status, "a redirect to another address")
    if not body:
        return NotSoap(status, f"nothing (HTTP {status})")
    start = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if "html" in content_type.lower() or start.startswith((b"<html", b"<!doctype html")):
        return NotSoap(status, f"a web page (HTTP {status})")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return NotSoap(status, "XML with a document type, which SOAP forbids")
    if not start.startswith(b"<"):
        return NotSoap(status, f"something that is not XML (HTTP {status})")
    declared = _DECLARED.match(start)
    if b"\0" in body or (declared and not _ENCODINGS.fullmatch(declared[1])):
        return NotSoap(status, "XML in an encoding that is not read here")
    if body.count(b"<") > MAX_TAGS:
        return NotSoap(status, f"more than {MAX_TAGS} XML tags", TOO_MUCH)
    if b"Fault" in body and (fault := parse_fault(status, body)) is not None:
        return fault
    if status != 200:
        return NotSoap(status, f"HTTP {status}")
    return None


def parse_fault(status: int, body: bytes) -> SoapFault | None:
    """The fault in a SOAP 1.2 (or 1.1) envelope, None when there is none. Reason may be empty, codes may be missing."""
    try:
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(body.strip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root is None:
        return None
    for envelope in (_ENVELOPE, _ENVELOPE_11):
        fault = root.find(f"{envelope}Body/{envelope}Fault")
        if fault is not None:
            values = [e.text or "" for e in fault.iter(f"{envelope}Value", "faultcode")][:8]
            codes = tuple(v.strip().rpartition(":")[2][:64] for v in values)
            texts = [e.text or "" for e in fault.iter(f"{envelope}Text", "faultstring")]
            reason = " ".join("".join(c if c.isprintable() else " " for c in " ".join(texts)).split())
            return SoapFault(status, codes, reason[:200])
    return None


def refusal_error(refusal: Refusal, *, where: str, step: str) -> UpstreamProtocolError | UpstreamAuthError:
    """The error for people. `where` is host:port, `step` what was being done ("read the list of streams")."""
    if is_login(refusal):
        return login_error(refusal, where=where)
    if isinstance(refusal, SoapFault):
        said = f"“{refusal.reason}”" if refusal.reason else ""
        code = next((c for c in reversed(refusal.codes) if c), "")
        what = f"{said} ({code})" if said and code else said or code or f"an empty fault (HTTP {refusal.status})"
        if "BlockedThreadUpperLimit" in refusal.codes:
            hint = "It has too many open event subscriptions: restart the NVR, then try again."
        else:
            hint = "Update the NVR's firmware, or check what its ONVIF user may do; then scan again."
        return UpstreamProtocolError(f"{where} refused to {step}: {what}.", hint)
    assert isinstance(refusal, NotSoap)
    if refusal.status in (404, 405, 501):
        return UpstreamProtocolError(
            f"{where} has no ONVIF service there (HTTP {refusal.status}, asked to {step}).", ENABLE_ONVIF
        )
    return UpstreamProtocolError(
        f"{where}, asked to {step}, answered with {refusal.what} instead of an ONVIF message.",
        refusal.hint or ENABLE_ONVIF,
    )


def login_error(refusal: Refusal, *, where: str, clock_told: bool = True) -> UpstreamAuthError:
    """A definite refusal of user name or password. Without the NVR's time, its clock may be the cause."""
    reason = refusal.reason if isinstance(refusal, SoapFault) else ""
    if isinstance(refusal, LoginDemanded) and refusal.fault is not None:
        reason = refusal.fault.reason
    if _LOCKED.search(reason):
        return UpstreamAuthError(
            f"{where} has locked this user out after wrong passwords.",
            "Wait until the lock ends (often 30 minutes) or restart the NVR; then test the connection once.",
        )
    hint = CHECK_LOGIN
    if not clock_told:
        hint += " It did not tell its time either: a wrong clock on the NVR looks the same, so set that too."
    return UpstreamAuthError(f"{where} refuses the user name or password.", hint)


class RightsMissing(UpstreamProtocolError):
    """The login works elsewhere, but this user may not do that."""


def rights_error(*, where: str, step: str) -> RightsMissing:
    return RightsMissing(
        f"{where} does not let this user {step}.", "Give the NVR's ONVIF user the role operator or administrator."
    )


def unreachable(where: str, problem: str, hint: str = CHECK_NETWORK) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"{where} {problem}.", hint)
