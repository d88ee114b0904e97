"""What the conversations of one camera share: its spec, its limits, where to report, who may come in."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxyd.camera.guess_line import GuessLine
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import CameraSpec, RecordExchange, ReportUpstream
from proxyd.digest import DigestVerifier
from proxyd.rtsp.client import UpstreamTimeouts
from proxyd.rtsp.opener import UpstreamOpener
from proxyd.rtsp.relay import Meter

TEXT_LIMIT = 60


@dataclass(frozen=True, slots=True)
class RtspLimits:
    connections: int = 32
    requests_in_flight: int = 16
    half_open_s: float = 10  # from connecting, or from the first byte of a message, to its end
    idle_s: float = 60  # without a session
    session_timeout_s: int = 60
    stall_timeout_s: float = 10  # nothing from the NVR
    blocked_s: float = 10  # a recorder that reads nothing
    sweep_s: float = 1
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
    meters: dict[str, Meter] = field(default_factory=dict)


def shown(text: str) -> str:
    """A peer's text as it may be shown to people: short, and nothing that moves a cursor."""
    return "".join(char for char in text[:TEXT_LIMIT] if char.isprintable())
