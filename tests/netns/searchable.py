"""Discovery of cameras without the rest of them, tended as the daemon does. Run as a program.

Arguments: one `name=address` per camera. Prints `ready`; at SIGTERM they take leave, and it prints one JSON object: per
address what was counted.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import uuid
from dataclasses import asdict, replace

from proxyd.camera.trace import Trace
from proxyd.discovery.responder import AppSequence
from proxyd.discovery.server import DiscoveryServer
from tests.proxyd.onvif.builders import camera_spec

_TEND_S = 0.1


async def run(words: list[str]) -> None:
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    servers: dict[str, DiscoveryServer] = {}
    for number, word in enumerate(words, 1):
        name, _, address = word.partition("=")
        identity = str(uuid.uuid5(uuid.NAMESPACE_URL, address))
        spec = replace(camera_spec(), id=number, uuid=identity, address=address, interface=name, http_port=80)
        servers[address] = DiscoveryServer(spec, AppSequence(1), record=Trace(lambda: ""))
        await servers[address].start()
    print("ready", flush=True)
    while not end.is_set():
        try:
            async with asyncio.timeout(_TEND_S):
                await end.wait()
        except TimeoutError:
            for server in servers.values():
                server.tend()
    await asyncio.gather(*(server.stop() for server in servers.values()))
    print(json.dumps({address: asdict(server.counts) for address, server in servers.items()}), flush=True)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
