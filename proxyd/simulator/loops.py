"""The stored video loops: read once from the zip files of `loops/`, cut into frames and RTP payloads.

A loop begins with an IDR, so playing it again and again is seamless. Files are made by contrib/make-loops.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from proxyd.simulator.frames import (
    Codec,
    is_key,
    is_parameter_set,
    is_slice,
    nal_type,
    packetise,
    split_annexb,
)
from proxyd.simulator.streams import SimStream


@dataclass(frozen=True, slots=True)
class LoopFrame:
    """RTP payloads of one frame; the frame mark belongs between `before` (parameter sets) and `slices`."""

    key: bool
    before: tuple[bytes, ...]
    slices: tuple[bytes, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Loop:
    """`parameter_sets` in SDP order: SPS, PPS, or VPS, SPS, PPS."""

    codec: Codec
    parameter_sets: tuple[bytes, ...]
    frames: tuple[LoopFrame, ...]


@lru_cache(maxsize=256)
def load_loop(stream: SimStream) -> Loop:
    """The loop of a stream, shared by all who play it."""
    archive = resources.files("proxyd.simulator") / "loops" / f"{stream.codec.lower()}-{stream.name}.zip"
    with archive.open("rb") as file, zipfile.ZipFile(file) as zipped:
        return parse_loop(stream.codec, zipped.read(f"{stream.channel:02d}"))


def parse_loop(codec: Codec, data: bytes) -> Loop:
    """Cut an Annex B stream with one slice per picture into frames. Raises ValueError when it cannot be played."""
    frames: list[LoopFrame] = []
    parameter_sets: dict[int, bytes] = {}
    before: list[bytes] = []
    for nal in split_annexb(data):
        if is_parameter_set(codec, nal):
            parameter_sets.setdefault(nal_type(codec, nal), nal)
            before.append(nal)
        elif is_slice(codec, nal):
            heads = tuple(payload for head in before for payload in packetise(codec, head))
            slices = tuple(packetise(codec, nal))
            size = sum(map(len, heads + slices))
            frames.append(LoopFrame(is_key(codec, nal), heads, slices, size))
            before = []
    if not frames or not frames[0].key or not parameter_sets:
        raise ValueError("a loop must begin with parameter sets and an IDR")
    return Loop(codec, tuple(nal for _, nal in sorted(parameter_sets.items())), tuple(frames))
