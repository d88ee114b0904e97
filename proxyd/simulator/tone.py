"""The sound of the simulated channels: a quiet 400 Hz tone in PCMU (ITU-T G.711 µ-law). Pure.

8000 samples a second hold 20 samples per period, so every packet of 40 ms is the same.
"""

from __future__ import annotations

import math

TONE_PACKET_S = 0.04
_SAMPLES_PER_PERIOD = 20
_AMPLITUDE = 2000
_BIAS = 132
_CLIP = 32635


def mu_law(sample: int) -> int:
    """One 16 bit sample as a G.711 byte."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


TONE_PACKET = (
    bytes(
        mu_law(round(_AMPLITUDE * math.sin(2 * math.pi * index / _SAMPLES_PER_PERIOD)))
        for index in range(_SAMPLES_PER_PERIOD)
    )
    * 16
)
