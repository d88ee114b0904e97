"""SOAP in and out: read a request from hostile bytes, build answers with fixed prefixes.

Pure. Reading is bounded (64 KiB, tags, depth, attributes; no DOCTYPE, so no entities); writing never pastes strings.
ONVIF's bindings are SOAP 1.2; who asks in SOAP 1.1 is answered in it.
Requests are read with expat, answers built with lxml: libxml2 keeps every name it ever met in a table of the thread,
which a stranger could fill (measured: 100 MB by 48 MB of requests), expat forgets them with the document.
Sources: SOAP 1.2 part 1 section 5, ONVIF Core section 5.8 (faults), WS-Security UsernameToken Profile 1.0.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, cast
from xml.etree import ElementTree

from lxml import etree

from .namespaces import ADDRESSING, ADDRESSING_2004, ENV11, ENV12, PREFIXES, WSSE, clark

MAX_REQUEST_BYTES = 64 * 1024
MAX_MARKUP = 2000  # tags in a request; real ones have fewer than 100
MAX_DEPTH = 64
MAX_ATTRIBUTES = 1000
CONTENT_TYPE = "application/soap+xml; charset=utf-8"

Element = etree._Element  # of answers
RequestElement = ElementTree.Element
Version = Literal["1.1", "1.2"]
FaultCode = Literal["Sender", "Receiver", "VersionMismatch", "MustUnderstand"]
_Scopes = dict[RequestElement, Mapping[str, str]]

_DECLARED_ENCODING = re.compile(r"""\A<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODING = re.compile(rb"\A<\?xml[^>]*\sencoding", re.DOTALL)
_WITH_PREFIXES = (b"TopicExpression", b"MessageContent")
_NAMES_WITH_PREFIXES = frozenset(name.decode() for name in _WITH_PREFIXES)
_SECURITY, _USERNAME_TOKEN, _USERNAME, _PASSWORD, _NONCE = (
    f"{{{WSSE}}}{name}" for name in ("Security", "UsernameToken", "Username", "Password", "Nonce")
)
# Nothing of WS-Addressing changes what is done: the operation and the address of the connection say it all.
_UNDERSTOOD = (f"{{{WSSE}}}Security", f"{{{ADDRESSING}}}", f"{{{ADDRESSING_2004}}}")
_OUR_ROLES = ("", f"{ENV12}/role/next", f"{ENV12}/role/ultimateReceiver", "http://schemas.xmlsoap.org/soap/actor/next")
_MAX_SCOPES = 16  # each is a copy of all declarations round it
_READABLE_ENCODINGS = frozenset({"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii"})


