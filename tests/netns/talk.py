"""Short TCP conversations between two machines, held from this process by sockets of their namespaces."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from .lan import Namespace


@contextmanager
def listening(machine: Namespace, address: str, port: int) -> Iterator[socket.socket]:
    with machine.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, port))
        server.listen()
        server.settimeout(20)
        yield server


def talk(client: Namespace, server: Namespace, address: str, port: int = 7777, said: bytes = b"hello" * 100) -> str:
    """The address that the server saw the client come from. Raises OSError when they cannot talk."""
    with listening(server, address, port) as waiting, client.socket(socket.AF_INET, socket.SOCK_STREAM) as asker:
        asker.settimeout(20)
        asker.connect((address, port))
        asker.sendall(said)
        asker.shutdown(socket.SHUT_WR)
        connection, peer = waiting.accept()
        with connection:
            connection.settimeout(20)
            heard = b""
            while octets := connection.recv(65536):
                heard += octets
            assert heard == said
            connection.sendall(heard)
        answer = b""
        while octets := asker.recv(65536):
            answer += octets
        assert answer == said
    return str(peer[0])


def can_reach(client: Namespace, address: str, port: int, timeout_s: float = 3.0) -> bool:
    """Whether a connection to something that listens already comes about."""
    with client.socket(socket.AF_INET, socket.SOCK_STREAM) as asker:
        asker.settimeout(timeout_s)
        try:
            asker.connect((address, port))
        except OSError:
            return False
    return True
