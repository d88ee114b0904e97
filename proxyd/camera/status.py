"""From facts to one named state with a reason in words. Pure."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from proxyd.api.models import CameraState, NvrState

_S = CameraState


@dataclass(frozen=True, slots=True)
class NvrHealth:
    state: NvrState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a camera could not be started."""

    state: CameraState
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    enabled: bool
    interface: str | None
    address: str | None
    running: bool
    failure: Failure | None
    channel_state: str  # online | offline | missing
    channel: int
    nvr: NvrHealth
    nvr_name: str
    by_address: bool = False  # a source of RTSP addresses, not a channel of an NVR
    mac: str = ""
    moved_from: str = ""  # the address at which the recorder still is
    waiting: str = ""  # why the interface has no address, as netsetup's arm says


def state_of(f: Facts) -> tuple[CameraState, str]:
    """The first thing in the way wins: what is nearest to the user's hand comes first."""
    if not f.enabled:
        return _S.STOPPED, "Stopped by the user. Start it when a recorder should see it."
    if f.interface is None:
        return _S.NO_INTERFACE, "All interfaces are taken. Add interfaces, or remove a camera that is not needed."
    if f.address is None:
        if f.waiting:
            return _S.WAITING_FOR_ADDRESS, f"{f.interface} has no address: {f.waiting}"
        return (
            _S.WAITING_FOR_ADDRESS,
            f"{f.interface} is gone or has no address; the camera starts when it gets one. If it was removed, "
            "`netsetup undo` brings it back with its MAC; or remove this camera and rescan: it then takes a free one.",
        )
    if f.failure:
        return f.failure.state, f.failure.reason
    if not f.running:
        return _S.STARTING, ""
    if f.channel_state == "missing":
        return (
            _S.MISSING,
            f"The last scan of {f.nvr_name} did not find channel {f.channel}. Scan again when it is back, or remove "
            "this camera.",
        )
    if f.nvr.state is NvrState.WRONG_PASSWORD:
        return _S.WRONG_PASSWORD, f.nvr.reason
    if f.nvr.state is NvrState.UNREACHABLE:
        return _S.UPSTREAM_UNREACHABLE, f.nvr.reason
    if f.channel_state == "offline" and f.by_address:
        return (
            _S.NO_SIGNAL,
            f"Its stream at {f.nvr_name} could not be read yet. Is the address right (onviftui source list), is the "
            f"device on? Then scan {f.nvr_name}.",
        )
    if f.channel_state == "offline":
        return (
            _S.NO_SIGNAL,
            f"{f.nvr_name} has no picture on channel {f.channel}. Check the camera behind it, then scan again.",
        )
    if f.moved_from:
        return (
            _S.ADDRESS_CHANGED,
            f"It moved from {f.moved_from} to {f.address}, where its recorder has not come yet. If it does not find "
            f"the camera, give it the new address; a reservation for MAC {f.mac} in the DHCP server avoids this.",
        )
    return _S.RUNNING, ""


def start_failure(error: OSError, address: str, port: int, holder: str | None) -> Failure:
    """What a failed bind(2) of (address, port) means. `holder` names the program that has the port, if known."""
    match error.errno:
        case errno.EADDRINUSE:
            by = f"used by {holder}" if holder else "used by another program"
            return Failure(
                _S.PORT_IN_USE,
                f"Port {port} on {address} is {by}. Stop it or move it to another address; the camera then starts.",
            )
        case errno.EADDRNOTAVAIL:
            return Failure(
                _S.WAITING_FOR_ADDRESS,
                f"{address} is not on this machine (any more); the camera starts when it is back.",
            )
        case errno.EACCES:
            return Failure(
                _S.FAILED,
                f"proxyd may not use port {port}. It needs CAP_NET_BIND_SERVICE; the supplied systemd unit gives it.",
            )
        case errno.EMFILE | errno.ENFILE:
            return Failure(_S.FAILED, "Too many open files. Raise LimitNOFILE of proxyd.service.")
        case _:
            return Failure(_S.FAILED, f"Cannot listen on {address} port {port}: {error.strerror or error}.")