class SoapSyntaxError(ValueError):
    """The bytes are not a SOAP envelope that we read. `code` is the fault code to answer with."""

    def __init__(self, reason: str, code: FaultCode = "Sender") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code: FaultCode = code


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """A WS-Security UsernameToken as sent; `password` is the digest in base64 or, against the rules, the clear text."""

    username: str
    password: str = field(repr=False)
    password_type: Literal["digest", "text", "none"]
    nonce: str | None = field(default=None, repr=False)
    created: str | None = None


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One request. `body` is the operation element: the first child of Body."""

    version: Version
    namespace: str
    operation: str
    body: RequestElement
    security: UsernameToken | None = None
    message_id: str | None = None
    action: str | None = None
    scopes: Mapping[RequestElement, Mapping[str, str]] = field(default_factory=dict, repr=False)
    not_understood: str = ""  # the name of a header block that must be understood, and is not

    def prefixes(self, element: RequestElement) -> Mapping[str, str]:
        """Namespaces by prefix where a topic or content expression stands: prefixes inside its text mean these."""
        return self.scopes.get(element, {})

    def text(self, path: str) -> str | None:
        """Stripped text of the element at `path` ("trt:ProfileToken", "trt:StreamSetup/tt:Stream"), None if absent."""
        found = self.body.find(_clark_path(path))
        return None if found is None else (found.text or "").strip()

    def texts(self, path: str) -> list[str]:
        """Stripped texts of all elements at `path`."""
        return [(found.text or "").strip() for found in self.body.findall(_clark_path(path))]


@lru_cache(maxsize=256)  # the paths that services ask for
def _clark_path(path: str) -> str:
    return "/".join(clark(step) for step in path.split("/"))


def parse_envelope(data: bytes) -> SoapRequest:
    """Read a request. Raises SoapSyntaxError for everything that is not one SOAP envelope with one operation."""
    if len(data) > MAX_REQUEST_BYTES:
        raise SoapSyntaxError(f"the request is larger than {MAX_REQUEST_BYTES} bytes")
    root, scopes = _parse(data)
    version: Version
    if root.tag == f"{{{ENV12}}}Envelope":
        version, env = "1.2", ENV12
    elif root.tag == f"{{{ENV11}}}Envelope":
        version, env = "1.1", ENV11
    else:
        raise SoapSyntaxError("the document is not a SOAP envelope", "VersionMismatch")
    body = root.find(f"{{{env}}}Body")
    if body is None or len(body) == 0:
        raise SoapSyntaxError("the envelope has no Body with an operation in it")
    operation = body[0]
    namespace, local = _split(operation)
    header = root.find(f"{{{env}}}Header")
    if header is None:
        return SoapRequest(version, namespace, local, operation, scopes=scopes)
    return SoapRequest(
        version,
        namespace,
        local,
        operation,
        security=_username_token(header),
        message_id=_text(header, f"{{{ADDRESSING}}}MessageID"),
        action=_text(header, f"{{{ADDRESSING}}}Action"),
        scopes=scopes,
        not_understood=_not_understood(header, env),
    )


def parse_document(data: bytes) -> RequestElement:
    """The root of a document that is no envelope, within the same limits. Raises SoapSyntaxError."""
    if len(data) > MAX_REQUEST_BYTES:
        raise SoapSyntaxError(f"the document is larger than {MAX_REQUEST_BYTES} bytes")
    return _parse(data)[0]


def _parse(data: bytes) -> tuple[RequestElement, _Scopes]:
    # ASCII is checked and read as the bytes that it is: in all but odd requests.
    plain = data if data.isascii() and b"\0" not in data and not _ENCODING.search(data) else _decode(data).encode()
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise SoapSyntaxError("a document type declaration is not allowed in SOAP")
    tags = plain.count(b"<")
    if tags > MAX_MARKUP:
        raise SoapSyntaxError(f"the request has more than {MAX_MARKUP} tags")
    if plain.count(b"=") > MAX_ATTRIBUTES:
        raise SoapSyntaxError(f"the request has more than {MAX_ATTRIBUTES} attributes")
    # The encoding was decided above, not by the parser, so that a DOCTYPE cannot hide in an unusual one.
    try:
        if any(name in plain for name in _WITH_PREFIXES):
            root, scopes = _parse_with_scopes(plain)
        else:
            parser = ElementTree.XMLParser(encoding="utf-8")  # noqa: S314 - no DOCTYPE gets here
            parser.feed(plain)
            root, scopes = parser.close(), {}
    except (ElementTree.ParseError, ValueError):
        # The parser's words may quote the document, so they are not passed on.
        raise SoapSyntaxError("the request is not well-formed XML") from None
    if tags > MAX_DEPTH:  # with fewer it cannot be deeper
        _check_depth(root)
    return root, scopes


def _parse_with_scopes(data: bytes) -> tuple[RequestElement, _Scopes]:
    """ElementTree forgets prefixes; here they are kept for the few elements whose text has some."""
    parser: ElementTree.XMLPullParser[RequestElement] = ElementTree.XMLPullParser(("start-ns", "end-ns", "start"))
    parser.feed(data)
    parser.close()
    declared: list[tuple[str, str]] = []
    scopes: _Scopes = {}
    root: RequestElement | None = None
    for _, what in cast("Iterator[tuple[str, tuple[str, str] | RequestElement | None]]", parser.read_events()):
        if isinstance(what, tuple):
            declared.append(what)
        elif what is None:  # a declaration ends
            declared.pop()
        else:
            root = what if root is None else root
            if what.tag.rpartition("}")[2] in _NAMES_WITH_PREFIXES and len(scopes) < _MAX_SCOPES:
                scopes[what] = dict(declared)
    if root is None:
        raise ValueError("there is no element")
    return root, scopes


def _check_depth(root: RequestElement) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise SoapSyntaxError(f"the request is nested deeper than {MAX_DEPTH} elements")


def _decode(data: bytes) -> str:
    """Bytes to text by XML 1.0 appendix F, limited to UTF-8 and UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data.startswith(b"<\0"):
        encoding = "utf-16-le"
    elif data.startswith(b"\0<"):
        encoding = "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise SoapSyntaxError("the request is neither UTF-8 nor UTF-16") from None
    declared = _DECLARED_ENCODING.match(text)
    if declared and declared[1].lower() not in _READABLE_ENCODINGS:
        raise SoapSyntaxError(f"the encoding {declared[1]} is not supported, only UTF-8 and UTF-16")
    return text


