"""A process of its own that plays many RTSP URLs over TCP and checks that no RTP packet is missing.

Reads {"urls": [...], "username", "password", "seconds"} from standard input; prints {"bytes", "packets", "lost"}."""

from __future__ import annotations

import asyncio
import json
import sys

from tests.player.play import Player


class Sink:
    """Looks at sequence numbers only: at this rate more would be the load."""

    def __init__(self) -> None:
        self.bytes = self.packets = self.lost = 0
        self._next: int | None = None

    def packet(self, channel: int, payload: bytes) -> None:
        self.bytes += len(payload) + 4
        if channel == 0:
            sequence = payload[2] << 8 | payload[3]
            if self._next is not None:
                self.lost += (sequence - self._next) & 0xFFFF
            self._next = (sequence + 1) & 0xFFFF
            self.packets += 1

    async def drain(self, url: str, username: str, password: str, seconds: float) -> None:
        async with Player(url, username, password, self.packet) as player:
            await player.play(seconds)


async def main() -> None:
    order = json.load(sys.stdin)
    sinks = {url: Sink() for url in order["urls"]}
    account = order["username"], order["password"]
    await asyncio.gather(*(sink.drain(url, *account, order["seconds"]) for url, sink in sinks.items()))
    total = {key: sum(getattr(sink, key) for sink in sinks.values()) for key in ("bytes", "packets", "lost")}
    json.dump(total, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
