"""What cameras do with the network, without being cameras: for tests of interfaces alone. Run as a program.

Arguments: one `name=address` per camera. Per camera it listens on ports 80 and 554, answers datagrams to port 3702
of the WS-Discovery group and of its own, and says hello to the group. Prints `ready`.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
import sys

GROUP, DISCOVERY = "239.255.255.250", 3702
_IP_MULTICAST_ALL = 49


class _Answers(asyncio.DatagramProtocol):
    """Answers `probe` with `match ADDRESS` from the camera's own socket."""

    def __init__(self, sender: socket.socket, address: str) -> None:
        self._sender, self._address = sender, address

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        if data.startswith(b"probe"):
            self._sender.sendto(f"match {self._address}".encode(), peer)


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    address = writer.get_extra_info("sockname")[0]
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + address.encode() + b"\n" * 3000)
    await writer.drain()
    writer.close()


async def _rtsp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`udp PORT` sends three datagrams there; every line is answered."""
    while line := await reader.readline():
        address, peer = writer.get_extra_info("sockname")[0], writer.get_extra_info("peername")[0]
        if line.startswith(b"udp "):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
                media.bind((address, 0))
                for _ in range(3):
                    media.sendto(address.encode(), (peer, int(line[4:])))
        writer.write(b"RTSP/1.0 200 OK\r\n")
        await writer.drain()
    writer.close()


def _sockets(name: str, address: str) -> tuple[socket.socket, socket.socket]:
    member = struct.pack("=4s4si", socket.inet_aton(GROUP), bytes(4), socket.if_nametoindex(name))
    group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    group.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
    group.bind((GROUP, DISCOVERY))
    group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((address, DISCOVERY))
    own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, member)
    own.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    for made in (group, own):
        made.setblocking(False)
    return group, own


async def serve(cameras: list[tuple[str, str]]) -> None:
    loop = asyncio.get_running_loop()
    keep: list[object] = []
    for name, address in cameras:
        keep.append(await asyncio.start_server(_http, address, 80))
        keep.append(await asyncio.start_server(_rtsp, address, 554))
        group, own = _sockets(name, address)
        answers = functools.partial(_Answers, own, address)
        keep.append(await loop.create_datagram_endpoint(answers, sock=group))
        keep.append(await loop.create_datagram_endpoint(answers, sock=own))
        own.sendto(f"hello {address}".encode(), (GROUP, DISCOVERY))
    print("ready", flush=True)
    await asyncio.Event().wait()
    del keep


if __name__ == "__main__":
    pairs = [tuple(word.split("=", 1)) for word in sys.argv[1:]]
    asyncio.run(serve([(name, address) for name, address in pairs]))
