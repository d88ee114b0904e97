"""What the conversations of one camera share: its spec, its limits, where to report, who may come in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxyd.camera.guess_line import GuessLine
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec, RecordExchange, ReportUpstream
from proxyd.digest import DigestVerifier
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.plane import Plane
from proxyd.rtsp.stats import StreamFigures

if TYPE_CHECKING:
    from proxyd.rtsp.connection import ClientConnection
    from proxyd.rtsp.metadata import Metadata
    from proxyd.rtsp.speaker import Speaker
    from proxyd.rtsp.streams import Streams

TEXT_LIMIT = 60


@dataclass(frozen=True, slots=True)
class RtspLimits:
    connections: int = 32  # to one camera
    connections_each: int = 24  # of these from one address
    requests_in_flight: int = 16
    half_open_s: float = 10  # from connecting, or from the first byte of a message, to its end
    idle_s: float = 60  # without a session
    session_timeout_s: int = 60
    stall_timeout_s: float = 10  # nothing from the NVR
    blocked_s: float = 10  # a recorder that does not read our answers; while it plays the media process sees to that
    sweep_s: float = 1
    linger_s: float = 5  # how long a stream goes on after its last recorder
    logins: int = 4  # at one NVR at the same time; one that has just started falls over when 64 streams come back
    keep_s: float = 60  # how long recorders keep their sessions while a lost stream is fetched again
    reconnect_s: tuple[float, float] = (0.5, 10)  # the first and the longest pause before another try
    silent_talk_s: float = 10  # after so much silence another recorder may speak
    talk_again_s: float = 2  # how long the NVR is left alone when it did not take what a recorder says
    upstream: UpstreamTimeouts = field(default_factory=UpstreamTimeouts)


@dataclass(slots=True)
class CameraContext:
    """`spec` is replaced when it changes."""

    spec: CameraSpec
    limits: RtspLimits
    record: RecordExchange
    report: ReportUpstream
    verifier: DigestVerifier
    opener: UpstreamOpener
    guesses: Guesses
    line: GuessLine
    plane: Plane
    figures: dict[str, StreamFigures] = field(default_factory=dict)
    streams: Streams = field(init=False)
    speaker: Speaker = field(init=False)
    metadata: Metadata = field(init=False)
    tunnels: dict[tuple[str, str], ClientConnection] = field(default_factory=dict)  # recorder's host, cookie → the GET

    def figures_of(self, stream: str) -> StreamFigures:
        return self.figures.setdefault(stream, StreamFigures())


def shown(text: str) -> str:
    """A peer's text as it may be shown to people: short, and nothing that moves a cursor."""
    return "".join(char for char in text[:TEXT_LIMIT] if char.isprintable())
