"""Words for how things stand. They are a contract: scripts read them."""

from __future__ import annotations

from enum import StrEnum


class CameraState(StrEnum):
    """Named states of a camera. `reason` beside it says why and what to try."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    WAITING_FOR_ADDRESS = "waiting for address"
    ADDRESS_CHANGED = "address changed"  # runs, but the recorder that used it has not come to the new address yet
    NO_INTERFACE = "no interface free"
    PORT_IN_USE = "port in use"
    UPSTREAM_UNREACHABLE = "upstream unreachable"
    WRONG_PASSWORD = "wrong NVR password"  # noqa: S105 - a state, not a password
    NO_SIGNAL = "no signal"
    MISSING = "missing on NVR"
    FAILED = "failed"


class NvrState(StrEnum):
    """How an NVR stands; `reason` beside it says why and what to try."""

    NEW = "new"  # never scanned
    OK = "ok"
    UNREACHABLE = "unreachable"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a state, not a password


class JobState(StrEnum):
    """Only `running` changes any more."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """Ordered: each may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
