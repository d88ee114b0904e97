"""The whole product as a relay: a daemon whose cameras are streams of the source, and recorders that ask for them."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from onviftui.demo_processes import Workplace, free_loopback
from proxyd.api import models as m
from proxyd.api.client import RpcClient
from tests.bench.measure import family, prefer
from tests.e2e.stack import Stack, credentials, wait_for_job, wait_for_states

from .loads import Load
from .peers import free_port
from .programs import Sink, Source
from .rtsp import Recorder

_SCAN_TIMEOUT_S = 300.0
_END_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A stream as the recorder is told of it, and as the source has it."""

    url: str
    user: str
    password: str
    upstream_url: str

    def recorder(self) -> Recorder:
        return Recorder(self.url, self.user, self.password)


@dataclass(frozen=True, slots=True)
class Product:
    """A running daemon; camera i plays stream i of the source."""

    pid: int
    source: Source
    cameras: Sequence[Camera]
    name: str = "onviftui daemon"

    def pids(self) -> list[int]:
        return family(self.pid)

    def carriers(self) -> list[int]:
        return [pid for pid in self.pids() if pid != self.pid]

    @contextmanager
    def flow(self, load: Load, sink: Sink) -> Iterator[Source]:
        with self.playing(load, sink):
            yield self.source

    @contextmanager
    def playing(self, load: Load, sink: Sink) -> Iterator[list[Recorder]]:
        """Recorder i is connection i of the sink, which reads all that comes from now on."""
        self.source.pace(load)
        with ExitStack() as ours:
            recorders: list[Recorder] = []
            for number, camera in enumerate(self.cameras[: load.streams]):
                recorder = ours.enter_context(camera.recorder())
                recorder.prepare()
                recorder.play()
                sink.add(number, recorder.socket)
                recorders.append(recorder)
            yield recorders
            for recorder in recorders:
                recorder.send("TEARDOWN")
            self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """No stream is played, nor kept for whoever may come back."""
        _until(lambda: not self.source.state().playing, "streams of the source still play")


@asynccontextmanager
async def running(folder: Path, load: Load) -> AsyncIterator[Product]:
    """The daemon with a camera for each stream of `load`, all scanned."""
    with free_loopback() as (network, address), Workplace() as workplace:
        stack = Stack(workplace, network, address, workplace.folder / "proxyd.sock", mode=("--loopback", network))
        with Source(folder, load, free_port(), rtsp=True, host=address) as source:
            stack.start_daemon()
            assert stack.daemon is not None
            urls = [f"rtsp://{address}:{source.port}/{stream}" for stream in range(load.streams)]
            async with stack.client() as client:
                cameras = await _add(client, urls)
            print(f"  the daemon has {len(cameras)} cameras", file=sys.stderr, flush=True)
            product = Product(stack.daemon.process.pid, source, cameras)
            prefer(product.pids())
            yield product


async def _add(client: RpcClient, urls: Sequence[str]) -> list[Camera]:
    names = [f"Camera {number:03}" for number in range(len(urls))]
    text = "name,main\n" + "".join(f"{name},{url}\n" for name, url in zip(names, urls, strict=True))
    done: m.SourceImported = await client.call("source.import", {"text": text, "format": "csv", "dry_run": False})
    for nvr_id in done.nvrs:
        nvr: m.Nvr = await client.call("nvr.get", {"id": nvr_id})
        if nvr.job is not None:
            await wait_for_job(client, nvr.job, _SCAN_TIMEOUT_S)
    known = {camera.name: camera for camera in await wait_for_states(client, m.CameraState.RUNNING, _SCAN_TIMEOUT_S)}
    assert len(known) == len(urls), f"{len(known)} cameras instead of {len(urls)}"
    return [
        Camera(known[name].streams[0].url, *await credentials(client, known[name]), url)
        for name, url in zip(names, urls, strict=True)
    ]


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _END_TIMEOUT_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.05)
