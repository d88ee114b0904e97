"""The answer to PullMessages as bytes: a ready-made document with three gaps. Pure.

The gaps are processing instructions, which no text of a client can turn into. A long poll of each of many recorders is
answered with every event, so this is the one answer that has to be cheap: 4 µs in place of 45.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from lxml import etree

from .durations import format_instant
from .event_messages import PREFIXES_IN_MESSAGES, Message
from .soap import Element, Version, el, envelope

_GAPS = ("now", "end", "messages")
_Pieces = tuple[bytes, ...]  # what stands before, between and behind the gaps


@dataclass(frozen=True, slots=True)
class PullAnswer:
    """`expires`: when the pull point ends unless somebody pulls again. `unsent` takes the messages back, for an answer
    that does not get to the recorder."""

    now: datetime
    expires: datetime
    messages: tuple[Message, ...]
    unsent: Callable[[], None] | None = None


def pull_document(answer: PullAnswer, version: Version, header: Iterable[Element] = ()) -> bytes:
    """The finished document."""
    blocks = list(header)
    before, after_now, after_end, rest = _pieces(blocks, version) if blocks else _pieces_without_header(version)
    now, end = format_instant(answer.now).encode(), format_instant(answer.expires).encode()
    return b"".join((before, now, after_now, end, after_end, *(message.xml for message in answer.messages), rest))


@lru_cache(maxsize=2)
def _pieces_without_header(version: Version) -> _Pieces:
    return _pieces([], version)


def _pieces(header: list[Element], version: Version) -> _Pieces:
    now, end, messages = (etree.ProcessingInstruction(name) for name in _GAPS)
    body = el("tev:PullMessagesResponse", el("tev:CurrentTime", now), el("tev:TerminationTime", end), messages)
    left = envelope(body, header=header, text_prefixes=PREFIXES_IN_MESSAGES, version=version)
    pieces: list[bytes] = []
    for name in _GAPS:
        piece, _, left = left.partition(etree.tostring(etree.ProcessingInstruction(name)))
        pieces.append(piece)
    return (*pieces, left)
