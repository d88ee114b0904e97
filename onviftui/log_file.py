"""Writes entries of a log to a file of the user's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from proxyd.errors import ProxyError

from .text_file import typed_path


def write_new_file(typed: str, lines: Iterable[str]) -> Path:
    """The path that was written. Raises ProxyError; what is there already is never touched."""
    path = typed_path(typed)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as out:
            out.writelines(lines)
    except FileExistsError:
        raise ProxyError(f"{path} is there already.", "Choose another name; nothing was written.") from None
    except OSError as error:
        raise ProxyError(f"Cannot write {path}: {error.strerror or error}.", "Choose another place.") from None
    return path
