"""Broken bytes into each part that reads what NVRs and recorders send, and broken dialogues with a running camera.

`python -m tests.fuzz rtsp` and `rtsp-parts` do more of it, `python -m tests.fuzz.guided` looks where to break.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from . import rtsp_over_sockets, rtsp_volume
from .rtsp_parts import MAX_INPUT_BYTES, PARTS
from .rtsp_seeds import SEEDS
from .rtsp_volume import SLOWEST_S

INPUTS = 20_000
CONNECTIONS = 150
GROWTH_MB = 8.0


def test_no_bytes_make_a_part_fail_or_slow() -> None:
    tally = rtsp_volume.run(INPUTS, seed=3)
    assert tally.memory[-1] - tally.memory[4] < GROWTH_MB, tally.memory
    assert tally.inputs.keys() == PARTS.keys() and sum(tally.inputs.values()) == INPUTS


@given(
    part=st.sampled_from(sorted(PARTS)), seed=st.sampled_from(SEEDS), data=st.binary(max_size=200), at=st.integers(0)
)
@example(part="wire", seed=b"7", data=b"", at=0)
@example(part="wire", seed=b"[" * 100_000, data=b"", at=0)
def test_bytes_that_hypothesis_chooses(part: str, seed: bytes, data: bytes, at: int) -> None:
    at %= len(seed) + 1
    PARTS[part](seed[:at] + data + seed[at:])


@pytest.mark.parametrize("head", [b"", b"rtsp://", b"url=", b"Digest a=", b"RTSP/1.0 200 OK\r\nA:", b"RTP/AVP;"])
@pytest.mark.parametrize("unit", [b"@", b";seq=", b'"', b"[", b"$", b"RTSP/1.0 200 \n", b", ", b"AA==", b"a"])
@pytest.mark.parametrize("tail", [b"!", b" !"])
def test_what_repeats_for_ever_takes_no_longer(head: bytes, unit: bytes, tail: bytes) -> None:
    data = (head + unit * (MAX_INPUT_BYTES // len(unit)))[: MAX_INPUT_BYTES - len(tail)] + tail
    for name, part in PARTS.items():
        began = time.thread_time()
        part(data)
        assert time.thread_time() - began < SLOWEST_S, name


@pytest.mark.timeout(300)
async def test_no_dialogue_disturbs_a_camera() -> None:
    tally = await rtsp_over_sockets.run(CONNECTIONS, seed=5)
    assert tally.statuses[200] > 100 and len(tally.statuses) > 6, tally.statuses
    assert tally.descriptors[-1] <= tally.descriptors[0] + 4, tally.descriptors
    assert tally.memory[-1] - tally.memory[len(tally.memory) // 4] < GROWTH_MB, tally.memory
    assert tally.undisturbed_packets > 100
    assert tally.heard > 0
