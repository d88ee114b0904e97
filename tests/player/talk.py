"""A recorder that speaks: G.711 packets for the loudspeaker behind a camera."""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import pack

FEATURE = "www.onvif.org/ver20/backchannel"
PACKET_S = 0.02
_SAMPLES = 160  # 20 ms at 8 kHz


def back_tracks(sdp: str) -> list[tuple[str, str]]:
    """(payload types, a=control) of each section that is marked `sendonly`."""
    found = []
    for section in re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]:
        control = re.search(r"^a=control:(\S+)", section, re.MULTILINE)
        if re.search(r"^a=sendonly\s*$", section, re.MULTILINE) and control:
            found.append((section.split("\r\n", 1)[0].split(" ", 3)[3], control.group(1)))
    return found


def speech(count: int, first: int = 0, payload_type: int = 0) -> Iterator[bytes]:
    """RTP packets whose sound is told apart by its number."""
    for number in range(first, first + count):
        header = pack(">BBHII", 0x80, payload_type, number & 0xFFFF, number * _SAMPLES, 0x5EED)
        yield header + sound(number)


def sound(number: int) -> bytes:
    return bytes((number * 7 + place) & 0xFF for place in range(_SAMPLES))
