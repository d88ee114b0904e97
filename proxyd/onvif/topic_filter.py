"""Topic expressions of subscriptions: read, then asked of topics. Pure and bounded.

Dialects Concrete (WS-Topics section 8.2) and ConcreteSet (ONVIF Core section 9.4.3): paths joined by `|`, each may end
in `//.`, "and all below". Recorders write `*` for one level although neither dialect has it: understood, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .namespaces import TOPICS

CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
MAX_CHARS = 4096
_BELOW = "//."
_STEP = re.compile(r"(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*|\*)")
# Root topics of the ONVIF namespace. A filter for one that this camera does not have waits in vain, and does no harm;
# refusing it would keep recorders with a fixed list from all other events.
_STANDARD_ROOTS = frozenset(
    {"*", "Advancedsecurity", "AccessControl", "AudioAnalytics", "AudioEncoder", "AudioSource", "Configuration"}
    | {"Device", "Display", "Door", "Media", "Monitoring", "PTZController", "Receiver", "RecordingConfig"}
    | {"RecordingHistory", "RuleEngine", "Schedule", "Trigger", "UserAlarm", "VideoAnalytics", "VideoEncoder"}
    | {"VideoSource"}
)


class UnknownDialect(ValueError):
    """The expression is in a language that is not spoken here."""


class TopicUnknown(ValueError):
    """Well-formed, but no camera has such a topic."""


@dataclass(frozen=True, slots=True)
class _Path:
    """Names of the levels from the root; `below`: and everything under it."""

    levels: tuple[str, ...]
    below: bool

    def matches(self, levels: tuple[str, ...]) -> bool:
        if len(levels) != len(self.levels) and not (self.below and len(levels) > len(self.levels)):
            return False
        return all(want in ("*", level) for want, level in zip(self.levels, levels, strict=False))


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """Matches when one of its paths does; without any, always."""

    paths: tuple[_Path, ...] = ()

    def matches(self, topic: str) -> bool:
        """`topic` as in a CameraEvent: "tns1:VideoSource/MotionAlarm"."""
        if not self.paths:
            return True
        levels = tuple(level.rpartition(":")[2] for level in topic.split("/"))
        return any(path.matches(levels) for path in self.paths)


def parse_topics(text: str, dialect: str | None, prefixes: Mapping[str, str], known: Iterable[str]) -> TopicFilter:
    """`prefixes` are those in scope of the expression, `known` the roots of this camera's topics besides the standard
    ones. Raises UnknownDialect, TopicUnknown, and ValueError for what is no topic expression."""
    if dialect not in (None, "", CONCRETE, CONCRETE_SET):
        raise UnknownDialect("only the topic dialects Concrete and ConcreteSet are understood")
    if len(text) > MAX_CHARS:
        raise ValueError(f"the topic expression is longer than {MAX_CHARS} characters")
    roots = _STANDARD_ROOTS | frozenset(known)
    paths = [_parse_path(part.strip(), prefixes, roots) for part in text.split("|")]
    if None in paths and not any(paths):
        raise TopicUnknown("this camera has no such topic")
    return TopicFilter(tuple(path for path in paths if path is not None))


def _parse_path(text: str, prefixes: Mapping[str, str], roots: frozenset[str]) -> _Path | None:
    """None for a topic that cannot be here. Raises ValueError."""
    below = text.endswith(_BELOW)
    steps = [_STEP.fullmatch(step) for step in text.removesuffix(_BELOW).split("/")]
    names: list[str] = []
    for step in steps:
        if step is None:
            raise ValueError("that is not a topic expression")
        if step[1] is not None and step[1] not in prefixes and step[1] != "tns1":
            raise ValueError(f"the prefix {step[1][:32]!r} is not declared")
        names.append(step[2])
    # Many clients leave the prefix out, or write tns1 without declaring it: both mean ONVIF's topics.
    prefix = steps[0][1] if steps[0] is not None else None
    foreign = prefix is not None and prefixes.get(prefix, TOPICS) != TOPICS
    if foreign or names[0] not in roots:
        return None
    return _Path(tuple(names), below)
