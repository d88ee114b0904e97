"""SOAP answers of one camera: requests per second and p99 with 16 connections, and p99 with one connection.

The peer is a bare aiohttp server that answers every POST with a ready-made envelope of the same size: what an HTTP
server in Python costs before ONVIF begins."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from proxyd.api import models as m
from tests.e2e.stack import credentials, running_stack, wait_for_states

from .measure import quantile

REQUESTS = 3000
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>{security}</s:Header>'
    '<s:Body><{op} xmlns="{ns}"/></s:Body></s:Envelope>'
)
_SECURITY = (
    '<Security s:mustUnderstand="1" xmlns="{oasis}-wssecurity-secext-1.0.xsd"><UsernameToken>'
    "<Username>{user}</Username>"
    '<Password Type="{oasis}-username-token-profile-1.0#PasswordDigest">{digest}</Password>'
    '<Nonce EncodingType="{oasis}-soap-message-security-1.0#Base64Binary">{nonce}</Nonce>'
    '<Created xmlns="{oasis}-wssecurity-utility-1.0.xsd">{created}</Created></UsernameToken></Security>'
)


async def run() -> dict[str, object]:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        (camera,) = await wait_for_states(client, m.CameraState.RUNNING)
        user, password = await credentials(client, camera)
        assert camera.onvif_url is not None
        device = camera.onvif_url
        media = device.replace("device_service", "media_service")
        ns = "http://www.onvif.org/ver10/{}/wsdl"
        open_call = _request(device, _ENVELOPE.format(op="GetSystemDateAndTime", ns=ns.format("device"), security=""))
        size = len((await _once(device, open_call)).partition(b"\r\n\r\n")[2])
        return {
            "GetSystemDateAndTime, no auth": await _load(device, lambda: open_call),
            "GetDeviceInformation, UsernameToken": await _load(
                device, lambda: _signed(device, "GetDeviceInformation", ns.format("device"), user, password)
            ),
            "GetProfiles, UsernameToken": await _load(
                media, lambda: _signed(media, "GetProfiles", ns.format("media"), user, password)
            ),
            "peer: bare aiohttp, same size": await _peer(size),
        }


def _signed(url: str, operation: str, namespace: str, user: str, password: str) -> bytes:
    """A fresh UsernameToken each time: a nonce is good for one request (WS-Security UsernameToken Profile 1.0)."""
    nonce, created = os.urandom(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    security = _SECURITY.format(
        oasis=_OASIS,
        user=user,
        digest=base64.b64encode(digest).decode(),
        nonce=base64.b64encode(nonce).decode(),
        created=created,
    )
    return _request(url, _ENVELOPE.format(op=operation, ns=namespace, security=security))


def _request(url: str, body: str) -> bytes:
    host, _, path = url.removeprefix("http://").partition("/")
    head = f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


async def _once(url: str, request: bytes) -> bytes:
    reader, writer = await _connect(url)
    try:
        return await _exchange(reader, writer, request)
    finally:
        writer.close()


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    return await asyncio.open_connection(host, int(port or 80))


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    return head + await reader.readexactly(length)


async def _load(url: str, make: Callable[[], bytes]) -> dict[str, float]:
    sixteen, elapsed_s = await _hammer(url, make, 16)
    one, _ = await _hammer(url, make, 1)
    return {
        "requests_per_s": round(len(sixteen) / elapsed_s),
        "p99_ms_16_connections": round(quantile(sixteen, 0.99) * 1000, 2),
        "p99_ms_1_connection": round(quantile(one, 0.99) * 1000, 2),
    }


async def _hammer(url: str, make: Callable[[], bytes], connections: int) -> tuple[list[float], float]:
    taken: list[float] = []

    async def worker() -> None:
        reader, writer = await _connect(url)
        for _ in range(REQUESTS // 16):
            request = make()
            began = time.perf_counter()
            await _exchange(reader, writer, request)
            taken.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return taken, time.perf_counter() - began


async def _peer(size: int) -> dict[str, float]:
    """In a process of its own, as the daemon is."""
    code = (
        "import sys;from aiohttp import web\n"
        "async def a(r):\n await r.read();return web.Response(body=b'x'*int(sys.argv[1]))\n"
        "p=web.Application();p.router.add_post('/{t:.*}',a)\n"
        "web.run_app(p,host='127.0.0.1',port=int(sys.argv[2]),print=None,access_log=None)"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(size), str(port))
    url = f"http://127.0.0.1:{port}/x"
    try:
        for _ in range(100):
            try:
                await _once(url, _request(url, "x"))
                break
            except OSError:
                await asyncio.sleep(0.1)
        request = _request(url, "x" * 700)
        return await _load(url, lambda: request)
    finally:
        process.terminate()
        await process.wait()
