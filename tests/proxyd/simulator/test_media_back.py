"""Sound for the simulated NVR's loudspeakers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import pytest

from proxyd.rtsp.headers import parse_session, parse_transport
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtsp_server import RtspSimulator
from tests.player.talk import FEATURE, back_tracks, sound, speech
from tests.player.watch import join_control
from tests.proxyd.simulator.media_server import Talk, running, talking, url
from tests.proxyd.simulator.test_media_rtsp import refusal

TCP = "RTP/AVP/TCP;unicast;interleaved=4-5"


async def set_up(server: RtspSimulator, talk: Talk, transport: str = TCP) -> tuple[str, str]:
    """(session, the Transport that was granted)."""
    described = await talk.client.request("DESCRIBE", url(server), Require=FEATURE)
    ((formats, control),) = back_tracks(described.body.decode())
    assert formats == "0 8"
    track = join_control(described.headers.get("Content-Base") or "", control)
    answer = await talk.client.request("SETUP", track, Require=FEATURE, Transport=transport)
    return parse_session(answer.headers.get("Session") or "")[0], answer.headers.get("Transport") or ""


async def heard(server: RtspSimulator, packets: int) -> None:
    async with asyncio.timeout(10):
        while not (speech := server.loudspeakers.heard.get(1)) or speech.packets < packets:
            server.loudspeakers.arrived.clear()
            await server.loudspeakers.arrived.wait()


async def test_what_is_said_after_play_is_kept_in_order() -> None:
    async with running(faults=Faults(speakers=frozenset({1}))) as server, talking(server) as talk:
        session, _ = await set_up(server, talk)
        for packet in speech(3):
            talk.client.send_packet(4, packet)
        played = await talk.client.request("PLAY", url(server), Session=session, Require=FEATURE)
        assert "RTP-Info" not in played.headers
        for packet in speech(50, first=10):
            talk.client.send_packet(4, packet)
        talk.client.send_packet(5, b"\x81\xc9\x00\x01\x00\x00\x5e\xed")
        talk.client.send_packet(4, b"no RTP")
        await heard(server, 50)
        await talk.client.request("OPTIONS", url(server), Session=session)
        kept = server.loudspeakers.heard[1]
        assert (kept.packets, kept.octets, kept.misplaced, kept.nonsense) == (50, 8000, 0, 1)
        assert kept.sound == b"".join(map(sound, range(10, 60)))
        assert kept.last == sound(59)


async def test_sound_by_udp() -> None:
    async with running(faults=Faults(speakers=frozenset({0}))) as server, talking(server) as talk:
        rtp, rtcp = bind_udp_pair("127.0.0.1", buffer_bytes=65536)
        with closing(rtp), closing(rtcp), closing(socket.socket(type=socket.SOCK_DGRAM)) as other:
            port = rtp.getsockname()[1]
            session, granted = await set_up(server, talk, f"RTP/AVP;unicast;client_port={port}-{port + 1}")
            (transport,) = parse_transport(granted)
            assert transport.server_port is not None
            await talk.client.request("PLAY", url(server), Session=session, Require=FEATURE)
            for packet in speech(5):
                other.sendto(packet, ("127.0.0.1", transport.server_port[0]))
                rtp.sendto(packet, ("127.0.0.1", transport.server_port[0]))
            await heard(server, 5)
            assert server.loudspeakers.heard[1].sound == b"".join(map(sound, range(5)))


async def test_a_loudspeaker_takes_one_at_a_time() -> None:
    faults = Faults(speakers=frozenset({1}))
    async with running(faults=faults) as server, talking(server) as talk, talking(server) as other:
        session, _ = await set_up(server, talk)
        track = f"{url(server)}/trackID=2"
        assert await refusal(other, "SETUP", track, Require=FEATURE, Transport=TCP) == 453
        await talk.client.request("TEARDOWN", url(server), Session=session)
        await set_up(server, other)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("2/main", {"Require": FEATURE}, 551), ("1/main", {"Require": f"{FEATURE}, more"}, 551)],
)
async def test_who_has_no_loudspeaker_says_so(path: str, headers: dict[str, str], status: int) -> None:
    async with running(faults=Faults(speakers=frozenset({1}))) as server, talking(server) as talk:
        assert await refusal(talk, "DESCRIBE", url(server, path), **headers) == status
        silent = await talk.client.request("DESCRIBE", url(server))
        assert not back_tracks(silent.body.decode())
        assert await refusal(talk, "SETUP", f"{url(server)}/trackID=2", Transport=TCP) == 404
