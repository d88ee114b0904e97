"""Reads a text that the user named: a list of cameras, a certificate. What stands in it is never repeated."""

from __future__ import annotations

import sys
from pathlib import Path

from proxyd.errors import InvalidInput

from .confirm import interruptible

NO_TEXT = ("is not UTF-8 text.", "Is it the right file?")


def typed_path(typed: str) -> Path:
    """What was typed in the UI, where no shell knows `~`, and `-` is a file like others. The home of somebody unknown
    stays as it is, and is not found."""
    try:
        return Path(typed).expanduser().absolute()
    except RuntimeError:
        return Path(typed).absolute()


def read_text(
    file: Path, most_kb: int, *, no_text: tuple[str, str] = NO_TEXT, too_large: str = "Is it the right file?"
) -> str:
    """`-` is standard input. `no_text` is what to say of bytes that are no text, `too_large` what to do then. Raises
    InvalidInput."""
    try:
        with interruptible():
            if str(file) == "-":
                data = sys.stdin.buffer.read(most_kb * 1024 + 1)
            else:
                with file.open("rb") as opened:
                    data = opened.read(most_kb * 1024 + 1)
    except OSError as error:
        raise InvalidInput(f"Cannot read {file}: {error.strerror}.", "Check its name and its rights.") from None
    if len(data) > most_kb * 1024:
        raise InvalidInput(f"{file} is larger than {most_kb} kB.", too_large)
    try:
        text = data.decode()
    except UnicodeError:
        raise InvalidInput(f"{file} {no_text[0]}", no_text[1]) from None
    if not text.strip():
        raise InvalidInput(f"{file} is empty.", "Is it the right file?")
    return text


def read_pem(file: Path) -> str:
    """A certificate, a key or both. Raises InvalidInput."""
    return read_text(
        file, 64, no_text=("is no PEM.", "PEM is text. From DER: openssl x509 (or pkey) -inform der -in FILE")
    )
