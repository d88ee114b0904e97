"""RTCP of an NVR as it may go out: nothing that names the sender, and numbers as those of the packets beside it.

Pure.
"""

from __future__ import annotations

from proxyd.rtsp.rtcp import clean_rtcp

_SENDER_REPORT, _RECEIVER_REPORT, _SDES, _BYE = 200, 201, 202, 203


def outgoing_report(packet: bytes, cname: bytes, ssrc: int, stamp_shift: int) -> bytes:
    """b"" when nothing of it may pass. `ssrc` is that of the packets beside it (-1: none yet, it keeps its own), and
    `stamp_shift` what was added to their time stamps. BYE is dropped: the session is ours, and outlives the NVR's."""
    cleaned = clean_rtcp(packet, cname)
    parts: list[bytes] = []
    at = 0
    while at < len(cleaned):
        kind = cleaned[at + 1]
        size = 4 * (int.from_bytes(cleaned[at + 2 : at + 4], "big") + 1)
        part = cleaned[at : at + size]
        at += size
        source = part[4:8] if ssrc < 0 else ssrc.to_bytes(4, "big")
        if kind == _SENDER_REPORT:
            stamp = (int.from_bytes(part[16:20], "big") + stamp_shift) & 0xFFFFFFFF
            parts.append(part[:4] + source + part[8:16] + stamp.to_bytes(4, "big") + part[20:])
        elif kind == _RECEIVER_REPORT or (kind == _SDES and part[0] & 0x1F == 1):
            parts.append(part[:4] + source + part[8:])
    return b"".join(parts)
