"""Which program holds a TCP port: /proc/net/tcp gives the socket's inode, /proc/PID/fd its owner (proc(5)).

Only called after a failed bind. Programs of other users stay unnamed unless proxyd may look at them.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"


def port_holder(address: str, port: int, proc: Path = Path("/proc")) -> str | None:
    """Like "nginx (pid 812)", or None when nobody is found."""
    inode = _listening_inode(address, port, proc)
    if inode is None:
        return None
    wanted = f"socket:[{inode}]"
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):
            for descriptor in (folder / "fd").iterdir():
                if str(descriptor.readlink()) == wanted:
                    return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
    return None


def _listening_inode(address: str, port: int, proc: Path) -> str | None:
    # The address is one 32-bit word in host byte order.
    word = struct.unpack("=I", socket.inet_aton(address))[0]
    wanted = {f"{word:08X}:{port:04X}", f"00000000:{port:04X}"}
    with suppress(OSError):
        for line in (proc / "net" / "tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] in wanted and fields[3] == _LISTEN:
                return fields[9]
    return None
