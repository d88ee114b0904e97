"""XML of an exchange as it may be shown, without secrets. Pure.

It is read by a parser and written anew, so that no comment, section or entity hides where an element ends. Nothing is
shown of elements that carry a secret; of those round accounts, signatures and keys (`_CAREFUL`) only what is listed.
Comments, processing instructions and what follows a mistake in the document are left out everywhere.
"""

from __future__ import annotations

import re
from enum import IntEnum
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from .raw_text import GONE, cleaned

_SECRET = re.compile(
    r"pass|pwd|secret|nonce|credential|privat|psk|api.?key|signature|cipher|digest|assertion|binarysecurity"
    r"|authorization|cookie|pkcs|key$",
    re.I,
)
_CAREFUL = re.compile(r"^security$|usernametoken|users?(?:response)?$|certificate|dot1x|keystore|storage", re.I)
_SHOWN_WITH_CARE = frozenset({"Username", "UserLevel", "CertificateID", "UseDerivedPassword"})
_HARMLESS = frozenset({"true", "false", "0", "1"})
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_HARMLESS_VALUES = _HARMLESS | {
    f"{_WSS}username-token-profile-1.0#PasswordDigest",
    f"{_WSS}username-token-profile-1.0#PasswordText",
    f"{_WSS}soap-message-security-1.0#Base64Binary",
    f"{_WSS}wssecurity-secext-1.0.xsd",
    f"{_WSS}wssecurity-utility-1.0.xsd",
}


class _Show(IntEnum):
    ALL = 0
    LISTED = 1
    NOTHING = 2


class _NotShown(Exception):
    """A document type declaration: entities could be in what follows."""


def shown_xml(text: str, known: tuple[str, ...] = (), *, whole: bool = True) -> str:
    """`text` without what may be secret and without `known` secrets; as far as it is well-formed. `whole`: it was not
    cut off before its end."""
    return _Reader(known).read(text, whole=whole)


class _Reader:
    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = known
        self._said: list[str] = []
        self._text: list[str] = []
        self._inside: list[tuple[str, _Show]] = [("", _Show.ALL)]
        self._empty = False  # nothing came since the last element began
        parser = expat.ParserCreate()
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.CommentHandler = lambda _: self._left_out(f"<!--{GONE}-->")
        parser.ProcessingInstructionHandler = lambda *_: self._left_out(f"<?{GONE}?>")
        parser.XmlDeclHandler = lambda *_: self._said.append('<?xml version="1.0" encoding="UTF-8"?>')
        parser.StartDoctypeDeclHandler = self._doctype
        self._parser = parser

    def read(self, text: str, *, whole: bool) -> str:
        try:
            self._parser.Parse(text.lstrip("\ufeff \t\r\n").encode(), whole)
        except (expat.ExpatError, _NotShown):
            self._said.append("\n(the rest is no XML that can be read, and is not shown)")
        # Text that is not ended yet is not shown: of half an address nobody can tell what in it is secret.
        return "".join(self._said)

    def _start(self, name: str, attributes: list[str]) -> None:
        self._flush()
        local = name.rpartition(":")[2]
        show = max(self._inside[-1][1], _care(local))
        pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
        called = next((value for attribute, value in pairs if attribute == "Name"), "")
        if show is _Show.ALL and _SECRET.search(called):  # <SimpleItem Name="Password" Value="…"/>
            show = _Show.NOTHING
        self._inside.append((local, show))
        said = "".join(f" {attribute}={quoteattr(self._value(attribute, value, show))}" for attribute, value in pairs)
        self._said.append(f"<{name}{said}>")
        self._empty = True

    def _value(self, name: str, value: str, show: _Show) -> str:
        if value in _HARMLESS_VALUES:
            return value
        if show is not _Show.ALL or _SECRET.search(name.rpartition(":")[2]):
            return GONE
        return cleaned(value, self._known)

    def _end(self, name: str) -> None:
        self._flush()
        self._inside.pop()
        if self._empty:
            self._said[-1] = f"{self._said[-1][:-1]}/>"
            self._empty = False
        else:
            self._said.append(f"</{name}>")

    def _left_out(self, instead: str) -> None:
        self._flush()
        self._said.append(instead)
        self._empty = False

    def _doctype(self, *_: object) -> None:
        raise _NotShown

    def _flush(self) -> None:
        if not self._text:
            return
        text = "".join(self._text)
        self._text.clear()
        self._empty = False
        local, show = self._inside[-1]
        if not text.strip() or (text.strip() in _HARMLESS and show is not _Show.NOTHING):
            self._said.append(text)
        elif show is _Show.ALL or (show is _Show.LISTED and local in _SHOWN_WITH_CARE):
            self._said.append(escape(cleaned(text, self._known)))
        else:
            self._said.append(GONE)


def _care(local: str) -> _Show:
    if _SECRET.search(local):
        return _Show.NOTHING
    return _Show.LISTED if _CAREFUL.search(local) else _Show.ALL
