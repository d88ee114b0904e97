"""Compression (`ssh -C`) that cannot be turned against us: asyncssh inflates a packet to whatever size comes out."""

from __future__ import annotations

import functools
import zlib

from asyncssh import compression

_NAME = b"zlib@openssh.com"
LARGEST = 256 * 1024  # bytes of one packet; RFC 4253 asks for 32 KiB


class Deflater(compression.Compressor):
    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def compress(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class BoundedInflater(compression.Decompressor):
    """None, by which asyncssh ends the connection, for what is larger or damaged."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def decompress(self, data: bytes) -> bytes | None:
        try:
            plain = self._stream.decompress(data, LARGEST)
        except zlib.error:
            return None
        return None if self._stream.unconsumed_tail else plain


@functools.cache
def bound_inflating() -> None:
    """For all connections of this process. Once: asyncssh's table grows by it."""
    compression.register_compression_alg(_NAME, Deflater, BoundedInflater, True, True)
