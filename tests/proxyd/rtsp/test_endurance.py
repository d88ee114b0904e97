"""No packet is lost over TCP, whatever the recorder's pace; any bytes leave the server whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import struct
from dataclasses import replace

import pytest

from proxyd.rtsp.messages import Interleaved, format_interleaved
from proxyd.rtsp.parser import RtspParser
from tests.proxyd.rtsp.cameras import AT_ONCE, DEADLINE_S, camera, recorder
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

PACKETS = 20_000


async def send_numbered(nvr: OddNvr) -> None:
    writer = nvr.writers[-1]
    for number in range(PACKETS):
        rtp = struct.pack(">BBHII", 0x80, 96, number & 0xFFFF, number // 10 * 3600, 7)
        key_frame = b"\x65\0\0\0" + number.to_bytes(4, "big") * 296
        writer.write(format_interleaved(0, rtp + key_frame))
        if number % 50 == 0:
            await writer.drain()
    await writer.drain()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_recorder_that_reads_in_jerks_gets_every_packet(seed: int) -> None:
    pick = random.Random(seed)
    async with odd_nvr() as nvr, camera(nvr.port) as (server, seen, url), recorder(server) as client:
        await client.start(f"{url}/main")
        sending = asyncio.create_task(send_numbered(nvr), name="nvr")
        parser = RtspParser()
        numbers: list[int] = []
        async with asyncio.timeout(DEADLINE_S):
            while len(numbers) < PACKETS:
                data = await client.reader.read(pick.choice([100, 5_000, 200_000]))
                for event in parser.feed(data):
                    assert isinstance(event, Interleaved)
                    numbers.append(int.from_bytes(event.payload[16:20], "big"))
                for _ in range(pick.choice([0, 0, 20])):
                    await asyncio.sleep(0)  # lets the data plane run into its limit
            await sending
        assert numbers == list(range(PACKETS))
        async with asyncio.timeout(DEADLINE_S):
            while server.stats()["main"].packets_total < PACKETS:
                await asyncio.sleep(0.01)  # its figures come once a second
        stats = server.stats()["main"]
        assert stats.packets_total == PACKETS and stats.bytes_total == PACKETS * 1204
        assert seen.refusals() == []


VALID = [
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"DESCRIBE rtsp://h/main RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic cmVjb3JkZXI6Y2FtLXMzY3JldA==\r\n\r\n",
    b"SETUP rtsp://h/main/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n"
    b"Authorization: Basic cmVjb3JkZXI6Y2FtLXMzY3JldA==\r\n\r\n",
    b"PLAY rtsp://h/main RTSP/1.0\r\nCSeq: 4\r\n\r\n",
    b"PAUSE rtsp://h/main RTSP/1.0\r\nCSeq: 5\r\n\r\n",
    b"TEARDOWN rtsp://h/main RTSP/1.0\r\nCSeq: 6\r\n\r\n",
    b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\na:b",
    b"$\x01\x00\x04abcd",
]


async def test_any_conversation_leaves_the_server_whole(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    pick = random.Random(7)
    limits = replace(AT_ONCE, half_open_s=0.3, idle_s=0.3, sweep_s=0.05)
    async with odd_nvr() as nvr, camera(nvr.port, limits) as (server, _, url):
        # So that Basic has been offered.
        async with recorder(server) as first:
            await first.ask("DESCRIBE", f"{url}/main")

        async def talk() -> None:
            begin = VALID[: pick.choice([0, 2, 4])]
            data = bytearray(b"".join([*begin, *pick.choices(VALID, k=pick.randrange(1, 8))]))
            for _ in range(pick.choice([0, 0, 1, 3])):
                data[pick.randrange(len(data))] = pick.randrange(256)
            async with recorder(server) as client:
                for at in range(0, len(data), 60):
                    client.writer.write(data[at : at + 60])
                    if pick.random() < 0.1:
                        return  # leaves in the middle
                    await asyncio.sleep(0)
                client.writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 999\r\n\r\n")
                async with asyncio.timeout(DEADLINE_S):
                    with contextlib.suppress(ConnectionError):  # cut off: fine, too
                        while b"CSeq: 999" not in client.wire:
                            more = await client.reader.read(65536)
                            client.wire += more
                            if not more:
                                break

        for _ in range(12):
            await asyncio.gather(*(talk() for _ in range(10)))
        async with asyncio.timeout(DEADLINE_S):
            while server._connections:
                await asyncio.sleep(0)
        assert caplog.records == []
        async with recorder(server) as last:
            await last.start(f"{url}/sub")
    # Some paused and played again, some left before the NVR had answered SETUP.
    assert 5 < nvr.asked("TEARDOWN") <= nvr.asked("SETUP") and nvr.asked("PLAY") > 5
