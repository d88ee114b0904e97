"""What an NVR refuses or leaves out, in words for people.

Pure. `host` is the NVR's, as it was typed.
"""

from __future__ import annotations

from proxyd.camera.spec import StreamTransport
from proxyd.errors import UpstreamError, UpstreamProtocolError, UpstreamUnreachable

_WORDS = {
    403: (
        "does not let this account view the stream.",
        "Give the account the right to live video of this channel.",
    ),
    404: (
        "does not know the stream's address.",
        "Scan it again; an address that was typed has to be corrected: onviftui source edit CAMERA --main URL",
    ),
    453: (
        "allows no more streams.",
        "Close other viewers, let recorders share one session (camera edit --share on), or lower bit rates there.",
    ),
    454: ("has ended the session.", "It is opened again by itself."),
    503: (
        "allows no more streams at the moment.",
        "Close other viewers, let recorders share one session (camera edit --share on), or wait until it has started.",
    ),
}
_NO_PLACE = (453, 503)
_NOT_BY: dict[StreamTransport, tuple[str, str]] = {  # 461
    "auto": (
        "sends video neither inside the RTSP connection nor by UDP to one receiver.",
        "Switch RTP over RTSP (TCP) on there.",
    ),
    "tcp": (
        "does not send video inside the RTSP connection.",
        "Switch RTP over RTSP (TCP) on there, or let it send by UDP: onviftui nvr edit NVR --transport auto",
    ),
    "udp": (
        "does not send video by UDP to one receiver.",
        "Let it send inside the RTSP connection: onviftui nvr edit NVR --transport auto",
    ),
}


class NoPlace(UpstreamError):
    """It has no more sessions to give at the moment."""


class MayNotSpeak(UpstreamError):
    """It refuses sound of an account that may be good for everything else; some say so as of a wrong password."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} does not let this account speak to its cameras.",
            "Give the account the right to two-way audio there.",
        )


def refused(
    host: str, status: int, method: str, transport: StreamTransport = "auto", *, back: bool = False
) -> UpstreamError:
    """It answered with this status; `transport` is what was asked for, `back` of a session for sound to it."""
    if back and status == 403:
        return MayNotSpeak(host)
    words, hint = _NOT_BY[transport] if status == 461 else _WORDS.get(status, ("", ""))
    if words:
        return (NoPlace if status in _NO_PLACE else UpstreamError)(f"{host} {words}", hint)
    return UpstreamProtocolError(
        f"{host} answered {method} with status {status}.", "Scan it again; if that does not help, restart it."
    )


def stalled(host: str, *, udp: bool) -> UpstreamUnreachable:
    """Media stopped coming."""
    what = f"The stream of {host} stalled: the connection stands, but no video arrives"
    if udp:
        return UpstreamUnreachable(
            f"{what} by UDP.",
            "Look at this channel there, and for a firewall between; better switch RTP over RTSP (TCP) on there.",
        )
    return UpstreamUnreachable(f"{what}.", "Look at this channel there: does it show a picture?")


def no_video(host: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(
        f"{host} describes a stream without video.",
        "Check that the channel has a camera and that its stream is switched on.",
    )


def no_ports(host: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(
        f"{host} does not say which ports it sends video from.", "Switch RTP over RTSP (TCP) on there."
    )


def unusable_address(host: str, error: ValueError) -> UpstreamProtocolError:
    return UpstreamProtocolError(f"The stream's address on {host} cannot be used ({error}).", "Scan it again.")
