"""YAML from a user's file as plain lists, dicts and strings: pure.

Only the safe constructor, and bounds for what anchors, merge keys and nesting can blow up. All scalars stay text: a
camera called `on` or `012` is called that. A tag of another program (`!secret …`) counts as a placeholder.
"""

from __future__ import annotations

from typing import Any

import yaml

from .entry import BadList

MAX_CHARS = 128 * 1024  # fits a request with all that JSON escapes
_MAX_DEPTH = 40
_MAX_NODES = 40_000  # as many as a file of that size can hold, and as many after aliases were followed
_KEPT_TAGS = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:null")
_HINT = "Inside [ ] or { } an address must stand in quotes. Or write the cameras into a CSV list."


class _Loader(yaml.SafeLoader):
    """Bounded while it composes: recursion ends before Python's own limit."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self._depth += 1
        self._nodes += 1
        if self._depth > _MAX_DEPTH or self._nodes > _MAX_NODES:
            raise BadList("The file is nested too deep or too large.", _HINT)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


_Loader.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (kept := [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT_TAGS])
}


def _placeholder(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> str:
    return "${" + suffix + "}"


def _text(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


_Loader.add_multi_constructor("!", _placeholder)
# Also where a tag says otherwise; and PyYAML's own readers break on `!!bool x`, and take seconds for some numbers.
for _kind in ("bool", "int", "float", "timestamp", "binary"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _text)


def load_yaml(text: str) -> Any:
    """dict, list, str or None. Raises BadList; its words never repeat the text, which holds passwords."""
    if len(text) > MAX_CHARS:
        raise BadList(
            f"The file is larger than {MAX_CHARS // 1024} kB.", "Leave out what has nothing to do with cameras."
        )
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {}, set())
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise BadList(f"The file cannot be read as YAML{where}.", _HINT) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        if isinstance(error, BadList):
            raise
        raise BadList("The file cannot be read as YAML.", _HINT) from None


def _measure(node: yaml.Node, known: dict[int, int], above: set[int]) -> int:
    """The number of nodes with every alias followed."""
    if id(node) in known:
        return known[id(node)]
    if id(node) in above:
        raise BadList("The file refers to itself in a circle.", _HINT)
    if isinstance(node, yaml.SequenceNode):
        parts = list(node.value)
    elif isinstance(node, yaml.MappingNode):
        _refuse_doubles(node)
        parts = [part for pair in node.value for part in pair]
    else:
        return 1
    size = 1
    for part in parts:
        size += _measure(part, known, above | {id(node)})
        if size > _MAX_NODES:
            raise BadList("The file's aliases make it too large.", _HINT)
    known[id(node)] = size
    return size


def _refuse_doubles(node: yaml.MappingNode) -> None:
    """YAML allows a key once (1.2.2, section 3.2.1.1); PyYAML would drop the first, a camera perhaps."""
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _KEPT_TAGS[0]:
            continue
        if key.value in seen:
            raise BadList(
                f"In line {key.start_mark.line + 1} is a key that was there before.",
                "Give each entry a name of its own.",
            )
        seen.add(key.value)


def as_dict(value: Any) -> dict[str, Any]:
    """A mapping with text keys, empty for anything else."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def as_number(value: Any, most: int = 1_000_000) -> int:
    """A whole number from text such as "25" or "29.97", 0 for anything else."""
    text = as_text(value)
    try:
        number = round(float(text)) if len(text) <= 12 else 0
    except (ValueError, OverflowError):
        return 0
    return number if 0 < number <= most else 0
