"""SOAP answers: requests per second, p99 and CPU per request, of one camera and spread over 128, signed and unsigned.

Beside them, in turns within the same run, the npm `soap` server that says the same (it serves the ONVIF proxies that
there are), with as many listeners in one process. Both are servers alone; the whole daemon with 128 cameras, which also
watches two NVRs and fetches their events, is measured after them, and answers signed requests only."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lxml import etree

from proxyd.api import models as m
from proxyd.onvif.namespaces import DEVICE, MEDIA
from tests.e2e.stack import Stack, credentials, running_stack, wait_for_states

from . import npm_peer
from .load import Load, MakeRequest, hammer, once
from .signed import signed_request

CAMERAS = 128
REQUESTS = 1600
ROUNDS = 5
AT_ONCE = 16
USER, PASSWORD = "bench", "kiwi-7-lantern"
Mode = Literal["open", "signed"]
_SERVICES = {
    "GetDeviceInformation": (DEVICE, "/onvif/device_service"),
    "GetProfiles": (MEDIA, "/onvif/media_service"),
}
_OPEN = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><{operation} xmlns="{namespace}"/></s:Body>'
    "</s:Envelope>"
)


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    bases: list[str]


async def run() -> dict[str, object]:
    async with AsyncExitStack() as exits:
        scratch = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        ours = {mode: await exits.enter_async_context(_cameras(mode)) for mode in _modes()}
        answers = await _answers(ours["open"].bases[0])
        theirs: dict[Mode, Server] = {}
        absent = ""
        try:
            node, modules = await exits.enter_async_context(npm_peer.modules(scratch))
        except npm_peer.PeerAbsent as error:
            absent = str(error)
            print(f"  the npm soap server is absent: {error}", file=sys.stderr, flush=True)
        else:
            file = scratch / "answers.json"
            file.write_text(json.dumps(answers))
            theirs = {mode: await exits.enter_async_context(_npm(node, modules, mode, file)) for mode in _modes()}
            await _require_same(ours["open"].bases[0], theirs["open"].bases[0])
        compared = {
            f"{operation}, {mode}, {count} camera{'s' if count > 1 else ''}": await _compare(
                operation, mode, count, ours[mode], theirs.get(mode)
            )
            for operation in _SERVICES
            for mode in _modes()
            for count in (1, CAMERAS)
        }
    peer = f"npm soap {npm_peer.VERSION}" if not absent else f"absent: {absent}"
    return {"peer": peer, **compared, "the whole daemon, signed": await _daemon()}


def _modes() -> tuple[Mode, Mode]:
    return ("open", "signed")


async def _compare(operation: str, mode: Mode, count: int, ours: Server, theirs: Server | None) -> dict[str, object]:
    """In turns, and each round in the other order, so that neither has the quieter machine."""
    servers = {"onviftui": ours} | ({"npm soap": theirs} if theirs else {})
    seen: dict[str, list[Load]] = {name: [] for name in servers}
    for number in range(ROUNDS):
        for name in list(seen)[:: 1 if number % 2 == 0 else -1]:
            server = servers[name]
            seen[name].append(await _burst(operation, mode, server.bases[:count], server.pid, USER, PASSWORD))
    result: dict[str, object] = {name: _medians(loads) for name, loads in seen.items()}
    if theirs:
        result["ratio"] = {
            field: round(_median(seen["onviftui"], field) / _median(seen["npm soap"], field), 2)
            for field in ("requests_per_s", "p99_ms", "cpu_us")
        }
    return result


async def _burst(operation: str, mode: Mode, bases: Sequence[str], pid: int, user: str, password: str) -> Load:
    namespace, path = _SERVICES[operation]
    plain = {base + path: _plain(base + path, operation, namespace) for base in bases}
    make: MakeRequest = plain.__getitem__
    if mode == "signed":

        def make(url: str) -> bytes:
            return signed_request(url, operation, namespace, user, password)

    return await hammer([base + path for base in bases], make, pid, requests=REQUESTS, at_once=AT_ONCE)


def _plain(url: str, operation: str, namespace: str) -> bytes:
    body = _OPEN.format(operation=operation, namespace=namespace)
    host, _, path = url.removeprefix("http://").partition("/")
    head = f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _median(loads: Sequence[Load], field: str) -> float:
    return statistics.median(float(asdict(load)[field]) for load in loads)


def _medians(loads: Sequence[Load]) -> dict[str, float]:
    return {
        "requests_per_s": round(_median(loads, "requests_per_s")),
        "p99_ms": round(_median(loads, "p99_ms"), 2),
        "cpu_us": round(_median(loads, "cpu_us")),
    }


# The servers -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _process(*command: str, **environment: str) -> AsyncIterator[Server]:
    """A program that prints the ports of its cameras and stays."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment or None)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            ports = json.loads(await process.stdout.readline())
        yield Server(process.pid, [f"http://127.0.0.1:{port}" for port in ports])
    finally:
        process.terminate()
        await process.wait()


def _cameras(mode: Mode) -> Any:
    return _process(sys.executable, "-m", "tests.bench.cameras", str(CAMERAS), mode, USER, PASSWORD)


def _npm(node: Path, modules: Path, mode: Mode, answers: Path) -> Any:
    script = Path(__file__).with_name("npm_soap.js")
    command = (str(node), str(script), str(CAMERAS), mode, USER, PASSWORD, str(answers))
    return _process(*command, NODE_PATH=str(modules))


async def _body(base: str, operation: str) -> etree._Element:
    namespace, path = _SERVICES[operation]
    return etree.fromstring(await once(base + path, _plain(base + path, operation, namespace)))[-1][0]


async def _answers(base: str) -> dict[str, Any]:
    """What a camera of ours says, for the peer to say."""
    return {
        path: {"namespace": namespace, "operations": {name: npm_peer.as_json(await _body(base, name))}}
        for name, (namespace, path) in _SERVICES.items()
    }


async def _require_same(ours: str, theirs: str) -> None:
    for operation in _SERVICES:
        said = [
            sorted(
                (etree.QName(each).localname, (each.text or "").strip())
                for each in (await _body(base, operation)).iter()
            )
            for base in (ours, theirs)
        ]
        assert said[0] == said[1], f"{operation} is not answered alike"


async def _daemon() -> dict[str, object]:
    async with running_stack("--channels", str(CAMERAS // 2)) as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        second = stack.said["host"].rpartition(".")[0] + ".2"
        stack.start_simulator("--channels", str(CAMERAS // 2), host=second)
        await stack.scan(client, await stack.add_nvr(client, name="Second"))
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        assert len(cameras) == CAMERAS
        secret = await credentials(client, cameras[0])
        bases = [str(camera.onvif_url).removesuffix("/onvif/device_service") for camera in cameras]
        return {
            f"{operation}, {count} camera{'s' if count > 1 else ''}": _medians(
                [await _burst(operation, "signed", bases[:count], _pid(stack), *secret) for _ in range(ROUNDS)]
            )
            for operation in _SERVICES
            for count in (1, CAMERAS)
        }


def _pid(stack: Stack) -> int:
    assert stack.daemon is not None
    return stack.daemon.process.pid
