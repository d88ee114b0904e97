"""The TCP proxies that ours is measured beside, each a process of its own on 127.0.0.1 in front of one source."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.measure import family, prefer

from .programs import HOST, Absent

NODE_TCP_PROXY = ("node-tcp-proxy", "0.0.28")
_NGINX_STREAM = (
    "/usr/lib/nginx/modules/ngx_stream_module.so",  # Debian
    "/usr/lib64/nginx/modules/ngx_stream_module.so",
)
_READY_TIMEOUT_S = 10.0
_LISTEN = "0A"  # in /proc/net/tcp

# Their defaults, but for time limits that a stream would not outlive.
_HAPROXY = """
global
    maxconn 4096
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen relay
    bind {host}:{port}
    server source {host}:{source_port}
"""
_NGINX = """
load_module {module};
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
stream {{
    server {{
        listen {host}:{port};
        proxy_pass {host}:{source_port};
        proxy_timeout 1h;
    }}
}}
"""
_NODE = 'require("node-tcp-proxy").createProxy({port}, "{host}", {source_port}, {{hostname: "{host}"}});'


@dataclass(frozen=True, slots=True)
class Place:
    """`folder`: scratch, with the compiled programs; `modules`: node_modules by the package in it that is wanted."""

    folder: Path
    modules: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Peer:
    """It listens at HOST:port and connects to HOST:source_port for every client."""

    name: str
    pid: int
    port: int
    source_port: int


Command = Callable[[Place, int, int], tuple[list[str], Mapping[str, str]]]  # from listening and source's port


def _splice(place: Place, port: int, source_port: int) -> tuple[list[str], Mapping[str, str]]:
    return [str(place.folder / "splice"), str(port), HOST, str(source_port)], {}


def _asyncio(place: Place, port: int, source_port: int) -> tuple[list[str], Mapping[str, str]]:
    script = Path(__file__).with_name("asyncio_pipe.py")
    return [sys.executable, str(script), str(port), HOST, str(source_port)], {}


def _node(place: Place, port: int, source_port: int) -> tuple[list[str], Mapping[str, str]]:
    modules = place.modules.get(NODE_TCP_PROXY[0])
    if modules is None:
        raise Absent("node, npm or the package is missing")
    program = _NODE.format(port=port, host=HOST, source_port=source_port)
    return [_found("node"), "-e", program], {"NODE_PATH": str(modules)}


def _haproxy(place: Place, port: int, source_port: int) -> tuple[list[str], Mapping[str, str]]:
    file = place.folder / "haproxy.cfg"
    file.write_text(_HAPROXY.format(host=HOST, port=port, source_port=source_port))
    return [_found("haproxy"), "-q", "-db", "-f", str(file)], {}


def _nginx(place: Place, port: int, source_port: int) -> tuple[list[str], Mapping[str, str]]:
    program = _found("nginx")
    module = next((path for path in _NGINX_STREAM if Path(path).exists()), None)
    if module is None:
        raise Absent("nginx has no stream module (Debian: apt install libnginx-mod-stream)")
    file = place.folder / "nginx.conf"
    names = {"folder": place.folder, "module": module, "host": HOST, "port": port, "source_port": source_port}
    file.write_text(_NGINX.format(**names))
    return [program, "-p", str(place.folder), "-c", str(file)], {}


COMMANDS: dict[str, Command] = {
    "node-tcp-proxy": _node,
    "haproxy": _haproxy,
    "nginx stream": _nginx,
    "C splice": _splice,
    "asyncio pipe": _asyncio,
}


@contextmanager
def running(name: str, place: Place) -> Iterator[Peer]:
    """Until it listens. Raises Absent."""
    source_port, port = free_port(), free_port()
    command, environment = COMMANDS[name](place, port, source_port)
    log = place.folder / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env=os.environ | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _wait_until_listening(process, port, log)
        prefer(family(process.pid))
        yield Peer(name, process.pid, port, source_port)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Below those that the kernel gives to outgoing connections, so that it stays free until it is used."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in range(max(lowest - 1, 2048), 1024, -1):
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise Absent("no port is free")


_given: set[int] = set()


def _found(program: str) -> str:
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        raise Absent(f"{program} is not installed")
    return path


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Without connecting: some of them end when their source is not there yet."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        if any(row[1].endswith(f":{port:04X}") and row[3] == _LISTEN for row in rows):
            return
        time.sleep(0.02)
    raise Absent(f"{process.args!r} does not listen: {log.read_text(errors='replace').strip()[-500:]}")