def _split(element: RequestElement) -> tuple[str, str]:
    namespace, brace, local = element.tag.removeprefix("{").rpartition("}")
    return (namespace, local) if brace else ("", element.tag)


def _text(parent: RequestElement, tag: str) -> str | None:
    found = parent.find(tag)
    return None if found is None else (found.text or "").strip()


def _not_understood(header: RequestElement, env: str) -> str:
    """SOAP 1.2 part 1 sections 2.4 and 5.2.3, SOAP 1.1 section 4.2.3. Blocks for other nodes are left alone."""
    must, role = f"{{{env}}}mustUnderstand", f"{{{env}}}{'role' if env == ENV12 else 'actor'}"
    for block in header:
        if (
            block.get(must, "").strip() in ("1", "true")
            and not block.tag.startswith(_UNDERSTOOD)
            and block.get(role, "").strip() in _OUR_ROLES
        ):
            return _split(block)[1]
    return ""


def _username_token(header: RequestElement) -> UsernameToken | None:
    tokens = (security.find(_USERNAME_TOKEN) for security in header.findall(_SECURITY))
    token = next((found for found in tokens if found is not None), None)
    if token is None:
        return None
    password = token.find(_PASSWORD)
    kind: Literal["digest", "text", "none"] = "none"
    if password is not None:
        # A missing Type means clear text (UsernameToken Profile 1.0, section 3.1).
        # Only the end of the URI is compared, since clients write its version part differently.
        kind = "digest" if password.get("Type", "").endswith("#PasswordDigest") else "text"
    text = "" if password is None else password.text or ""
    # It belongs to wsu, but some clients put it into wsse.
    created = next((child for child in token if child.tag.rpartition("}")[2] == "Created"), None)
    return UsernameToken(
        username=_text(token, _USERNAME) or "",
        password=text if kind == "text" else text.strip(),  # a password may begin with a space
        password_type=kind,
        nonce=_text(token, _NONCE),
        created=None if created is None else (created.text or "").strip(),
    )


# Building --------------------------------------------------------------------------------------------------


def el(name: str, *content: Element | str | None, **attributes: str) -> Element:
    """Element `name` ("tt:Uri") with text and children in order; None is left out. Attributes have no namespace."""
    prefix, _, local = name.rpartition(":")
    namespace = PREFIXES[prefix] if prefix else None
    tag = f"{{{namespace}}}{local}" if namespace else local
    element = etree.Element(tag, attributes, nsmap={prefix: namespace} if namespace else None)
    for part in content:
        if isinstance(part, str):
            element.text = part
        elif part is not None:
            element.append(part)
    return element


_PREFIXES_11 = {**PREFIXES, "env": ENV11}


def envelope(
    body: Element | None,
    *,
    header: Iterable[Element] = (),
    text_prefixes: Iterable[str] = (),
    version: Version = "1.2",
) -> bytes:
    """The finished document: UTF-8, starting with the XML declaration, same bytes for the same content.

    Unused namespaces are left out; `text_prefixes` names those that occur only inside text (topics, fault codes)."""
    prefixes = PREFIXES if version == "1.2" else _PREFIXES_11
    env = prefixes["env"]
    root = etree.Element(f"{{{env}}}Envelope", nsmap=prefixes)
    blocks = list(header)
    if blocks:
        head = etree.SubElement(root, f"{{{env}}}Header")
        head.extend(blocks)
    content = etree.SubElement(root, f"{{{env}}}Body")
    if body is not None:
        content.append(body)
    etree.cleanup_namespaces(root, top_nsmap=prefixes, keep_ns_prefixes=list(text_prefixes))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
