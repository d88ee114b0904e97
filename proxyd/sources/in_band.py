"""Finds the shape of a video in its RTP packets, for devices whose SDP does not tell it: pure.

Parameter sets are small: they come whole in a packet, alone or with others (RFC 6184 sections 5.6 and 5.7, RFC 7798
section 4.4); a JPEG says its size in every packet (RFC 2435 section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator

from proxyd.camera.spec import Codec

from . import h264, h265
from .shape import BadVideo, VideoShape, checked_size

_STAP_A, _STAP_B = 24, 25
_AGGREGATION = 48


def shape_in_packet(codec: Codec, packet: bytes) -> VideoShape | None:
    """The shape that an RTP packet tells, None when it tells none. Never raises."""
    payload = rtp_payload(packet)
    try:
        if codec == "H264":
            found = (h264.parse_sps(nal) for nal in _h264_units(payload) if nal[0] & 0x1F == h264.SPS_TYPE)
            return next(found, None)
        if codec == "H265":
            found = (h265.parse_sps(nal) for nal in _h265_units(payload) if h265.nal_type(nal) == h265.SPS_TYPE)
            return next(found, None)
        if codec == "JPEG" and len(payload) >= 8:
            width, height = checked_size(8 * payload[6], 8 * payload[7])
            return VideoShape(width, height, None, "Main")
    except BadVideo:
        return None
    return None


def rtp_payload(packet: bytes) -> bytes:
    """What an RTP packet carries (RFC 3550 section 5.1), b"" for anything else."""
    if len(packet) < 12 or packet[0] >> 6 != 2:
        return b""
    begin = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < begin + 4:
            return b""
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[begin:end] if begin < end else b""


def _h264_units(payload: bytes) -> Iterator[bytes]:
    kind = payload[0] & 0x1F if payload else 0
    if kind in (_STAP_A, _STAP_B):
        yield from _sized(payload[1 if kind == _STAP_A else 3 :])
    elif payload:
        yield payload


def _h265_units(payload: bytes) -> Iterator[bytes]:
    if h265.nal_type(payload) == _AGGREGATION:
        yield from _sized(payload[2:])
    elif payload:
        yield payload


def _sized(data: bytes) -> Iterator[bytes]:
    """NAL units with their sizes before them."""
    at = 0
    while at + 2 < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        unit = data[at + 2 : at + 2 + size]
        if unit:
            yield unit
        at += 2 + size
