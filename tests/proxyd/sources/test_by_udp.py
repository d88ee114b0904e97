"""A source whose device sends by UDP, and tells the size of its picture in the packets only."""

from __future__ import annotations

from struct import pack

import pytest

from proxyd.camera.spec import NvrAccess, StreamSpec, StreamTransport
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.messages import Request, Response
from proxyd.simulator.loops import load_loop
from proxyd.simulator.streams import stream_for
from proxyd.sources.probe import ProbeTimeouts, read_stream
from tests.proxyd.rtsp.cameras import NVR_HOST
from tests.proxyd.rtsp.odd_nvr import OddNvr
from tests.proxyd.rtsp.test_udp_nvr import udp_nvr

QUICK = ProbeTimeouts(UpstreamTimeouts(connect_s=2, answer_s=2, close_s=0.5), packets_s=5)


@pytest.mark.parametrize(("transport", "refusals"), [("auto", [461]), ("udp", [])])
async def test_the_size_is_found_in_packets_that_come_by_udp(transport: StreamTransport, refusals: list[int]) -> None:
    sps, pps = load_loop(stream_for(1, "main")).parameter_sets[:2]

    def plays(nvr: OddNvr, request: Request) -> Response:
        for number, nal in enumerate((b"\x41noise", pps, sps)):
            udp.rtp.sendto(pack(">BBHII", 0x80, 96, number, 0, 7) + nal, udp.client)
        return nvr.usual(request)

    async with udp_nvr(PLAY=plays) as (udp, nvr):
        udp.refusals = refusals
        url = f"rtsp://{NVR_HOST}:{nvr.port}/live"
        known = StreamSpec("main", "H264", 0, 0, 0, 0, url)
        read = await read_stream(known, NvrAccess(NVR_HOST, nvr.port, "", "", transport), QUICK)
        assert (read.spec.width, read.spec.height, read.spec.fps, read.warning) == (1280, 720, 25, "")
        assert nvr.asked("SETUP") == (2 if transport == "auto" else 1)
        assert nvr.asked("TEARDOWN") == 1
