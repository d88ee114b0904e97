"""Snapshots of the simulated NVR: its channel's picture, behind its Digest, in its size."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.snapshot.fetch import SnapshotSource

from .device import camera_spec


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
async def test_each_channel_gives_its_own_picture(dialect: str) -> None:
    source = SnapshotSource()
    try:
        async with SimulatedNvr(channels=3, dialect=dialect) as nvr:
            for profile in nvr.layout.profiles:
                url = f"http://{nvr.host}:{nvr.web_port}{profile.snapshot}"
                picture = await source.picture(camera_spec(nvr.access, url, camera_id=profile.media.channel))
                assert not picture.fallback
                image = Image.open(io.BytesIO(picture.data))
                assert image.info["comment"] == f"channel={profile.media.channel}".encode()
            assert nvr.wrong_passwords == 0
            await source.close()
    finally:
        await source.close()
