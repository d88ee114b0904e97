"""`onviftui demo`, the main job on one machine: simulated NVR → daemon → scan → cameras → UI or one JSON document.

Speaks to both programs only as a user would: their command lines and the JSON-RPC socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import select
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.models import Camera, CameraState, Credentials, JobState, Nvr
from proxyd.errors import DaemonUnreachable, InvalidInput

from .demo_processes import Child, DemoFailed, EndingSignals, Stopped, Workplace, free_loopback
from .output import counted, harmless
from .progress import ProgressLine, run_scan

READY_TIMEOUT_S = 60.0
SCAN_TIMEOUT_S = 600.0
RUNNING_TIMEOUT_S = 120.0
NVR_USER = "installer"


@dataclass(frozen=True, slots=True)
class SimulatedNvr:
    """What the simulator says when it is ready, and what it was told."""

    host: str
    port: int
    username: str
    password: str
    dialect: str
    channels: int


def run_demo(channels: int, dialect: str, *, headless: bool, json_mode: bool) -> int:
    """Exit code of the whole demo. Raises InvalidInput before anything is started."""
    if json_mode and not headless:
        raise InvalidInput("--json needs --headless here.", "Try: onviftui demo --headless --json")
    if not headless and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("The UI needs a terminal.", "Without one: onviftui demo --headless --json")
    ready = False
    try:
        with EndingSignals() as signals, free_loopback() as (network, nvr_address), Workplace() as workplace:
            socket = workplace.folder / "proxyd.sock"
            nvr, cameras, credentials = signals.run(
                _bring_up(workplace, socket, network, nvr_address, channels, dialect)
            )
            ready = True
            if not headless:
                from .app import run

                return run(socket)
            _announce(nvr, socket, cameras, credentials, json_mode=json_mode)
            _watch(workplace.children)
    except (Stopped, KeyboardInterrupt):
        _say("the demo has ended" if ready else "stopped before everything ran")
        return 0 if ready else 1
    except DemoFailed as failure:
        _say(f"failed: {failure}")
        if failure.log:
            sys.stderr.write("".join(f"    {harmless(line)}\n" for line in failure.log.splitlines()))
        return 1
    return 0


async def _bring_up(
    workplace: Workplace, socket: Path, network: str, nvr_address: str, channels: int, dialect: str
) -> tuple[SimulatedNvr, list[Camera], Credentials]:
    _say(f"starting the simulated NVR ({dialect}, {counted(channels, 'channel')}) …")
    password = secrets.token_urlsafe(12)
    simulator = workplace.spawn(
        "the simulated NVR",
        "simulator",
        [
            *("simulate", "--json", "--host", nvr_address, "--port", "0", "--channels", str(channels)),
            *("--dialect", dialect, "--user", NVR_USER),
            *("--password-file", str(workplace.secret_file("nvr-password", password))),
        ],
    )
    _say(f"starting the daemon, cameras on {network} …")
    daemon = workplace.spawn(
        "the daemon",
        "daemon",
        ["run", "--data", str(workplace.folder / "data"), "--socket", str(socket), "--loopback", network],
    )
    said = json.loads(simulator.first_line(READY_TIMEOUT_S))
    nvr = SimulatedNvr(str(said["host"]), int(said["port"]), NVR_USER, password, dialect, channels)
    await _wait_for_socket(socket, daemon)
    try:
        async with RpcClient(socket) as client:
            await _add_and_scan(client, nvr, daemon)
        async with RpcClient(socket) as client:
            cameras = await _wait_until_running(client, channels, daemon)
            credentials: Credentials = await client.call("camera.credentials", {"id": cameras[0].id})
    except DaemonUnreachable as error:
        daemon.require_alive()
        raise DemoFailed(error.message, "The daemon's last words:", daemon.log_tail()) from None
    return nvr, cameras, credentials


async def _wait_for_socket(socket: Path, daemon: Child) -> None:
    """Until the daemon answers: its socket appears when it is ready, and there is nobody yet who could tell."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        daemon.require_alive()
        try:
            async with RpcClient(socket) as client:
                await client.call("status")
                return
        except DaemonUnreachable:
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"the daemon did not answer within {READY_TIMEOUT_S:.0f} s.", "Its last words:", daemon.log_tail()
                ) from None
        await asyncio.sleep(0.05)


