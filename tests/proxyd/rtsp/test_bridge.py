"""Between TLS and a media process: everything arrives in its order, and who does not read holds up a bounded amount."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from proxyd.rtsp.bridge import Inward, Outward
from proxyd.tls.certificate import server_context

from .cameras import CAMERA_HOST, DEADLINE_S
from .tls_cameras import certificate, trusting

_MOST_BYTES = 1 << 20
_PEER_BYTES = 64 * 1024  # what the kernel may hold for the other end, twice


class End(asyncio.Protocol):
    """Our end of a connection with TLS."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.made = asyncio.Event()
        self.outward: Outward | None = None
        self.inward: Inward | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.made.set()

    def data_received(self, data: bytes) -> None:
        assert self.inward is not None
        self.inward.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.inward is not None:
            self.inward.end()

    def pause_writing(self) -> None:
        if self.outward is not None:
            self.outward.pause()

    def resume_writing(self) -> None:
        if self.outward is not None:
            self.outward.resume()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[End, tuple[str, int]]]:
    """Our end, and where it waits for its peer."""
    end = End()
    context = server_context(certificate())
    server = await asyncio.get_running_loop().create_server(lambda: end, CAMERA_HOST, 0, ssl=context)
    try:
        yield end, server.sockets[0].getsockname()
    finally:
        end.transport.abort()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[End, asyncio.StreamReader, asyncio.StreamWriter]]:
    """Our end, and the peer's."""
    async with listening() as (end, address):
        reader, writer = await asyncio.open_connection(*address, ssl=trusting())
        await end.made.wait()
        yield end, reader, writer
        writer.transport.abort()


def lazy_peer(address: tuple[str, int]) -> ssl.SSLSocket:
    """Reads only when it is told to, and its kernel takes little before that."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _PEER_BYTES)
    sock.settimeout(DEADLINE_S)
    sock.connect(address)
    return trusting().wrap_socket(sock, server_hostname=CAMERA_HOST)


def read_all(peer: ssl.SSLSocket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        received += peer.recv(65536)
    return bytes(received)


def numbered(count: int) -> bytes:
    """Bytes of which no piece is like another."""
    return b"".join(number.to_bytes(4, "big") for number in range(count))


async def push(end: socket.socket, data: bytes, quiet_s: float = 0.3) -> int:
    """Writes as a media process does, until nobody takes more for a while. How much was taken."""
    end.setblocking(False)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)  # as of an outlet
    sent = 0
    while sent < len(data):
        try:
            sent += end.send(data[sent : sent + 65536])
        except BlockingIOError:
            _, writable, _ = await asyncio.to_thread(select.select, [], [end], [], quiet_s)
            if not writable:
                break
    return sent


async def test_outward_a_peer_that_does_not_read_holds_up_less_than_a_mebibyte() -> None:
    data = numbered(1_000_000)
    async with listening() as (end, address):
        with (
            closing(await asyncio.to_thread(lazy_peer, address)) as peer,
            closing(socket.socket(fileno=(outward := await _outward(end)).open())) as media,
        ):
            taken = await push(media, data)
            assert 0 < taken < _MOST_BYTES
            waiting = asyncio.create_task(asyncio.to_thread(read_all, peer, len(data)), name="peer")
            assert await push(media, data[taken:], DEADLINE_S) == len(data) - taken
            assert await waiting == data
            assert outward.active


async def _outward(end: End) -> Outward:
    await end.made.wait()
    end.outward = Outward(end.transport)
    return end.outward


async def test_outward_what_is_said_comes_behind_what_was_sent_and_before_what_follows() -> None:
    async with connection() as (end, reader, _):
        end.outward = outward = Outward(end.transport)
        outward.write(b"first.")
        for turn in range(3):
            data = numbered(40_000)
            with closing(socket.socket(fileno=outward.open())) as media:
                media.sendall(data)
                outward.write(b"answer.")
                assert outward.active
            if turn == 0:
                assert await asyncio.wait_for(reader.readexactly(6), DEADLINE_S) == b"first."
            if turn < 2:  # the next one begins, or the end comes, before anything was moved
                assert await asyncio.wait_for(reader.readexactly(len(data) + 7), DEADLINE_S) == data + b"answer."
        outward.close()
        assert not outward.active
        assert await asyncio.wait_for(reader.readexactly(len(data) + 7), DEADLINE_S) == data + b"answer."


async def test_outward_a_media_process_that_never_lets_go_does_not_make_answers_pile_up() -> None:
    async with connection() as (end, reader, _):
        end.outward = Outward(end.transport)
        with closing(socket.socket(fileno=end.outward.open())) as media:
            for _ in range(300):
                end.outward.write(bytes(1024))
            assert not end.outward.active
            await asyncio.wait_for(reader.readexactly(300 * 1024), DEADLINE_S)
            assert media.recv(1) == b""


async def test_inward_a_media_process_that_does_not_read_holds_up_less_than_a_mebibyte() -> None:
    async with connection() as (end, _, writer):
        end.inward = Inward(end.transport)
        data = numbered(1_000_000)
        with closing(socket.socket(fileno=end.inward.descriptor)) as media:
            writer.transport.set_write_buffer_limits(high=0)
            taken = 0
            for at in range(0, len(data), 65536):
                writer.write(data[at : at + 65536])
                taken = at
                try:
                    await asyncio.wait_for(writer.drain(), 1)
                except TimeoutError:
                    break
            assert taken < _MOST_BYTES
            writer.write(data[taken + 65536 :])
            media.settimeout(DEADLINE_S)
            received = bytearray()
            while len(received) < len(data):
                received += await asyncio.to_thread(media.recv, 65536)
            assert received == data
            writer.close()
            assert await asyncio.to_thread(media.recv, 1) == b"", "the end comes after all that came before"


async def test_inward_a_media_process_that_is_gone_does_not_keep_the_connection_from_being_read() -> None:
    async with connection() as (end, _, writer):
        end.inward = Inward(end.transport)
        os.close(end.inward.descriptor)
        for _ in range(64):
            writer.write(bytes(65536))
            await asyncio.wait_for(writer.drain(), DEADLINE_S)
