"""A process of its own that plays many RTSP URLs over TCP and checks that no RTP packet is missing.

Reads {"urls": [...], "username", "password", "seconds"} from standard input; prints {"bytes", "packets", "lost"}."""

from __future__ import annotations

import asyncio
import json
import sys

from tests.e2e.frame_counter import FramePlayer


class PacketSink(FramePlayer):
    """Walks the `$` frames itself: at this rate the general parser would be the load."""

    def __init__(self, url: str, username: str, password: str) -> None:
        super().__init__(url, username, password, "H264", keep=0)
        self.bytes = self.packets = self.lost = 0
        self._rest = b""
        self._next: int | None = None

    async def drain(self, seconds: float) -> None:
        await self.play(0)
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            data = await asyncio.wait_for(self._reader.read(1 << 18), 15)
            if not data:
                raise AssertionError("the camera closed the connection")
            self.bytes += len(data)
            self._walk(self._rest + data)
        self._writer.close()

    def _walk(self, data: bytes) -> None:
        at, end = 0, len(data)
        while at + 8 <= end:
            if data[at] != 0x24:
                break  # an RTSP answer in between: none is asked for here
            length = data[at + 2] << 8 | data[at + 3]
            if at + 4 + length > end:
                break
            if data[at + 1] == 0:
                sequence = data[at + 6] << 8 | data[at + 7]
                if self._next is not None:
                    self.lost += (sequence - self._next) & 0xFFFF
                self._next = (sequence + 1) & 0xFFFF
                self.packets += 1
            at += 4 + length
        self._rest = data[at:]


async def main() -> None:
    order = json.load(sys.stdin)
    sinks = [PacketSink(url, order["username"], order["password"]) for url in order["urls"]]
    await asyncio.gather(*(sink.drain(order["seconds"]) for sink in sinks))
    total = {key: sum(getattr(sink, key) for sink in sinks) for key in ("bytes", "packets", "lost")}
    json.dump(total, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
