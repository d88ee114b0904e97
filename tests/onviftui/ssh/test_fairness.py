"""What one connection may make the front do, on real sockets and real compression."""

from __future__ import annotations

import asyncio
import socket
import zlib

from onviftui.ssh.fairness import listen_fairly
from onviftui.ssh.inflating import LARGEST, BoundedInflater, Deflater
from onviftui.ssh.remote import is_ui
from onviftui.ssh.settings import Settings


class Answering(asyncio.Protocol):
    """Answers each byte with a thousand, as asyncssh answers requests: whether anybody takes them or not."""

    def __init__(self) -> None:
        self.largest = self.heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        listen_fairly(self, transport, Settings())

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        self.largest = max(self.largest, len(data))
        self.heard += len(data)
        self.transport.write(bytes(1000 * len(data)))

    def resume_writing(self) -> None:
        self.transport.resume_reading()


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


def test_what_was_compressed_comes_out_again_up_to_a_bound() -> None:
    deflater, inflater = Deflater(), BoundedInflater()
    for text in (b"abc", bytes(LARGEST), b"abc" * 1000):
        assert inflater.decompress(deflater.compress(text)) == text
    assert BoundedInflater().decompress(zlib.compress(bytes(LARGEST + 1))) is None
    assert BoundedInflater().decompress(b"no stream at all") is None


def test_options_without_a_noun_are_the_ui() -> None:
    assert is_ui([]) and is_ui(["--no-mouse"])
    assert not is_ui(["camera", "list"]) and not is_ui(["--json", "log", "tail"])
