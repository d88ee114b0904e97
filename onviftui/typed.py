"""Refusals of the daemon in the words of the command line: what was typed instead of the names of RPC fields. Pure."""

from __future__ import annotations

import argparse

from proxyd.errors import InvalidInput

# RPC field → dest of the option, where the two have different names.
_DESTS = {
    "username": "user",
    "password": "password_stdin",
    "timeout_s": "timeout",
    "clock_window_s": "clock_window",
    "text": "file",
    "number": "raw",
    "camera": "id",
}
_SHOWN = {"password_stdin": "the password"}
_LISTED = "Wrong parameters: "  # how the daemon begins when it only lists fields


def in_typed_words(error: InvalidInput, args: argparse.Namespace) -> InvalidInput:
    """The same refusal, naming options and arguments. `args.leaf` is the parser that read them."""
    leaf: argparse.ArgumentParser | None = getattr(args, "leaf", None)
    if leaf is None or not error.fields:
        return error
    fields = {_shown(name, leaf, args): what for name, what in error.fields.items()}
    message = error.message
    if message.startswith(_LISTED):
        message = "; ".join(f"{name}: {what}" if name else what for name, what in fields.items()) + "."
    hint = error.hint or f"Try '{leaf.prog} --help'."
    return InvalidInput(message, hint, fields)


def _shown(field: str, leaf: argparse.ArgumentParser, args: argparse.Namespace) -> str:
    """ "notify.1" → "--notify 10.9.0.0/99"; a field that no option stands for keeps its name."""
    name, _, entry = field.partition(".")
    dest = _DESTS.get(name, name)
    action = next((action for action in leaf._actions if action.dest == dest), None)
    if action is None:
        return field
    option = _SHOWN.get(dest) or max(action.option_strings, key=len, default=str(action.metavar or dest))
    typed = getattr(args, dest, None)
    words = typed.split(",") if isinstance(typed, str) else typed
    if entry.isdecimal() and isinstance(words, list) and int(entry) < len(words):
        return f"{option} {words[int(entry)]}"
    return option
