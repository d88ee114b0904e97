"""What a recorder's session may do in which state (RFC 2326 §A.2), as a table.

Pure. The connection asks before it acts and tells afterwards what happened.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from enum import Enum

from proxyd.rtsp.headers import Transport

METHODS = (
    "OPTIONS",
    "DESCRIBE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "TEARDOWN",
)
KNOWN_BUT_REFUSED = ("ANNOUNCE", "RECORD", "REDIRECT")
PUBLIC = ", ".join(METHODS)


class Refused(Exception):
    """A request that is answered with an error. `reason` goes into the trace and not to the recorder; "" means that
    nothing needs to be recorded."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class State(Enum):
    INIT = "init"
    READY = "ready"
    PLAYING = "playing"


# (state, method) that is allowed → next state
_TRANSITIONS = {
    (State.INIT, "SETUP"): State.READY,
    (State.READY, "SETUP"): State.READY,
    (State.READY, "PLAY"): State.PLAYING,
    (State.READY, "PAUSE"): State.READY,
    (State.PLAYING, "PLAY"): State.PLAYING,
    (State.PLAYING, "PAUSE"): State.READY,
}


@dataclass(slots=True)
class SessionTable:
    """One recorder's session: the tracks that were set up, and the state. `id` is ours, never the NVR's."""

    id: str
    stream: str
    state: State = State.INIT
    tracks: dict[int, Transport] = field(default_factory=dict)

    def refusal(self, method: str) -> int:
        """0 when the method is valid now, else the status to answer."""
        return 0 if (self.state, method) in _TRANSITIONS else 455

    def done(self, method: str) -> None:
        """The method succeeded."""
        self.state = _TRANSITIONS[(self.state, method)]

    def setup_refusal(self, stream: str, track: int | None, offered_tracks: int, taken: Container[int] = ()) -> int:
        """0 when this track may be set up now. Setting up the whole presentation is only possible when it has one
        track (459); another stream needs its own connection."""
        if stream != self.stream or (track is None and offered_tracks > 1):
            return 459
        number = 0 if track is None else track
        if not 0 <= number < offered_tracks:
            return 404
        return 455 if number in self.tracks or number in taken else self.refusal("SETUP")


def choose_transport(
    alternatives: list[Transport], taken: dict[int, Transport], *, udp: bool = True
) -> Transport | None:
    """The first alternative we can serve, as it will be granted (server ports are still missing); None means 461.
    `udp`: whether that is offered.

    TCP channels that are missing or taken are replaced by free ones. All tracks of a session go the same way.
    """
    used = {channel for one in taken.values() if one.interleaved for channel in one.interleaved}
    for wish in alternatives:
        if not wish.unicast or wish.profile != "RTP/AVP" or "RECORD" in wish.mode.upper():
            continue
        if any(one.tcp != wish.tcp for one in taken.values()):
            continue
        if not wish.tcp:
            if udp and wish.client_port is not None and wish.client_port[0] > 0:
                return Transport(client_port=wish.client_port)
            continue
        channels = wish.interleaved
        if channels is None or used & set(channels) or channels[1] == channels[0]:
            first = next((n for n in range(0, 256, 2) if not used & {n, n + 1}), None)
            if first is None:
                continue
            channels = (first, first + 1)
        return Transport(tcp=True, interleaved=channels)
    return None


def unsupported_features(values: list[str], known: Container[str]) -> list[str]:
    """Those of Require and Proxy-Require values that are not known: they are answered with 551."""
    features = [feature.strip() for value in values for feature in value.split(",")]
    return [feature for feature in features if feature and feature not in known]
