"""The NVR's session is given back, also where nothing that the NVR sends makes sense any more."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

from proxyd.rtsp.messages import Request, Response
from tests.proxyd.rtsp.cameras import AT_ONCE, DEADLINE_S, camera, recorder
from tests.proxyd.rtsp.odd_nvr import OddNvr, odd_nvr

SOON = replace(AT_ONCE, reconnect_s=(0.05, 0.2))
GARBAGE = b"\0" * (512 * 1024)  # twice of what is looked through for a packet


async def test_garbage_instead_of_packets_ends_the_session_there_and_begins_another() -> None:
    said: list[tuple[int, str | None]] = []

    def heard(nvr: OddNvr, request: Request) -> Response:
        said.append((nvr.connections, request.headers.get("Session")))
        return Response(200)

    async with (
        odd_nvr(TEARDOWN=heard) as nvr,
        camera(nvr.port, SOON) as (server, seen, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        nvr.send_packets(0, 20)
        await client.until_packets(20)
        nvr.writers[-1].write(GARBAGE)
        assert "neither messages nor packets" in await seen.until_refusal("PLAY main")
        async with asyncio.timeout(DEADLINE_S):
            while nvr.asked("PLAY") < 2:
                await asyncio.sleep(0.01)
        assert said == [(1, "odd")]  # before the next login
        nvr.send_key_frame(0, 100)
        nvr.send_packets(0, 20)
        await client.until_packets(40)


async def test_a_lost_stream_is_asked_for_at_growing_distances() -> None:
    """And the tries that fail leave nothing at the NVR."""
    pauses = 0.05, 0.4
    loop = asyncio.get_running_loop()
    tries: list[float] = []
    enough = asyncio.Event()

    def away(nvr: OddNvr, request: Request) -> Response:
        if nvr.connections == 1:
            return nvr.usual(request)
        tries.append(loop.time())
        if len(tries) == 8:
            enough.set()
        return Response(500)

    async with (
        odd_nvr(PLAY=away) as nvr,
        camera(nvr.port, replace(AT_ONCE, reconnect_s=pauses)) as (server, _, url),
        recorder(server) as client,
    ):
        await client.start(f"{url}/main")
        nvr.writers[-1].transport.abort()
        async with asyncio.timeout(DEADLINE_S):
            await enough.wait()
            while nvr.asked("TEARDOWN") < 7:
                await asyncio.sleep(0.01)
        least = [min(pauses[0] * 2**n, pauses[1]) / 2 for n in range(1, 8)]  # the jitter takes off up to a half
        gaps = [two - one for one, two in itertools.pairwise(tries)]
        assert all(gap >= bound for gap, bound in zip(gaps, least, strict=True))


async def test_nonsense_before_the_first_packet_ends_the_session_there() -> None:
    async with (
        odd_nvr() as nvr,
        camera(nvr.port, SOON) as (server, seen, url),
        recorder(server) as client,
    ):
        assert (await client.ask("SETUP", f"{url}/main/trackID=0", Transport="RTP/AVP/TCP")).status == 200
        nvr.writers[-1].write(b"HTTP/1.1 200 OK\r\n\r\n")
        assert (await client.ask("PLAY", f"{url}/main")).status == 200
        assert (nvr.connections, nvr.asked("TEARDOWN"), nvr.asked("PLAY")) == (2, 1, 1)
        assert seen.refusals() == []
