"""What somebody far away may type. Pure: the command line is ours alone, there is no shell behind it."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from proxyd.errors import InvalidInput, NotAllowed

_ONLY_HERE = {"ssh": "The SSH server is started on the box itself.", "demo": "The demo is for your own machine."}
_STREAMS = "Use - and your own files: ssh … camera snapshot 1 -o - > picture.jpg"


def split_words(command: str) -> list[str]:
    """As a shell would take it apart, and nothing else that a shell does. Raises InvalidInput."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise InvalidInput("A quotation mark is not closed.", "Check the command.") from None
    if any("\0" in word for word in words):
        raise InvalidInput("There is a zero byte in the command.", "Check the command.")
    return words[1:] if words[:1] == ["onviftui"] else words


def is_ui(words: list[str]) -> bool:
    """Options without a noun, such as --no-mouse, are the UI's."""
    return all(word.startswith("-") for word in words)


def refuse_local(args: argparse.Namespace) -> None:
    """Raises NotAllowed for what would use the box's own files or processes."""
    if args.noun in _ONLY_HERE:
        raise NotAllowed(_ONLY_HERE[args.noun], "Log in there, or leave it out.")
    if getattr(args, "socket", None) is not None:
        raise NotAllowed("--socket cannot be chosen by SSH.", "Leave it out.")
    for value in vars(args).values():
        several = value if isinstance(value, list) else [value]
        if any(isinstance(one, Path) and str(one) != "-" for one in several):
            raise NotAllowed("Files of the box cannot be read or written by SSH.", _STREAMS)
