import errno
import socket
from dataclasses import replace

import pytest

from proxyd.api.models import CameraState, NvrState
from proxyd.camera.ports import port_holder
from proxyd.camera.status import Facts, Failure, NvrHealth, start_failure, state_of
from proxyd.camera.trace import ENTRIES, Trace

FINE = Facts(
    enabled=True, interface="vcam1", address="10.77.0.101", running=True, failure=None, channel_state="online",
    channel=7, nvr=NvrHealth(NvrState.OK), nvr_name="Garage",
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "state", "word"),
    [
        ({}, CameraState.RUNNING, ""),
        ({"enabled": False, "address": None}, CameraState.STOPPED, "Start it"),
        ({"interface": None, "address": None}, CameraState.NO_INTERFACE, "Add interfaces"),
        ({"address": None}, CameraState.WAITING_FOR_ADDRESS, "vcam1"),
        ({"moved_from": "10.77.0.9", "mac": "a2:6f:00:00:00:01"}, CameraState.ADDRESS_CHANGED, "MAC a2:6f:00:00:00:01"),
        ({"failure": Failure(CameraState.PORT_IN_USE, "by nginx")}, CameraState.PORT_IN_USE, "nginx"),
        ({"running": False}, CameraState.STARTING, ""),
        ({"channel_state": "missing"}, CameraState.MISSING, "channel 7"),
        ({"channel_state": "offline"}, CameraState.NO_SIGNAL, "Garage"),
        ({"nvr": NvrHealth(NvrState.UNREACHABLE, "no answer")}, CameraState.UPSTREAM_UNREACHABLE, "no answer"),
        ({"nvr": NvrHealth(NvrState.WRONG_PASSWORD, "refused")}, CameraState.WRONG_PASSWORD, "refused"),
    ],
)
def test_each_cause_has_its_state_and_words(change: dict[str, object], state: CameraState, word: str) -> None:
    got, reason = state_of(replace(FINE, **change))  # type: ignore[arg-type]  # fields by name
    assert got is state
    assert word in reason
    assert bool(reason) == (state not in (CameraState.RUNNING, CameraState.STARTING))


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EADDRINUSE, CameraState.PORT_IN_USE),
        (errno.EADDRNOTAVAIL, CameraState.WAITING_FOR_ADDRESS),
        (errno.EACCES, CameraState.FAILED),
        (errno.EMFILE, CameraState.FAILED),
        (errno.EIO, CameraState.FAILED),
    ],
)
def test_a_failed_bind_says_what_to_do(number: int, state: CameraState) -> None:
    failure = start_failure(OSError(number, "words"), "10.0.0.1", 80, None)
    assert failure.state is state
    assert len(failure.reason) > 20


def test_the_program_that_holds_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        holder = port_holder("127.0.0.1", server.getsockname()[1])
        assert holder is not None
        assert "pid" in holder
        port = server.getsockname()[1]
    assert port_holder("127.0.0.1", port) is None


def test_the_trace_is_bounded_and_knows_the_recorder() -> None:
    trace = Trace(lambda: "now")
    trace(client="10.0.0.3:4000", protocol="onvif", operation="GetServices", ok=True)
    assert trace.recorder is None  # open to everybody: proves nothing
    trace(client="10.0.0.3:4001", protocol="onvif", operation="GetProfiles", ok=True, auth="UsernameToken")
    assert trace.recorder == "10.0.0.3"
    for n in range(ENTRIES + 5):
        trace(client="10.0.0.4:1", protocol="rtsp", operation=f"{n} " + "x" * 1000, ok=False, reason="y" * 1000)
    assert len(trace.last(1000)) == ENTRIES
    assert trace.last(1)[0].operation.startswith(f"{ENTRIES + 4} ")
    assert len(trace.last(1)[0].operation) == len(trace.last(1)[0].reason) == 300


def test_a_camera_has_moved_until_a_recorder_comes_to_its_new_address() -> None:
    trace = Trace(lambda: "now")

    def come(auth: str = "Digest") -> None:
        trace(client="10.0.0.3:4000", protocol="rtsp", operation="PLAY", ok=True, auth=auth)

    trace.listens_on("10.77.0.1")
    trace.listens_on("10.77.0.2")
    assert trace.moved_from == "", "nobody had come: nobody misses it"
    come()
    trace.listens_on("10.77.0.2")
    assert (trace.moved_from, trace.recorder) == ("", "10.0.0.3"), "started anew, not moved"
    trace.listens_on("10.77.0.3")
    trace.listens_on("10.77.0.4")
    assert (trace.moved_from, trace.recorder) == ("10.77.0.2", None)
    come(auth="")
    assert trace.moved_from == "10.77.0.2", "who may ask without a password is not known as a recorder"
    come()
    assert (trace.moved_from, trace.recorder) == ("", "10.0.0.3")
    trace.listens_on("10.77.0.5")
    trace.listens_on("10.77.0.4")
    assert trace.moved_from == "", "back where it was"
