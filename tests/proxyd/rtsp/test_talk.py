"""Recorders that speak through a camera, and the NVR that hears them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any

import pytest

from proxyd.camera.features import ChannelFeatures, ChannelTokens
from proxyd.rtsp.backchannel import NO_LOUDSPEAKER
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.headers import parse_session, parse_transport
from proxyd.rtsp.messages import format_interleaved
from proxyd.rtsp.server import RtspServer
from proxyd.rtsp.udp_pair import bind_udp_pair
from proxyd.simulator.faults import Faults
from proxyd.simulator.rtsp_server import RtspSimulator
from tests.player.talk import FEATURE, back_tracks, sound, speech
from tests.proxyd.rtsp.cameras import AT_ONCE, DEADLINE_S, Recorder, Seen, camera, recorder, simulated_nvr

VIDEO = "RTP/AVP/TCP;unicast;interleaved=0-1"
BACK = "RTP/AVP/TCP;unicast;interleaved=6-7"
REPORT = b"\x81\xc9\x00\x01\x00\x00\x5e\xed"


def speakers(**others: Any) -> Faults:
    return Faults(speakers=frozenset({3}), **others)


@asynccontextmanager
async def setting(
    faults: Faults | None = None, limits: RtspLimits = AT_ONCE, **changes: Any
) -> AsyncIterator[tuple[RtspSimulator, RtspServer, Seen, str]]:
    async with (
        simulated_nvr(faults or speakers(), audio=True) as nvr,
        camera(nvr.port, limits, **changes) as (server, seen, base),
    ):
        yield nvr, server, seen, f"{base}/main"


async def set_up(client: Recorder, url: str, *, video: bool = True, transport: str = BACK) -> tuple[str, str]:
    """(session, the Transport of the way back); nothing plays yet."""
    described = await client.ask("DESCRIBE", url, Require=FEATURE)
    assert described.status == 200
    ((formats, control),) = back_tracks(described.body.decode())
    assert formats == "0 8"
    headers: dict[str, Any] = {"Require": FEATURE}
    if video:
        first = await client.ask("SETUP", f"{url}/trackID=0", Transport=VIDEO, **headers)
        headers["Session"] = parse_session(first.headers.get("Session") or "")[0]
    setup = await client.ask("SETUP", f"{url}/{control}", Transport=transport, **headers)
    assert setup.status == 200
    return parse_session(setup.headers.get("Session") or "")[0], setup.headers.get("Transport") or ""


async def begin(client: Recorder, url: str, *, video: bool = True) -> str:
    session, granted = await set_up(client, url, video=video)
    assert parse_transport(granted)[0].interleaved == (6, 7)
    assert (await client.ask("PLAY", url, Session=session, Require=FEATURE)).status == 200
    return session


async def say(client: Recorder, count: int, first: int = 0) -> None:
    for packet in speech(count, first):
        await client.send(format_interleaved(6, packet))


async def heard(nvr: RtspSimulator, packets: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not (kept := nvr.loudspeakers.heard.get(3)) or kept.packets < packets:
            nvr.loudspeakers.arrived.clear()
            await nvr.loudspeakers.arrived.wait()


async def until_over(seen: Seen) -> None:
    """Until a talk is, and the loudspeaker is free."""
    async with asyncio.timeout(DEADLINE_S):
        while not any("over: " in entry["reason"] for entry in seen.trace):
            seen.changed.clear()
            await seen.changed.wait()


async def test_the_nvr_hears_every_byte_in_order_while_video_plays() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        session = await begin(client, url)
        await client.until_packets(20)
        assert nvr.sessions == 1, "who says nothing takes no place at the NVR"
        await say(client, 50)
        await client.send(
            format_interleaved(7, REPORT) + format_interleaved(6, b"no RTP") + format_interleaved(2, b"x")
        )
        await client.send(b"".join(format_interleaved(6, one) for one in speech(1, payload_type=96)))
        await heard(nvr, 50)
        count = len(client.packets)
        await client.until_packets(count + 20)
        assert {packet.channel for packet in client.packets} <= {0, 1}
        assert nvr.sessions == 2
        assert (await client.ask("TEARDOWN", url, Session=session)).status == 200
        assert await seen.until_done("TALK main")
        kept = nvr.loudspeakers.heard[3]
        assert (kept.packets, kept.octets, kept.misplaced, kept.nonsense) == (50, 8000, 0, 0)
        assert kept.sound == b"".join(map(sound, range(50)))
        assert nvr.sessions == 0
        assert not seen.refusals()


async def test_who_only_speaks_disturbs_no_stream() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        session = await begin(client, url, video=False)
        await say(client, 10)
        await heard(nvr, 10)
        assert nvr.sessions == 1
        assert (await client.ask("PAUSE", url, Session=session)).status == 200
        await say(client, 5, first=10)
        assert (await client.ask("PLAY", url, Session=session)).status == 200
        await say(client, 5, first=15)
        await heard(nvr, 15)
        assert nvr.loudspeakers.heard[3].sound == b"".join(map(sound, [*range(10), *range(15, 20)]))
        assert not seen.refusals()


async def test_sound_by_udp_is_taken_from_the_recorders_port_alone() -> None:
    async with setting() as (nvr, server, _, url), recorder(server) as client:
        rtp, rtcp = bind_udp_pair("127.0.0.1", buffer_bytes=65536)
        other, other_rtcp = bind_udp_pair("127.0.0.1", buffer_bytes=65536)
        with closing(rtp), closing(rtcp), closing(other), closing(other_rtcp):
            port = rtp.getsockname()[1]
            wish = f"RTP/AVP;unicast;client_port={port}-{port + 1}"
            session, granted = await set_up(client, url, video=False, transport=wish)
            ours = parse_transport(granted)[0].server_port
            assert ours is not None
            assert (await client.ask("PLAY", url, Session=session, Require=FEATURE)).status == 200
            to = server._context.spec.address
            for packet in speech(5):
                other.sendto(packet, (to, ours[0]))
                rtp.sendto(packet, (to, ours[0]))
                rtcp.sendto(REPORT, (to, ours[1]))
            await heard(nvr, 5)
            assert nvr.loudspeakers.heard[3].sound == b"".join(map(sound, range(5)))


async def test_an_nvr_that_takes_sound_by_udp_only() -> None:
    async with setting(speakers(rtsp_udp_only=True)) as (nvr, server, _, url), recorder(server) as client:
        await begin(client, url, video=False)
        await say(client, 5)
        await heard(nvr, 5)
        assert nvr.loudspeakers.heard[3].sound == b"".join(map(sound, range(5)))


async def test_one_speaks_at_a_time() -> None:
    limits = replace(AT_ONCE, silent_talk_s=1)
    async with (
        setting(limits=limits) as (nvr, server, seen, url),
        recorder(server) as one,
        recorder(server) as two,
        recorder(server) as three,
    ):
        await begin(one, url)
        await begin(two, url)
        await say(one, 1)
        await heard(nvr, 1)
        await say(two, 1, first=100)
        assert "another recorder speaks" in await seen.until_refusal("TALK main")
        await three.ask("DESCRIBE", url, Require=FEATURE)
        assert (await three.ask("SETUP", f"{url}/trackID=16", Transport=BACK, Require=FEATURE)).status == 453
        assert "another recorder speaks" in await seen.until_refusal("SETUP main")
        await until_over(seen)  # the first has been silent for long enough
        await say(two, 1, first=101)
        await heard(nvr, 2)
        assert nvr.loudspeakers.heard[3].sound == sound(0) + sound(101)


async def test_a_recorder_that_vanishes_leaves_the_loudspeaker_free() -> None:
    async with setting() as (nvr, server, seen, url):
        async with recorder(server) as client:
            await begin(client, url)
            await say(client, 3)
            await heard(nvr, 3)
            client.writer.transport.abort()
            await until_over(seen)
            assert nvr.requests["TEARDOWN"] >= 1
        async with recorder(server) as client:
            await begin(client, url)
            await say(client, 3, first=3)
            await heard(nvr, 6)
            assert nvr.sessions == 2


async def test_talk_goes_on_behind_a_restart_of_the_nvr() -> None:
    limits = replace(AT_ONCE, reconnect_s=(0.05, 0.1), talk_again_s=0)
    async with setting(limits=limits) as (nvr, server, seen, url), recorder(server) as client:
        await begin(client, url)
        await say(client, 3)
        await heard(nvr, 3)
        await nvr.stop()
        assert await seen.until_refusal("TALK main")
        await nvr.start()
        count = len(client.packets)
        await client.until_packets(count + 5)
        await say(client, 3, first=50)
        await heard(nvr, 6)
        kept = nvr.loudspeakers.heard[3]
        assert kept.sound == b"".join(map(sound, [0, 1, 2, 50, 51, 52]))


async def test_the_nvr_may_refuse_to_be_spoken_to() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        await begin(client, url)
        await client.until_packets(1)
        nvr.faults.rtsp_sessions = 1
        await say(client, 1)
        assert "allows no more streams" in await seen.until_refusal("TALK main")
        count = len(client.packets)
        await client.until_packets(count + 20)


@pytest.mark.parametrize("moment", ["describe", "speak"])
async def test_an_account_that_may_not_speak_goes_on_watching(moment: str) -> None:
    """A refused account is not used for anything any more; this one is good for video."""
    limits = replace(AT_ONCE, talk_again_s=0)
    async with (
        setting(limits=limits) as (nvr, server, seen, url),
        recorder(server) as watcher,
        recorder(server) as client,
    ):
        await watcher.start(url)
        if moment == "speak":
            await begin(client, url)
        before = nvr.requests["DESCRIBE"]
        nvr.faults.rtsp_refuses = "wrong"
        if moment == "speak":
            for number in range(3):
                await say(client, 1, first=number)
                assert "does not let this account speak" in await seen.until_refusal("TALK main")
                assert (await client.ask("OPTIONS", url)).status == 200
        else:
            for _ in range(3):
                assert (await client.ask("DESCRIBE", url, Require=FEATURE)).status == 551
            assert "does not let this account speak" in await seen.until_refusal("DESCRIBE main")
        assert nvr.requests["DESCRIBE"] == before + 2, "the password was shown once"
        nvr.faults.rtsp_refuses = ""
        async with recorder(server) as other:
            await other.start(url.replace("main", "sub"))
            await other.until_packets(5)
        assert None in seen.reports and not any(seen.reports)


@pytest.mark.parametrize(
    "changes",
    [
        {"features": ChannelFeatures(tokens=ChannelTokens(profiles=("p",)))},
        {"settings": "silent"},
    ],
)
async def test_a_camera_that_has_no_loudspeaker_asks_nobody(changes: dict[str, Any]) -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        spec = server._context.spec
        if "settings" in changes:
            changes = {"settings": replace(spec.settings, audio=False)}
        server.update(replace(spec, **changes))
        response = await client.ask("DESCRIBE", url, Require=FEATURE)
        assert (response.status, response.headers.get("Unsupported")) == (551, FEATURE)
        assert seen.refusals() == [f"DESCRIBE main: {NO_LOUDSPEAKER}"]
        assert not nvr.requests
        plain = await client.ask("DESCRIBE", url)
        assert not back_tracks(plain.body.decode())


async def test_an_nvr_without_a_loudspeaker_is_asked_once() -> None:
    async with setting(Faults()) as (nvr, server, seen, url), recorder(server) as client:
        for _ in range(3):
            response = await client.ask("DESCRIBE", url, Require=FEATURE)
            assert (response.status, response.headers.get("Unsupported")) == (551, FEATURE)
        assert nvr.requests["OPTIONS"] == 2, "for the stream, and for the way back"
        await client.start(url)
        await client.until_packets(5)
        assert len(seen.refusals()) == 3


async def test_the_way_back_is_set_up_once_and_taken_down_alone() -> None:
    async with setting() as (nvr, server, _, url), recorder(server) as client:
        session, _ = await set_up(client, url)
        back = f"{url}/trackID=16"
        for track, status in ((back, 455), (f"{url}/trackID=17", 404)):
            refused = await client.ask("SETUP", track, Transport=BACK, Session=session, Require=FEATURE)
            assert refused.status == status
        assert (await client.ask("PLAY", url, Session=session)).status == 200
        await say(client, 3)
        await heard(nvr, 3)
        assert (await client.ask("TEARDOWN", back, Session=session)).status == 200
        assert nvr.sessions == 1
        await say(client, 3)
        count = len(client.packets)
        await client.until_packets(count + 20)
        assert nvr.loudspeakers.heard[3].packets == 3


async def test_too_much_is_dropped_and_the_rest_goes_on() -> None:
    async with setting() as (nvr, server, seen, url), recorder(server) as client:
        await begin(client, url)
        await say(client, 1)
        await heard(nvr, 1)
        await say(client, 5000, first=1)
        assert (await client.ask("OPTIONS", url)).status == 200
        count = len(client.packets)
        await client.until_packets(count + 10)
        assert 200 < nvr.loudspeakers.heard[3].packets < 2500
        assert not seen.refusals()
