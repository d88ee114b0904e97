"""Content filters mean what a real XPath engine says of the rendered message."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxyd.camera.events import CameraEvent
from proxyd.onvif.content_filter import parse_content
from proxyd.onvif.event_messages import notification_message
from proxyd.onvif.namespaces import SCHEMA

from .builders import NOW

_PREFIXES = {"tt": SCHEMA, "x": "urn:x"}
_NAMES = st.sampled_from(["Rule", "State", "Source", "a b"])
_VALUES = st.sampled_from(["true", "false", "", "it's", "\u00fc"])
_ITEMS = st.lists(st.tuples(_NAMES, _VALUES), max_size=3).map(tuple)


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Combinations as texts; brackets where the grammar wants them, and sometimes without need."""
    pairs = st.tuples(inner, st.sampled_from([" and ", " or ", "  and\n", "\tor "]), inner)
    return st.one_of(pairs.map("".join), inner.map("not({})".format), inner.map("( {} )".format))


_COMPARISONS = st.one_of(st.tuples(st.just("@Name"), _NAMES), st.tuples(st.just("@Value"), _VALUES)).map(
    lambda pair: f"{pair[0]} = {_quoted(pair[1])}"
)
_TESTS = st.recursive(_COMPARISONS, _combined, max_leaves=4)
_ITEM_KINDS = st.sampled_from(["SimpleItem", "SimpleItem", "ElementItem"])
_PATHS = st.tuples(_ITEM_KINDS, _TESTS).map(lambda pair: f"boolean(//tt:{pair[0]}[{pair[1]}])")
_EXPRESSIONS = st.recursive(_PATHS, _combined, max_leaves=4)


@given(_EXPRESSIONS, _ITEMS, _ITEMS)
@example("boolean(//tt:SimpleItem[@Name='a' or @Name='Rule' and @Value='true'])", (("Rule", "false"),), ())
def test_as_xpath_says(expression: str, source: tuple[tuple[str, str], ...], data: tuple[tuple[str, str], ...]) -> None:
    event = CameraEvent("tns1:A", NOW, source, data)
    engine = notification_message(event).xpath(f"boolean({expression})", namespaces={"tt": SCHEMA})
    assert parse_content(expression, _PREFIXES).matches(event) is engine


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must stand where"),
        ("true()", "boolean"),
        ("//tt:SimpleItem[@Name='a']", "must stand where"),
        ("boolean(//tt:Source[@Name='a'])", "only //tt:SimpleItem"),
        ("boolean(//x:SimpleItem[@Name='a'])", "'x' does not stand for"),
        ("boolean(//tt:SimpleItem[@Name='a'", "] is missing before 'the end'"),
        ("boolean(//tt:SimpleItem[@Name=a])", "in quotes"),
        ("boolean(//tt:SimpleItem[@Name!='a'])", "cannot be read at character"),
        ("boolean(//tt:SimpleItem[@Other='a'])", "cannot be read"),
        ("boolean(//tt:SimpleItem[position()=1])", "cannot be read"),
        ("boolean(//tt:SimpleItem[@Name='a']) boolean(//tt:SimpleItem[@Name='a'])", "nothing may follow"),
        ("(" * 100, "nested more than"),
        ("not(" * 100, "nested more than"),
        ("boolean(//tt:SimpleItem[" + "(" * 100, "nested more than"),
        ("x" * 5000, "longer than"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("(", r"\(").replace("[", r"\[").replace("]", r"\]")):
        parse_content(text, _PREFIXES)


def test_an_item_without_prefix_and_an_undeclared_tt_are_the_schema() -> None:
    event = CameraEvent("tns1:A", NOW, (), (("State", "true"),))
    assert parse_content("boolean(//SimpleItem[@Name='State'])", {}).matches(event)
    assert parse_content("boolean(//tt:SimpleItem[@Value='true'])", {}).matches(event)


@given(st.text(st.sampled_from("@NameValue=\"'()[]/ andornotbl:S"), max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_content(text, _PREFIXES)
    except ValueError as error:
        assert str(error)
