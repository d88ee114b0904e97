"""How streams come from an NVR is the operator's choice, and the ports of UDP are those of the configuration."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from .stack import running_stack
from .test_stream_faults import playing

pytestmark = pytest.mark.timeout(120)
_PORTS = 41000, 41099
_SETTINGS = f"[streams]\nlinger_s = 0\nudp_ports = [{_PORTS[0]}, {_PORTS[1]}]\n"


def udp_connections() -> list[tuple[str, int, str]]:
    """(local address, local port, remote address), proc(5)."""

    def address(text: str) -> tuple[str, int]:
        number, _, port = text.partition(":")
        return socket.inet_ntoa(bytes.fromhex(number)[::-1]), int(port, 16)

    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return [(*address(row[1]), address(row[2])[0]) for row in rows]


async def test_streams_come_as_the_operator_says_and_by_ports_of_the_range() -> None:
    async with running_stack("--channels", "1", settings=_SETTINGS) as stack, playing(stack) as scene:
        (nvr,) = await scene.client.call("nvr.list")
        assert nvr.transport == "auto"
        camera = scene.cameras[0].address
        for transport, by_udp in (("auto", False), ("udp", True), ("tcp", False)):
            await scene.client.call("nvr.update", {"id": nvr.id, "transport": transport})
            async with scene.recorder() as tcp, scene.recorder(transport="udp") as udp:
                await asyncio.gather(tcp.frames(20), udp.frames(20))
                tcp.assert_unbroken()
                udp.assert_unbroken()
                found = udp_connections()
                from_nvr = [port for _, port, remote in found if remote == stack.nvr_address]
                to_recorder = [port for local, port, remote in found if local == camera and remote != "0.0.0.0"]
                assert len(from_nvr) == (2 if by_udp else 0) and len(to_recorder) == 2
                assert all(_PORTS[0] <= port <= _PORTS[1] for port in from_nvr + to_recorder)
            await scene.until_at_nvr(lambda state: state["connections"] == state["sessions"] == 0)
