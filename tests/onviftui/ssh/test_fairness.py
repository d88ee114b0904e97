"""What one connection may make the front do, on real sockets and real compression."""

from __future__ import annotations

import asyncio
import socket
import zlib

from onviftui.ssh.fairness import Listening
from onviftui.ssh.inflating import LARGEST, BoundedInflater, Deflater
from onviftui.ssh.limits import Exchanges
from onviftui.ssh.remote import is_ui
from onviftui.ssh.settings import Settings


class Answering(asyncio.Protocol):
    """Answers each byte with a thousand, as asyncssh answers requests: whether anybody takes them or not."""

    def __init__(self) -> None:
        self.largest = self.heard = self.exchanges = 0
        self.waits: list[float] = []  # of the next exchanges

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.listening = Listening(self, transport, Settings(), lambda: self.waits.pop(0) if self.waits else 0.0)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        self.largest = max(self.largest, len(data))
        self.heard += len(data)
        self.transport.write(bytes(1000 * len(data)))

    def resume_writing(self) -> None:
        self.listening.answers_taken()

    def _send_kexinit(self) -> None:
        self.exchanges += 1


async def test_who_does_not_take_the_answers_is_not_heard_until_he_does() -> None:
    theirs, ours = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_connection(Answering, sock=ours)
    reader, writer = await asyncio.open_connection(sock=theirs, limit=1000)
    try:
        writer.write(bytes(64 * 1024))
        while transport.is_reading():
            await asyncio.sleep(0)
        assert server.largest == server.heard == Settings().receive_chunk
        read = 0
        while read < 64 * 1024 * 1000:
            read += len(await asyncio.wait_for(reader.read(1 << 20), 10))
        assert server.heard == 64 * 1024
    finally:
        writer.close()
        transport.close()
        await writer.wait_closed()


async def test_a_key_exchange_that_has_to_wait_is_not_begun_before() -> None:
    theirs, ours = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_connection(Answering, sock=ours)
    with theirs:
        theirs.setblocking(False)
        server.waits = [0.1, 0.1]
        await loop.sock_sendall(theirs, b"x")
        while transport.is_reading():
            await asyncio.sleep(0)
        assert server.heard == 0
        server.resume_writing()
        assert not transport.is_reading(), "what waits for another reason goes on waiting"
        assert len(await asyncio.wait_for(loop.sock_recv(theirs, 5000), 10)) == 1000
        assert (server.heard, transport.is_reading()) == (1, True)
        server._send_kexinit()  # the first, which was waited for
        assert transport.is_reading()
        server._send_kexinit()  # once more on the same connection
        assert (server.exchanges, transport.is_reading()) == (2, False)
        await loop.sock_sendall(theirs, b"x")
        assert len(await asyncio.wait_for(loop.sock_recv(theirs, 5000), 10)) == 1000
        assert not server.waits
        transport.close()


async def test_who_goes_while_he_waits_leaves_nothing() -> None:
    theirs, ours = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_connection(Answering, sock=ours)
    server.waits = [0.05]
    theirs.sendall(b"x")
    while transport.is_reading():
        await asyncio.sleep(0)
    theirs.close()
    server.listening.close()
    transport.close()
    gone = asyncio.Event()
    loop.call_later(0.1, gone.set)
    await gone.wait()
    assert server.heard == 0


def test_key_exchanges_have_a_pace_for_each_address() -> None:
    exchanges = Exchanges(addresses=4, free=3, per_s=2.0, longest_s=5.0)
    assert [exchanges.wait("10.0.0.1", 0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert exchanges.wait("10.0.0.2", 0.0) == 0.0, "others do not wait"
    assert exchanges.wait("10.0.0.1", 2.5) == 0.0, "what is over is forgotten"
    assert max(exchanges.wait("10.0.0.1", 3.0) for _ in range(100)) == 5.0
    for _ in range(20):  # somebody who logs in each time
        assert exchanges.wait("10.0.0.3", 9.0) == 0.0
        exchanges.give_back("10.0.0.3", 9.0)
    for number in range(10):
        exchanges.wait(f"10.0.1.{number}", 9.0)
    assert len(exchanges) == 4


def test_what_was_compressed_comes_out_again_up_to_a_bound() -> None:
    deflater, inflater = Deflater(), BoundedInflater()
    for text in (b"abc", bytes(LARGEST), b"abc" * 1000):
        assert inflater.decompress(deflater.compress(text)) == text
    assert BoundedInflater().decompress(zlib.compress(bytes(LARGEST + 1))) is None
    assert BoundedInflater().decompress(b"no stream at all") is None


def test_options_without_a_noun_are_the_ui() -> None:
    assert is_ui([]) and is_ui(["--no-mouse"])
    assert not is_ui(["camera", "list"]) and not is_ui(["--json", "log", "tail"])