async def _add_and_scan(client: RpcClient, simulated: SimulatedNvr, daemon: Child) -> None:
    params: dict[str, Any] = {
        "host": simulated.host,
        "port": simulated.port,
        "username": simulated.username,
        "password": simulated.password,
        "name": "Demo NVR",
    }
    nvr: Nvr = await client.call("nvr.add", params)
    progress = ProgressLine(sys.stderr)
    try:
        async with asyncio.timeout(SCAN_TIMEOUT_S):
            job = await run_scan(client, nvr.id, progress=progress, catch_interrupt=False)
    except TimeoutError:
        raise DemoFailed("the scan did not end.", "The daemon's last words:", daemon.log_tail()) from None
    if job.state is not JobState.DONE:
        raise DemoFailed(f"the scan: {job.error} {job.hint}", "The daemon's last words:", daemon.log_tail())
    _say(f"scan {job.done}/{job.total} done")


async def _wait_until_running(client: RpcClient, channels: int, daemon: Child) -> list[Camera]:
    """All cameras in order, once each of them runs."""
    snapshot = await client.subscribe()
    cameras = {camera.id: camera for camera in snapshot.cameras}
    try:
        async with asyncio.timeout(RUNNING_TIMEOUT_S):
            if not _all_run(cameras.values(), channels):
                async for event in client.events():
                    if event.kind == "camera" and event.action == "changed":
                        camera = Camera.model_validate(event.data)
                        cameras[camera.id] = camera
                        if _all_run(cameras.values(), channels):
                            break
    except TimeoutError:
        waiting = [camera for camera in cameras.values() if camera.state is not CameraState.RUNNING]
        which = "; ".join(f"{camera.name} is {camera.state} {camera.reason}".strip() for camera in waiting)
        idle = channels - len(cameras) + len(waiting)
        raise DemoFailed(
            f"{idle} of {channels} cameras do not run: {which or 'they are missing'}.",
            "The daemon's last words:",
            daemon.log_tail(),
        ) from None
    _say(f"{counted(len(cameras), 'camera')} running")
    listed: list[Camera] = await client.call("camera.list")
    return listed


def _all_run(cameras: Iterable[Camera], channels: int) -> bool:
    return sum(camera.state is CameraState.RUNNING for camera in cameras) >= channels


def _announce(
    nvr: SimulatedNvr, socket: Path, cameras: list[Camera], credentials: Credentials, *, json_mode: bool
) -> None:
    """Once, on standard output. The passwords in it are made up for this demo and end with it."""
    if json_mode:
        document = {
            "nvr": {name: getattr(nvr, name) for name in SimulatedNvr.__slots__},
            "socket": str(socket),
            "cameras": [camera.model_dump(mode="json") for camera in cameras],
            "credentials": {"username": credentials.username, "password": credentials.password},
        }
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(
            f"{counted(len(cameras), 'camera')} from {cameras[0].onvif_url} on; "
            f"user {credentials.username}, password {credentials.password}\n"
            f"Try: onviftui --socket {socket} camera list\nCtrl-C ends the demo.\n"
        )
    sys.stdout.flush()


def _watch(children: list[Child]) -> None:
    """Until a signal raises Stopped. Raises DemoFailed when a process ends by itself."""
    with contextlib.ExitStack() as descriptors:
        poll = select.poll()
        for child in children:
            descriptor = os.pidfd_open(child.process.pid)
            descriptors.callback(os.close, descriptor)
            poll.register(descriptor, select.POLLIN)
        poll.poll()
    for child in children:
        child.require_alive()


def _say(text: str) -> None:
    sys.stderr.write(harmless(f"demo: {text}") + "\n")
    sys.stderr.flush()
