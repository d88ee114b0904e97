"""A port that stays ours while nothing listens on it, so that a restarting device comes back where it was."""

from __future__ import annotations

import socket


class PortReservation:
    """Holds a TCP port by a bound socket that never listens: connections are refused, the kernel gives the port to
    nobody else, and a listener with SO_REUSEADDR may bind it."""

    def __init__(self, host: str, port: int) -> None:
        """Port 0 takes any. Raises OSError when another program listens there."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
        except BaseException:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()
