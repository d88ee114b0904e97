"""The metadata track of one recorder's session: set up, played, paused and ended beside the tracks of the stream."""

from __future__ import annotations

import socket
from collections.abc import Callable

from proxyd.rtsp.context import CameraContext
from proxyd.rtsp.headers import Transport
from proxyd.rtsp.metadata_leg import MetadataLeg
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.rtsp.udp_pair import pair_for_recorder

_BUFFER_BYTES = 256 * 1024


class MetadataTrack:
    """`host` is the recorder's; the others as of a leg."""

    def __init__(
        self,
        context: CameraContext,
        host: str,
        *,
        write: Callable[[bytes], None],
        unsent: Callable[[], int | None],
        heard: Callable[[], None],
    ) -> None:
        self._context = context
        self._host = host
        self._write = write
        self._unsent = unsent
        self._heard = heard
        self._leg: MetadataLeg | None = None
        self.tracks: dict[int, Transport] = {}  # one at most

    @property
    def over_tcp(self) -> bool:
        return self._leg is not None and self._leg.over_tcp

    def setup(self, wish: Transport) -> Transport:
        """The transport as granted. Raises Refused."""
        granted = wish
        pair: tuple[socket.socket, ...] = ()
        if not wish.tcp:
            granted, pair = pair_for_recorder(self._context.spec.address, self._host, wish, buffer_bytes=_BUFFER_BYTES)
        self.close()
        self._leg = MetadataLeg(granted, pair, write=self._write, unsent=self._unsent, heard=self._heard)
        self.tracks[METADATA_TRACK] = granted
        return granted

    def start(self) -> None:
        if self._leg is not None:
            self._context.metadata.join(self._leg)

    def stop(self) -> None:
        if self._leg is not None:
            self._context.metadata.leave(self._leg)

    def measured(self, waiting: int) -> None:
        """So many bytes of the recorder's connection wait in a media process."""
        if self._leg is not None:
            self._leg.measured(waiting)

    def close(self) -> bool:
        """False when it was not set up."""
        leg, self._leg = self._leg, None
        self.tracks.clear()
        if leg is None:
            return False
        self._context.metadata.leave(leg)
        leg.close()
        return True
