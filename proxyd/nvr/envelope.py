"""SOAP 1.2 requests made by hand, where the usual client library cannot: subscriptions of events. Pure.

Subscriptions live at addresses of their own, need WS-Addressing headers on some devices and none on others, and some
tell theirs apart by reference parameters only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from proxyd.onvif.namespaces import ADDRESSING, ENV12, WSSE, WSU

Element = etree._Element
_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"


@dataclass(frozen=True, slots=True)
class SoapCall:
    """One request. `references` are the reference parameters of the subscription it is for (WS-Addressing 1.0 section
    2.1); `addressed`: with WS-Addressing headers."""

    address: str
    action: str
    body: Element = field(repr=False)
    references: Sequence[Element] = field(default=(), repr=False)
    addressed: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """What a UsernameToken is made of; `created` by the device's clock."""

    username: str
    password: str = field(repr=False)
    nonce: bytes = field(repr=False)
    created: datetime


def write_call(call: SoapCall, login: Login | None, message_id: str) -> bytes:
    """The envelope, signed when there is a login (WS-Security UsernameToken Profile 1.0 section 3)."""
    root = etree.Element(f"{{{ENV12}}}Envelope", nsmap={"s": ENV12, "wsa": ADDRESSING})
    header = etree.SubElement(root, f"{{{ENV12}}}Header")
    if login is not None:
        header.append(_security(login))
    if call.addressed:
        etree.SubElement(header, f"{{{ADDRESSING}}}Action").text = call.action
        etree.SubElement(header, f"{{{ADDRESSING}}}MessageID").text = message_id
        etree.SubElement(header, f"{{{ADDRESSING}}}To").text = call.address
    for reference in call.references:
        copied = deepcopy(reference)
        copied.set(f"{{{ADDRESSING}}}IsReferenceParameter", "true")
        header.append(copied)
    etree.SubElement(root, f"{{{ENV12}}}Body").append(call.body)
    etree.cleanup_namespaces(root)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def read_body(answer: bytes) -> Element | None:
    """The first element in the Body of an envelope of either SOAP version; None when there is none."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(answer, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    body = next((child for child in root if isinstance(child.tag, str) and child.tag.endswith("}Body")), None)
    return body[0] if body is not None and len(body) else None


def _security(login: Login) -> Element:
    created = login.created.strftime("%Y-%m-%dT%H:%M:%S.") + f"{login.created.microsecond // 1000:03d}Z"
    digest = hashlib.sha1(login.nonce + created.encode() + login.password.encode(), usedforsecurity=False).digest()
    security = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
    security.set(f"{{{ENV12}}}mustUnderstand", "true")
    token = etree.SubElement(security, f"{{{WSSE}}}UsernameToken")
    etree.SubElement(token, f"{{{WSSE}}}Username").text = login.username
    password = etree.SubElement(token, f"{{{WSSE}}}Password", Type=_DIGEST)
    password.text = base64.b64encode(digest).decode()
    nonce = etree.SubElement(token, f"{{{WSSE}}}Nonce", EncodingType=_BASE64)
    nonce.text = base64.b64encode(login.nonce).decode()
    etree.SubElement(token, f"{{{WSU}}}Created").text = created
    return security
