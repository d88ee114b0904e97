"""Streams as a receiver sees them: the right channel, from a key frame on, every frame, at its time."""

from __future__ import annotations

import asyncio
import itertools
from typing import Literal

import pytest

from proxyd.rtsp.headers import parse_rtp_info
from proxyd.simulator.frames import FrameMark
from proxyd.simulator.rtp import parse_rtp
from proxyd.simulator.rtsp_sdp import ControlStyle
from proxyd.simulator.streams import stream_for
from tests.player.marks import MarkCounter
from tests.player.watch import WatchResult, watch
from tests.proxyd.simulator.media_server import PASSWORD, USER, Talk, running, talking, url

STYLES: tuple[ControlStyle, ...] = ("relative", "absolute", "stream", "track")
TRANSPORTS: tuple[Literal["tcp", "udp"], ...] = ("tcp", "udp")


async def look(url: str, frames: int = 10, transport: Literal["tcp", "udp"] = "tcp") -> WatchResult:
    return await watch(
        url, username=USER, password=PASSWORD, frames=frames, deadline_s=frames / 15 + 10, transport=transport
    )


def assert_whole(counter: MarkCounter, channel: int, stream: int) -> None:
    assert counter.sources == {(channel, stream)}
    assert counter.began_with_key
    assert counter.lost_frames == counter.reordered_frames == counter.unmarked_frames == 0
    assert counter.lost_packets == counter.damaged == 0
    assert len(counter.ssrcs) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_many_streams_at_once_are_whole_and_not_mixed_up(transport: Literal["tcp", "udp"]) -> None:
    wanted = [
        (channel, name, codec)
        for channel, name, codec in itertools.product((1, 2, 33, 64), ("main", "sub"), ("", "/H265"))
    ]
    async with running(audio=False) as server, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(look(url(server, f"{channel}/{name}{codec}"), 35, transport), name="watch")
            for channel, name, codec in wanted
        ]
        for task, (channel, name, codec) in zip(tasks, wanted, strict=True):
            result = await task
            assert_whole(result.counter, channel, 0 if name == "main" else 1)
            assert result.counter.codec == (codec[1:] or "H264")
        assert server.sessions == 0, "TEARDOWN ended them all"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_every_style_of_control_urls_can_be_played(style: ControlStyle, transport: Literal["tcp", "udp"]) -> None:
    async with running(control_style=style, audio=True) as server:
        result = await look(url(server, "7/sub?a=b&c=d"), 3, transport)
    assert_whole(result.counter, 7, 1)
    assert "a=rtpmap:0 PCMU/8000" in result.sdp


async def test_frames_keep_their_time() -> None:
    """Frame n is due at t0 + n/fps, so the RTP clock and the wall clock agree over any stretch."""
    loop = asyncio.get_running_loop()
    async with running() as server:
        begin = loop.time()
        result = await look(url(server, "3/main"), 51)
        elapsed_s = loop.time() - begin
    counter = result.counter
    assert counter.first is not None
    assert counter.last is not None
    assert counter.first_timestamp is not None
    assert counter.last_timestamp is not None
    media_s = ((counter.last_timestamp - counter.first_timestamp) & 0xFFFFFFFF) / 90000
    assert media_s == pytest.approx((counter.last.number - counter.first.number) / 25)
    assert media_s <= elapsed_s < media_s + 1.5


async def test_rtp_info_names_the_first_packet_also_between_two_key_frames() -> None:
    async with running(audio=True) as server, talking(server) as first, talking(server) as second:
        session = await first.setup(url(server, "5/main"))
        await first.client.request("PLAY", url(server, "5/main"), Session=session)
        await first.media(30)
        session = await second.setup(url(server, "5/main"))
        await second.client.request(
            "SETUP", url(server, "5/main") + "/trackID=1", Session=session, Transport="RTP/AVP/TCP;interleaved=2-3"
        )
        played = await second.client.request("PLAY", url(server, "5/main"), Session=session)
        video, audio = parse_rtp_info(played.headers.get("RTP-Info") or "")
        await second.media(60)
    for channel, info in ((0, video), (2, audio)):
        packet = parse_rtp(next(packet for number, packet in second.packets if number == channel))
        assert (packet.sequence, packet.timestamp) == (info.seq, info.rtptime)
    counter = count(second)
    assert counter.began_with_key


