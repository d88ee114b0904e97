"""The whole product in real processes: simulated NVR and daemon on a loopback range of their own."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from onviftui.demo_processes import Child, DemoFailed, Workplace, free_loopback
from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import DaemonUnreachable

NVR_PASSWORD = "Nvr-s3cret-Pass"
NVR_USER = "nvradmin"


@dataclass
class Stack:
    """One simulated NVR and one daemon. Both can be killed and started again."""

    workplace: Workplace
    network: str
    nvr_address: str
    socket: Path
    simulator: Child | None = None
    said: dict[str, Any] = field(default_factory=dict)
    daemon: Child | None = None
    mode: tuple[str, ...] = ()  # how cameras get addresses, and other options of the daemon

    def start_simulator(self, *options: str, host: str = "") -> dict[str, Any]:
        """What it says when it is ready; also in `said` (the last one started)."""
        secret = self.workplace.folder / "nvr-password"
        if not secret.exists():
            self.workplace.secret_file("nvr-password", NVR_PASSWORD)
        host = host or self.nvr_address
        self.simulator = self.workplace.spawn(
            "the simulated NVR",
            f"simulator-{host}",
            ["simulate", "--json", "--host", host, "--user", NVR_USER, "--password-file", str(secret), *options],
        )
        self.said = json.loads(self.simulator.first_line(120))
        return self.said

    def take_nvr_away(self) -> None:
        """Its power is gone until `bring_nvr_back`, however long that takes."""
        assert self.simulator is not None
        self.simulator.process.kill()
        self.simulator.process.wait(60)

    def bring_nvr_back(self, *options: str) -> None:
        """The simulator with these options on the ports that it had."""
        ports = ("--port", str(self.said["port"]), "--rtsp-port", str(self.said["rtsp_port"]))
        self.start_simulator(*options, *ports, host=self.said["host"])

    def start_daemon(self) -> None:
        self.daemon = self.workplace.spawn(
            "the daemon",
            "daemon",
            ["run", "--data", str(self.workplace.folder / "data"), "--socket", str(self.socket), *self.mode],
        )

    def kill_daemon(self, number: int = signal.SIGKILL) -> None:
        assert self.daemon is not None
        self.daemon.process.send_signal(number)
        self.daemon.process.wait(60)

    @property
    def database(self) -> Path:
        return self.workplace.folder / "data" / "proxyd.db"

    @asynccontextmanager
    async def client(self, timeout_s: float = 60) -> AsyncIterator[RpcClient]:
        """A client of the daemon, as soon as it answers."""
        deadline = time.monotonic() + timeout_s
        while True:
            client = RpcClient(self.socket)
            try:
                await client.__aenter__()
                break
            except DaemonUnreachable:
                assert self.daemon is not None
                try:
                    self.daemon.require_alive()
                except DemoFailed as error:
                    raise AssertionError(f"{error}\n{error.log}") from None
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
        try:
            yield client
        finally:
            await client.__aexit__(None, None, None)

    async def add_nvr(self, client: RpcClient, **changes: Any) -> m.Nvr:
        params = {
            "host": self.said["host"],
            "port": self.said["port"],
            "username": NVR_USER,
            "password": NVR_PASSWORD,
            "name": "Garage",
        }
        nvr: m.Nvr = await client.call("nvr.add", params | changes)
        return nvr

    async def scan(self, client: RpcClient, nvr: m.Nvr, **options: Any) -> m.Job:
        """Starts a scan and waits for its end."""
        job: m.Job = await client.call("nvr.scan", {"id": nvr.id} | options)
        return await wait_for_job(client, job.id)

    async def fault(self, **command: Any) -> None:
        """Switches a fault of the simulator at run time, such as fault="slow=0.2" or restart=1.0."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.said["control_url"], json=command) as response,
        ):
            assert response.status == 200, await response.text()

    async def simulator_state(self) -> dict[str, Any]:
        """What the simulator counted, such as wrong_passwords."""
        async with aiohttp.ClientSession() as session, session.get(self.said["control_url"]) as response:
            state: dict[str, Any] = await response.json()
            return state


@asynccontextmanager
async def running_stack(*options: str, shared: bool = False, settings: str = "") -> AsyncIterator[Stack]:
    """As `stack_of`, for one test."""
    with stack_of(*options, shared=shared, settings=settings) as stack:
        yield stack


@contextmanager
def stack_of(*options: str, shared: bool = False, settings: str = "", simulator: bool = True) -> Iterator[Stack]:
    """Simulator (with these options, or none) and daemon, started; both are gone afterwards. `shared`: all cameras on
    one address instead of one for each; `settings`: the daemon's configuration file."""
    with free_loopback() as (network, nvr_address), Workplace() as workplace:
        stack = Stack(workplace, network, nvr_address, workplace.folder / "proxyd.sock")
        stack.mode = ("--shared", network.replace(".0/24", ".1")) if shared else ("--loopback", network)
        if settings:
            file = workplace.folder / "proxyd.toml"
            file.write_text(settings)
            stack.mode += ("--config", str(file))
        stack.start_daemon()
        if simulator:
            stack.start_simulator(*options)
        yield stack


async def wait_for_job(client: RpcClient, id_: int, timeout_s: float = 120) -> m.Job:
    async with asyncio.timeout(timeout_s):
        while True:
            jobs: list[m.Job] = await client.call("job.list")
            job = next(job for job in jobs if job.id == id_)
            if job.state is not m.JobState.RUNNING:
                return job
            await asyncio.sleep(0.05)


async def wait_for_states(client: RpcClient, wanted: m.CameraState, timeout_s: float = 60) -> list[m.Camera]:
    """All cameras, once each is in this state."""
    cameras: list[m.Camera] = []
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                cameras = await client.call("camera.list")
                if cameras and all(camera.state is wanted for camera in cameras):
                    return cameras
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError([(camera.name, camera.state, camera.reason) for camera in cameras]) from None


async def credentials(client: RpcClient, camera: m.Camera) -> tuple[str, str]:
    found: m.Credentials = await client.call("camera.credentials", {"id": camera.id})
    return found.username, found.password
