"""How large a cell is, where the terminal told the kernel, or the SSH client the server. With the window's margins."""

from __future__ import annotations

import fcntl
import struct
import termios

from .capability import cell_size


def kernel_cell(terminal: int) -> tuple[int, int] | None:
    """Width and height in pixels; None where nobody told."""
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return None
    return cell_size(width // columns, height // rows) if rows and columns else None
