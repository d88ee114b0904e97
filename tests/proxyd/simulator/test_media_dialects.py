"""Every dialect's stream URLs play the stream that they name, over TCP and UDP."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.layout import lay_out
from tests.player.watch import watch

TRANSPORTS: tuple[Literal["tcp", "udp"], ...] = ("tcp", "udp")


@pytest.mark.parametrize("name", list(DIALECTS))
async def test_stream_urls_of_a_dialect_lead_to_their_channels(name: str) -> None:
    layout = lay_out(DIALECTS[name], 3)
    async with SimulatedNvr(host="127.0.0.1", channels=3, dialect=name) as nvr, asyncio.TaskGroup() as group:
        tasks = [
            (
                profile,
                group.create_task(
                    watch(
                        f"rtsp://127.0.0.1:{nvr.rtsp_port}{profile.rtsp}",
                        username=nvr.username,
                        password=nvr.password,
                        frames=4,
                        deadline_s=15,
                        transport=transport,
                    ),
                    name="watch",
                ),
            )
            for profile in layout.profiles
            for transport in TRANSPORTS
        ]
        for profile, task in tasks:
            counter = (await task).counter
            assert counter.sources == {(profile.media.channel, ("main", "sub").index(profile.media.name))}
            assert counter.codec == profile.media.codec
            assert counter.lost_frames == counter.lost_packets == 0
