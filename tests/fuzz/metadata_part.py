"""The part that reads an NVR's metadata: any packets, and any documents in them."""

from __future__ import annotations

from datetime import UTC, datetime
from struct import pack

from lxml import etree

from proxyd.nvr.metadata import rewritten
from proxyd.onvif.namespaces import SCHEMA
from proxyd.rtsp.metadata_rtp import MAX_DOCUMENT_BYTES, MetadataRtp, Reassembler

NVR_SECRET = b"nvr-secret-name"  # what the seeds hold where an NVR names itself
_NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_ELEMENTS = frozenset(
    [
        "MetadataStream",
        "VideoAnalytics",
        "Frame",
        "Transformation",
        "Translate",
        "Scale",
        "Object",
        "Appearance",
        "Shape",
        "BoundingBox",
        "CenterOfGravity",
        "Polygon",
        "Point",
        "Class",
        "ClassCandidate",
        "Type",
        "Likelihood",
        "Behaviour",
        "Removed",
        "Idle",
        "Speed",
        "PTZ",
        "PTZStatus",
        "Position",
        "PanTilt",
        "Zoom",
        "MoveStatus",
        "UtcTime",
    ]
)
_ATTRIBUTES = frozenset(["UtcTime", "ObjectId", "Parent", "x", "y", "left", "top", "right", "bottom", "Likelihood"])
_HEAD = f'<tt:MetadataStream xmlns:tt="{SCHEMA}"><tt:VideoAnalytics><tt:Frame>'.encode()
_TAIL = b"</tt:Frame></tt:VideoAnalytics></tt:MetadataStream>"


def metadata(data: bytes) -> None:
    """What comes out has only what may pass; what we write in packets comes out of them as it was."""
    for document in (data, _HEAD + data + _TAIL):
        _check(rewritten(document, _NOW, moves=True))
    reassembler = Reassembler()
    step = 1 + data[0] % 60 if data else 1
    for number, at in enumerate(range(0, len(data), step)):
        piece = data[at : at + step]
        head = pack(">BBHII", 0x80, 107 | (piece[0] & 0x80), number, number // (1 + piece[0] % 8), 7)
        for packet in (piece, head + piece):
            assert len(reassembler.take(packet)) <= MAX_DOCUMENT_BYTES
    if 0 < len(data) <= MAX_DOCUMENT_BYTES:
        packets = MetadataRtp(ssrc=1, sequence=65_530, stamp=2**32 - 1).packets(data, 1.0)
        assert all(len(packet) <= 1400 for packet in packets)
        whole = Reassembler()
        assert [whole.take(packet) for packet in packets] == [b""] * (len(packets) - 1) + [data]


def _check(document: bytes) -> None:
    if not document:
        return
    assert NVR_SECRET not in document
    for element in etree.fromstring(document).iter():
        name = etree.QName(element)
        assert name.namespace == SCHEMA and name.localname in _ELEMENTS, name
        assert set(element.attrib) <= _ATTRIBUTES, element.attrib
