"""Message content filters: the boolean part of XPath that ONVIF prescribes (Core section 9.4.4, ItemFilter). Pure.

    boolean(//tt:SimpleItem[@Name="Rule" and @Value="Human"]) and not(boolean(//tt:SimpleItem[@Value="false"]))

Items may be asked for wherever they stand in a message. Bounded in length and depth; nothing here is an XPath engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxyd.camera.events import CameraEvent

from .namespaces import SCHEMA

ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
MAX_CHARS = 2048
_MAX_DEPTH = 24
_TOKEN = re.compile(
    r"""\s*(?:(?P<symbol>//|[()\[\]=]|@Name\b|@Value\b)|(?P<string>"[^"]*"|'[^']*')"""
    r"""|(?P<name>(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*))"""
)

# What an item is asked: (element name, Name, Value); a message is its items.
_Item = tuple[str, str, str]
_Test = Callable[[_Item], bool]
_Condition = Callable[[tuple[_Item, ...]], bool]


@dataclass(frozen=True, slots=True)
class ContentFilter:
    """Equal when the texts are; made by `parse_content`."""

    text: str
    _condition: _Condition

    def matches(self, event: CameraEvent) -> bool:
        return self._condition(tuple(("SimpleItem", name, value) for name, value in (*event.source, *event.data)))


def parse_content(text: str, prefixes: Mapping[str, str]) -> ContentFilter:
    """`prefixes` are those in scope of the expression. Raises ValueError with the reason."""
    if len(text) > MAX_CHARS:
        raise ValueError(f"the filter is longer than {MAX_CHARS} characters")
    return ContentFilter(text, _Parser(_tokens(text), prefixes).whole())


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"it cannot be read at character {position + 1}")
        tokens.append(match[match.lastgroup or 0])
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent; `or` binds weaker than `and`, as in XPath 1.0 section 3.4."""

    def __init__(self, tokens: list[str], prefixes: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._next = 0
        self._prefixes = prefixes
        self._depth = 0

    def whole(self) -> _Condition:
        condition = self._either()
        if self._next < len(self._tokens):
            raise ValueError(f"nothing may follow before {self._tokens[self._next][:32]!r}")
        return condition

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self, wanted: str) -> None:
        if self._peek() != wanted:
            raise ValueError(f"{wanted} is missing before {self._peek()[:32] or 'the end'!r}")
        self._next += 1

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} deep")

    # Of messages -------------------------------------------------------------------------------------------------

    def _either(self) -> _Condition:
        parts = [self._both()]
        while self._peek() == "or":
            self._next += 1
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda items: any(part(items) for part in parts)

    def _both(self) -> _Condition:
        parts = [self._one()]
        while self._peek() == "and":
            self._next += 1
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda items: all(part(items) for part in parts)

    def _one(self) -> _Condition:
        self._enter()
        word = self._peek()
        self._next += 1
        if word == "boolean":
            self._take("(")
            inner = self._path()
            self._take(")")
        elif word == "not":
            self._take("(")
            negated = self._either()
            self._take(")")
            inner = lambda items: not negated(items)  # noqa: E731 - each alternative is a function of the items
        elif word == "(":
            inner = self._either()
            self._take(")")
        else:
            raise ValueError(f"boolean(…), not(…) or (…) must stand where {word[:32] or 'the end'!r} is")
        self._depth -= 1
        return inner

    def _path(self) -> _Condition:
        self._take("//")
        prefix, _, name = self._peek().rpartition(":")
        self._next += 1
        if name not in ("SimpleItem", "ElementItem"):
            raise ValueError("only //tt:SimpleItem and //tt:ElementItem can be asked for")
        if prefix and self._prefixes.get(prefix, SCHEMA if prefix == "tt" else "") != SCHEMA:
            raise ValueError(f"the prefix {prefix[:32]!r} does not stand for {SCHEMA}")
        self._take("[")
        test = self._any_test()
        self._take("]")
        return lambda items: any(item[0] == name and test(item) for item in items)

    # Of one item ---------------------------------------------------------------------------------------------------

    def _any_test(self) -> _Test:
        parts = [self._all_tests()]
        while self._peek() == "or":
            self._next += 1
            parts.append(self._all_tests())
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def _all_tests(self) -> _Test:
        parts = [self._test()]
        while self._peek() == "and":
            self._next += 1
            parts.append(self._test())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _test(self) -> _Test:
        self._enter()
        word = self._peek()
        self._next += 1
        if word in ("@Name", "@Value"):
            inner = self._comparison(1 if word == "@Name" else 2)
        elif word == "not":
            self._take("(")
            negated = self._any_test()
            self._take(")")
            inner = lambda item: not negated(item)  # noqa: E731 - as above
        elif word == "(":
            inner = self._any_test()
            self._take(")")
        else:
            raise ValueError(f"@Name or @Value must stand where {word[:32] or 'the end'!r} is")
        self._depth -= 1
        return inner

    def _comparison(self, field: int) -> _Test:
        self._take("=")
        text = self._peek()
        self._next += 1
        if len(text) < 2 or text[0] not in "\"'":
            raise ValueError('a value in quotes must follow "="')
        wanted = text[1:-1]
        return lambda item: item[field] == wanted
