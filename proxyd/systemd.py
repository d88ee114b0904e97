"""sd_notify(3): tells systemd that the daemon is ready or stopping. Does nothing elsewhere."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """`state` like "READY=1" or "STATUS=8 cameras run". Never raises: a lost notification harms nobody."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(state.encode(), address)
    except OSError:
        pass
