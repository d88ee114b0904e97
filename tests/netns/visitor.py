"""A recorder's visit to every camera of a stand_in: all that makes a camera send frames. Run as a program.

Arguments: the interface to send multicast on ("" for none: behind a router), then the addresses. Prints JSON:
per kind of exchange the addresses that it worked with.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections import defaultdict

from .stand_in import DISCOVERY, GROUP

_TIMEOUT_S = 30.0
_REFUSAL_S = 5.0  # the kernel refuses at once, or never
_AT_ONCE = 32
_ECHO = struct.pack("!BBHHH", 8, 0, 0xF7FE, 1, 0)

Answered = dict[str, set[str]]


async def _http(address: str) -> str:
    reader, writer = await asyncio.open_connection(address, 80)
    writer.write(b"GET / HTTP/1.0\r\n")
    page = await reader.read()
    writer.close()
    return page.split()[-1].decode()


async def _rtsp(address: str) -> tuple[str, str]:
    """Over TCP, and three datagrams back over UDP."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.setblocking(False)
        media.bind(("", 0))
        reader, writer = await asyncio.open_connection(address, 554)
        writer.write(b"udp %d\r\n" % media.getsockname()[1])
        await reader.readline()
        for _ in range(3):
            sent, peer = await loop.sock_recvfrom(media, 100)
        writer.close()
    return peer[0], sent.decode()


async def refused(address: str) -> bool:
    try:
        await asyncio.open_connection(address, 9)
    except ConnectionRefusedError:
        return True
    return False


async def echo(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.setblocking(False)
        raw.connect((address, 0))
        raw.send(_ECHO)
        while (await asyncio.get_running_loop().sock_recv(raw, 100))[20] != 0:
            pass
    return True


async def _unicast_probe(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        asker.bind(("", 0))
        asker.sendto(b"probe", (address, DISCOVERY))
        answer, peer = await asyncio.get_running_loop().sock_recvfrom(asker, 100)
    return (answer.decode(), peer) == (f"match {address}", (address, DISCOVERY))


async def _visit(address: str, answered: Answered, gate: asyncio.Semaphore) -> None:
    async def note(kind: str, right: bool) -> None:
        if right:
            answered[kind].add(address)

    async with gate:
        for kind, exchange, timeout_s in (
            ("refused", refused, _REFUSAL_S),
            ("echo", echo, _TIMEOUT_S),
            ("unicast probe", _unicast_probe, _TIMEOUT_S),
        ):
            try:
                async with asyncio.timeout(timeout_s):
                    await note(kind, await exchange(address))
            except (OSError, TimeoutError):
                pass
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await note("http", await _http(address) == address)
                await note("rtsp", await _rtsp(address) == (address, address))
        except (OSError, TimeoutError):
            pass


async def _multicast_probe(link: str, count: int, answered: Answered) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        asker.bind(("", 0))
        out = struct.pack("=4s4si", bytes(4), bytes(4), socket.if_nametoindex(link))
        asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, out)
        asker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        asker.sendto(b"probe", (GROUP, DISCOVERY))
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while len(answered["multicast probe"]) < count:
                    answer, peer = await asyncio.get_running_loop().sock_recvfrom(asker, 100)
                    if answer.decode() == f"match {peer[0]}":
                        answered["multicast probe"].add(peer[0])
        except TimeoutError:
            pass


async def visit(link: str, addresses: list[str]) -> Answered:
    answered: Answered = defaultdict(set)
    gate = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_visit(address, answered, gate) for address in addresses))
    if link:
        await _multicast_probe(link, len(addresses), answered)
    return answered


if __name__ == "__main__":
    result = asyncio.run(visit(sys.argv[1], sys.argv[2:]))
    print(json.dumps({kind: sorted(addresses) for kind, addresses in result.items()}))
