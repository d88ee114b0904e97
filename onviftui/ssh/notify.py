"""sd_notify(3): tells systemd how the SSH server is. Does nothing elsewhere."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(state: str) -> None:
    """`state` like "READY=1". Never raises: a lost notification harms nobody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), name)
