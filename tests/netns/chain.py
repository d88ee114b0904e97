"""The whole product on the LAN: simulated NVR, netsetup, proxyd and a recorder, each a real process on its machine.

proxyd runs with no capability but NET_BIND_SERVICE, the arm with NET_ADMIN and NET_RAW alone.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.errors import DaemonUnreachable

from .applied import Netsetup
from .lan import NVR, PATIENCE_S, Lan, wait_until

NVR_USER, NVR_PASSWORD = "nvradmin", "Nvr-s3cret-Pass"
_PYTHON = [sys.executable, "-m"]


def with_capabilities(*names: str) -> list[str]:
    """In front of a command: root inside the namespace, but with these capabilities only."""
    kept = ",".join(["-all", *(f"+{name}" for name in names)])
    return ["setpriv", f"--bounding-set={kept}", "--no-new-privs", "--"]


@dataclass
class Chain:
    """Everything has its files in `folder`, so that it can be killed, rebooted and started again."""

    lan: Lan
    folder: Path
    proxyd: subprocess.Popen[str] | None = None
    arm: subprocess.Popen[str] | None = None

    @property
    def rpc_socket(self) -> Path:
        return self.folder / "proxyd.sock"

    @property
    def arm_socket(self) -> Path:
        return self.folder / "netsetup.sock"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def log_of(self, program: str) -> str:
        """All that `proxyd`, `arm` or `nvr` wrote on standard error."""
        return (self.folder / f"{program}.log").read_text(errors="replace")

    def start_nvr(self, channels: int, *options: str, host: str = NVR) -> dict[str, Any]:
        """What it says when it is ready. `host` is an address of the NVR's machine."""
        secret = self.folder / "nvr-password"
        secret.write_text(NVR_PASSWORD)
        secret.chmod(0o600)
        words = ["simulate", "--json", "--host", host, "--port", "80", "--rtsp-port", "554", "--user", NVR_USER]
        words += ["--password-file", str(secret), "--channels", str(channels), *options]
        with (self.folder / "nvr.log").open("a") as log:
            nvr = self.lan.nvr.popen([*_PYTHON, "proxyd", *words], stdout=subprocess.PIPE, stderr=log)
        assert nvr.stdout
        line = nvr.stdout.readline()
        assert line, self.log_of("nvr")
        said: dict[str, Any] = json.loads(line)
        return said

    def start_proxyd(self) -> None:
        config = self.folder / "proxyd.toml"
        config.write_text(f'[daemon]\narm_socket = "{self.arm_socket}"\n')
        words = ["run", "--data", str(self.folder / "data"), "--socket", str(self.rpc_socket), "--config", str(config)]
        with (self.folder / "proxyd.log").open("a") as log:
            self.proxyd = self.lan.host.popen(
                [*with_capabilities("net_bind_service"), *_PYTHON, "proxyd", *words], stderr=log
            )

    def start_arm(self, *, most: int = 128) -> None:
        """Returns when it serves: then the saved plans are in the kernel."""
        before = self.log_of("arm").count("ready on") if (self.folder / "arm.log").exists() else 0
        arm = self.launch_arm(most=most)

        def serves() -> bool:
            assert arm.poll() is None, self.log_of("arm")
            return self.log_of("arm").count("ready on") > before

        wait_until("the arm serves", serves)

    def launch_arm(self, *, most: int = 128) -> subprocess.Popen[str]:
        """Returns at once."""
        config = self.folder / "netsetup.toml"
        config.write_text(f'parents = ["eth0"]\nmost = {most}\nuser = "root"\n')
        words = ["serve", "--config", str(config), "--state", str(self.state), "--socket", str(self.arm_socket)]
        with (self.folder / "arm.log").open("a") as log:
            self.arm = self.lan.host.popen(
                [*with_capabilities("net_admin", "net_raw"), *_PYTHON, "netsetup", *words], stderr=log
            )
        return self.arm

    def kill_proxyd(self, how: int = signal.SIGKILL) -> None:
        assert self.proxyd
        self.lan.host.end(self.proxyd, how)

    def kill_arm(self, how: int = signal.SIGKILL) -> None:
        assert self.arm
        self.lan.host.end(self.arm, how)

    def ask_arm(self, **request: Any) -> dict[str, Any]:
        """One request, as root. Raises AssertionError when it is refused."""
        answer = self._ask_arm(request)
        assert answer.pop("ok"), answer
        return answer

    def refused_by_arm(self, **request: Any) -> dict[str, Any]:
        """`kind`, `error` and `hint`. Raises AssertionError when the arm agrees."""
        answer = self._ask_arm(request)
        assert not answer.pop("ok"), answer
        return answer

    def _ask_arm(self, request: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as asker:
            asker.settimeout(60)
            asker.connect(str(self.arm_socket))
            asker.sendall(json.dumps(request).encode() + b"\n")
            with asker.makefile() as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
        return answer

    @property
    def netsetup(self) -> Netsetup:
        """The command line on the host, with the state in `folder`."""
        return Netsetup(self.lan, self.state)

    @asynccontextmanager
    async def client(self, timeout_s: float = PATIENCE_S) -> AsyncIterator[RpcClient]:
        """A client of proxyd, as soon as it answers. (Unix sockets do not know network namespaces.)"""
        deadline = time.monotonic() + timeout_s
        while True:
            client = RpcClient(self.rpc_socket)
            try:
                await client.__aenter__()
                break
            except DaemonUnreachable:
                assert self.proxyd
                assert self.proxyd.poll() is None, self.log_of("proxyd")
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
        try:
            yield client
        finally:
            await client.__aexit__(None, None, None)

    async def adopt_nvr(self, client: RpcClient, host: str = NVR, **scan_options: Any) -> None:
        """Adds the simulated NVR and scans it to the end."""
        nvr: m.Nvr = await client.call(
            "nvr.add", {"host": host, "port": 80, "username": NVR_USER, "password": NVR_PASSWORD, "name": host}
        )
        job: m.Job = await client.call("nvr.scan", {"id": nvr.id} | scan_options)
        async with asyncio.timeout(120):
            while job.state is m.JobState.RUNNING:
                await asyncio.sleep(0.05)
                job = next(one for one in await client.call("job.list") if one.id == job.id)

    async def credentials(self, client: RpcClient) -> tuple[str, str]:
        """Of every camera: the default is one pair for all."""
        cameras: Sequence[m.Camera] = await client.call("camera.list")
        found: m.Credentials = await client.call("camera.credentials", {"id": cameras[0].id})
        return found.username, found.password

    def record(self, timeout: float = 240, **wish: Any) -> dict[str, Any]:
        """Lets the recorder do its work; see recorder.py for `wish` and the answer."""
        done = self.lan.recorder.run(
            [*_PYTHON, "tests.netns.recorder"], input=json.dumps({"link": "eth0", **wish}), timeout=timeout
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


async def wait_for_cameras(
    client: RpcClient, what: str, fits: Callable[[list[m.Camera]], bool], timeout_s: float = PATIENCE_S
) -> list[m.Camera]:
    """All cameras, once `fits` says so."""
    cameras: list[m.Camera] = []
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                cameras = await client.call("camera.list")
                if fits(cameras):
                    return cameras
                await asyncio.sleep(0.05)
    except TimeoutError:
        states = [(camera.name, camera.address, str(camera.state), camera.reason) for camera in cameras]
        raise AssertionError(f"waited in vain: {what}: {states}") from None


def all_running(count: int) -> Callable[[list[m.Camera]], bool]:
    return lambda cameras: len(cameras) == count and all(camera.state is m.CameraState.RUNNING for camera in cameras)


@contextmanager
def new_chain(lan: Lan) -> Iterator[Chain]:
    """A chain with a folder of its own; a short path, because Unix sockets are in it."""
    folder = Path(tempfile.mkdtemp(prefix="netns-"))
    try:
        yield Chain(lan, folder)
    finally:
        for machine in (lan.host, lan.nvr):
            machine.kill_everything()
        shutil.rmtree(folder, ignore_errors=True)