async def test_numbers_run_on_over_sessions_and_are_shared() -> None:
    async with running() as server:
        first = await look(url(server, "9/sub"), 5)
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(look(url(server, "9/sub"), 20), name="watch") for _ in range(2)]
        results = [(await task).counter for task in both]
    assert first.counter.last is not None
    for counter in results:
        assert counter.first is not None
        assert counter.first.number > first.counter.last.number
    assert results[0].ssrcs == results[1].ssrcs == first.counter.ssrcs


async def test_pause_stops_the_media_and_play_brings_it_back_with_a_key_frame() -> None:
    async with running() as server, talking(server) as talk:
        target = url(server, "4/main")
        session = await talk.setup(target)
        await talk.client.request("PLAY", target, Session=session)
        await talk.media(10)
        await talk.client.request("PAUSE", target, Session=session)
        assert server.playing == []
        talk.packets.clear()
        await talk.client.request("GET_PARAMETER", target, Session=session)
        assert talk.packets == [], "nothing came after the answer to PAUSE"
        await talk.client.request("PLAY", target, Session=session)
        await talk.media(10)
    assert count(talk).began_with_key


async def test_padding_reaches_the_wanted_bit_rate() -> None:
    async with running(bitrate_kbps=4000) as server:
        result = await look(url(server, "2/main"), 51)
    assert_whole(result.counter, 2, 0)
    rate_kbps = result.counter.octets * 8 / 1000 / (50 / 25)
    assert rate_kbps == pytest.approx(4000, rel=0.05)
    assert "b=AS:4000" in result.sdp


async def test_sender_reports_name_user_and_address_of_the_nvr() -> None:
    async with running(audio=True) as server:
        result = await look(url(server, "1/sub"), 2)
    assert result.rtcp
    assert all(packet[1] == 200 and b"admin@127.0.0.1" in packet for packet in result.rtcp)
    ssrcs = {int.from_bytes(packet[4:8], "big") for packet in result.rtcp}
    assert ssrcs == result.counter.ssrcs


async def test_audio_is_a_tone_without_gaps() -> None:
    async with running(audio=True) as server, talking(server) as talk:
        target = url(server, "8/sub")
        session = await talk.setup(target)
        await talk.client.request(
            "SETUP", f"{target}/trackID=1", Session=session, Transport="RTP/AVP/TCP;unicast;interleaved=4-5"
        )
        await talk.client.request("PLAY", target, Session=session)
        await talk.media(80)
    audio = [parse_rtp(packet) for channel, packet in talk.packets if channel == 4]
    assert len(audio) > 10
    for one, two in itertools.pairwise(audio):
        assert (two.sequence - one.sequence) & 0xFFFF == 1
        assert (two.timestamp - one.timestamp) & 0xFFFFFFFF == 320
        assert two.payload_type == 0
        assert not two.marker


async def test_a_stream_that_nobody_watches_does_not_run() -> None:
    async with running() as server:
        await look(url(server, "1/main"), 2)
        assert server.playing == []
        async with talking(server) as talk:
            target = url(server, "1/main")
            session = await talk.setup(target)
            await talk.client.request("PLAY", target, Session=session)
            assert server.playing == [stream_for(1, "main")]


def count(talk: Talk) -> MarkCounter:
    counter = MarkCounter("H264")
    for channel, packet in talk.packets:
        if channel == 0:
            counter.feed(packet)
    assert counter.first is None or isinstance(counter.first, FrameMark)
    return counter
