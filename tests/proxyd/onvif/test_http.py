"""The server on real sockets: statuses, limits, long polls, snapshots, isolation."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from lxml import etree

from proxyd.camera.guesses import BURST
from proxyd.onvif import http, http_body, http_connections
from proxyd.onvif.dispatch import Dispatcher
from proxyd.onvif.http import OnvifServer
from proxyd.onvif.namespaces import clark
from proxyd.onvif.soap import MAX_REQUEST_BYTES
from proxyd.snapshot.picture import SnapshotPicture

from .builders import NOW, PASSWORD, PATHS, USERNAME, camera_spec, fault_of, soap, texts, username_token

_SOAP = {"Content-Type": "application/soap+xml; charset=utf-8"}
_JPEG = b"\xff\xd8 not really a picture \xff\xd9"


@dataclass
class Running:
    """A started server with everything that it reported."""

    server: OnvifServer
    trace: list[dict[str, Any]] = field(default_factory=list)
    picture: SnapshotPicture | Exception = field(default_factory=lambda: SnapshotPicture("image/jpeg", _JPEG))

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    async def take(self) -> SnapshotPicture:
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture


async def _start() -> Running:
    async def take() -> SnapshotPicture:
        return await state.take()

    def record(**entry: Any) -> None:
        state.trace.append(entry)

    state = Running(OnvifServer(camera_spec(), take_snapshot=take, record=record, now=lambda: NOW))
    await state.server.start()
    return state


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{USERNAME}:{password}".encode()).decode()}


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    running = await _start()
    yield running
    await running.server.stop()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


async def _post(
    client: aiohttp.ClientSession, running: Running, operation: str, content: str = "", query: str = "", **kwargs: Any
) -> tuple[int, bytes]:
    url = running.base + PATHS[operation.partition(":")[0]] + query
    async with client.post(url, data=soap(operation, content, **kwargs), headers=_SOAP) as response:
        assert response.headers["Content-Type"] == "application/soap+xml; charset=utf-8"
        return response.status, await response.read()


async def test_answers_with_the_address_of_the_connection(running: Running, client: aiohttp.ClientSession) -> None:
    status, body = await _post(client, running, "tds:GetServices")
    assert status == 200
    assert body.startswith(b"<?xml")
    assert texts(body, "tds:XAddr")[0] == f"{running.base}/onvif/device_service"


async def test_success_and_challenge_are_recorded(running: Running, client: aiohttp.ClientSession) -> None:
    await _post(client, running, "trt:GetProfiles")
    await _post(client, running, "trt:GetProfiles", header="")
    good, asked = running.trace
    assert (good["operation"], good["ok"], good["auth"]) == ("GetProfiles", True, "UsernameToken")
    assert (asked["ok"], asked["reason"]) == (True, "asked for user name and password")
    assert good["protocol"] == "onvif"
    assert good["client"].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", PATHS["tds"], {}, b"", 405),
        ("PUT", PATHS["tds"], _SOAP, b"x", 405),
        ("POST", PATHS["trt"], {"Content-Type": "text/plain"}, b"x", 415),
        ("POST", PATHS["trt"], _SOAP, b"<a", 400),
        ("POST", PATHS["trt"], _SOAP, b"x" * MAX_REQUEST_BYTES, 400),
        ("POST", PATHS["trt"], _SOAP, b"x" * (MAX_REQUEST_BYTES + 1), 413),
        ("POST", "/onvif/replay_service", _SOAP, b"<a/>", 404),
        ("GET", "/", {}, b"", 404),
    ],
)
async def test_statuses(
    running: Running,
    client: aiohttp.ClientSession,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
) -> None:
    async with client.request(method, running.base + path, data=body, headers=headers) as response:
        assert response.status == status
        answer = await response.read()
    if status != 404:
        assert fault_of(answer)[0] == "env:Sender"
    assert not running.trace[-1]["ok"]
    assert (await _post(client, running, "tds:GetServices"))[0] == 200


async def test_chunked_body_is_bounded_too(running: Running, client: aiohttp.ClientSession) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 1024

    async with client.post(running.base + PATHS["tds"], data=endless(), headers=_SOAP) as response:
        assert response.status == 413


async def test_pipelined_requests_are_answered_in_order(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
    names = [("tds:GetServices", 200), ("trt:GetMoonPhase", 400), ("tds:GetHostname", 200)] * 20
    for operation, _ in names:
        body = soap(operation, header="")
        path = PATHS[operation.partition(":")[0]]
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
    async with asyncio.timeout(10):
        for operation, status in names:
            told = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert told.startswith(f"HTTP/1.1 {status} ")
            length = next(line for line in told.split("\r\n") if line.startswith("Content-Length: "))
            answer = await reader.readexactly(int(length.partition(": ")[2]))
            assert operation.partition(":")[2].encode() in answer
    writer.close()
    assert [entry["operation"] for entry in running.trace] == [name.partition(":")[2] for name, _ in names]


async def test_client_that_waits_for_100_continue(running: Running, client: aiohttp.ClientSession) -> None:
    async with client.post(
        running.base + PATHS["tds"], data=soap("tds:GetServices"), headers=_SOAP, expect100=True
    ) as response:
        assert response.status == 200


async def test_slow_body_is_cut_off_with_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_body, "BODY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(http, "LINGER_S", 0.05)
    running = await _start()
    reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
    writer.write(b"POST /onvif/device_service HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n<half")
    answer = await asyncio.wait_for(reader.read(), 5)
    assert b" 408 " in answer.split(b"\r\n", 1)[0]
    assert b"env:Envelope" in answer
    writer.close()
    await running.server.stop()


async def test_idle_and_surplus_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(http_connections, "IDLE_TIMEOUT_S", 0.2)
    running = await _start()
    connections = [await asyncio.open_connection("127.0.0.1", running.server.port) for _ in range(8)]
    connections[0][1].write(b"POST /onvif/device")  # never finishes its head
    for reader, writer in connections:
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    async with aiohttp.ClientSession() as client:
        assert (await _post(client, running, "tds:GetServices"))[0] == 200
    await running.server.stop()


async def test_who_holds_all_places_gives_one_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 3)
    running = await _start()
    port = running.server.port
    greedy = [await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0)) for _ in range(5)]
    async with aiohttp.ClientSession() as client:
        assert (await _post(client, running, "tds:GetServices"))[0] == 200
    assert running.server._connections is not None
    assert len(running.server._connections.held) <= 3
    for _, writer in greedy:
        writer.close()
    await running.server.stop()


async def test_a_guesser_at_the_recorders_own_address_gives_one_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 3)
    running = await _start()
    async with aiohttp.ClientSession() as client:
        assert (await _post(client, running, "tds:GetServices"))[0] == 200
        silent = [await asyncio.open_connection("127.0.0.1", running.server.port) for _ in range(5)]
        ends = [asyncio.create_task(reader.read(), name="end") for reader, _ in silent]
        done, _ = await asyncio.wait(ends, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert done, "the oldest that never asked gives way, not the newcomer"
        async with aiohttp.ClientSession() as another:
            assert (await _post(another, running, "tds:GetServices"))[0] == 200
        assert (await _post(client, running, "tds:GetServices"))[0] == 200
    assert len(running.trace) == 3
    for _, writer in silent:
        writer.close()
    await asyncio.gather(*ends, return_exceptions=True)
    await running.server.stop()


@pytest.mark.parametrize("more", ["", "TE: trailers\r\n"], ids=["quick", "aiohttp"])
async def test_who_waits_for_a_guessers_turn_holds_no_place(monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 4)
    running = await _start()
    wrong = soap("tds:GetUsers", header=username_token(password="guess"))
    head = f"POST {PATHS['tds']} HTTP/1.1\r\nHost: a\r\n{more}Content-Length: {len(wrong)}\r\n\r\n".encode()
    guessing = []
    for host in ("127.0.0.8", "127.0.0.9"):
        for _ in range(BURST):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port, local_addr=(host, 0))
            writer.write(head + wrong)
            assert b" 400 " in await reader.readline()
            writer.close()
        for _ in range(2):
            _, writer = await asyncio.open_connection("127.0.0.1", running.server.port, local_addr=(host, 0))
            writer.write(head + wrong)
            guessing.append(writer)
    async with aiohttp.ClientSession() as client:
        assert (await _post(client, running, "tds:GetUsers"))[0] == 200
    for writer in guessing:
        writer.close()
    await running.server.stop()


async def test_slow_bodies_hold_no_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 3)
    running = await _start()
    slow = b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    greedy = []
    for host in ("127.0.0.8", "127.0.0.9", "127.0.0.8"):
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port, local_addr=(host, 0))
        writer.write(slow)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 100")  # it waits for the body
        greedy.append(writer)
    async with aiohttp.ClientSession() as client:
        assert (await _post(client, running, "tds:GetServices"))[0] == 200
    for writer in greedy:
        writer.close()
    await running.server.stop()


async def test_who_waits_for_too_many_answers_gives_one_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "MAX_CONNECTIONS", 3)
    running = await _start()
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
    async with aiohttp.ClientSession(connector=connector) as greedy, aiohttp.ClientSession() as client:
        queries = [await _subscribe(greedy, running) for _ in range(3)]
        for query in queries:
            await _post(greedy, running, "tev:PullMessages", _PULL.format(s=60), query)
        pulls = [
            asyncio.create_task(_post(greedy, running, "tev:PullMessages", _PULL.format(s=60), query), name="pull")
            for query in queries
        ]
        await _until_waiting(running, 3)
        assert (await _post(client, running, "tds:GetServices"))[0] == 200
        done, _ = await asyncio.wait(pulls, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert [type(pull.exception()) for pull in done] == [aiohttp.ServerDisconnectedError]
        await running.server.stop()
        await asyncio.gather(*pulls, return_exceptions=True)


async def test_not_http_at_all(
    running: Running, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00", b"DESCRIBE rtsp://x RTSP/1.0\r\n\r\n", b"\r\n" * 50, b"A" * 100_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port)
        writer.write(junk)
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            assert b" 500 " not in await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert (await _post(client, running, "tds:GetServices"))[0] == 200
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "SEND_TIMEOUT_S", 0.1)
    running = await _start()
    running.picture = SnapshotPicture("image/jpeg", bytes(20_000_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", running.server.port, limit=1024)
    authorization = _basic(PASSWORD)["Authorization"]
    writer.write(f"GET /snapshot HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        while not (connections := running.server._connections) or not connections.connections:
            await asyncio.sleep(0)
        while connections.connections:
            await asyncio.sleep(0)
    with contextlib.suppress(ConnectionResetError):
        assert len(await reader.read()) < 20_000_000
    writer.close()
    await running.server.stop()


_PULL = "<tev:Timeout>PT{s}S</tev:Timeout><tev:MessageLimit>10</tev:MessageLimit>"


async def _subscribe(client: aiohttp.ClientSession, running: Running) -> str:
    _, body = await _post(client, running, "tev:CreatePullPointSubscription")
    return "?" + texts(body, "wsa:Address")[0].partition("?")[2]


async def test_long_poll_waits_and_ends(running: Running, client: aiohttp.ClientSession) -> None:
    query = await _subscribe(client, running)
    _, first = await _post(client, running, "tev:PullMessages", _PULL.format(s=60), query)
    assert len(texts(first, "wsnt:Topic")) == 2
    status, empty = await _post(client, running, "tev:PullMessages", _PULL.format(s="0.05"), query)
    assert status == 200
    assert texts(empty, "wsnt:Topic") == []


async def test_synchronization_wakes_a_waiting_pull(running: Running, client: aiohttp.ClientSession) -> None:
    query = await _subscribe(client, running)
    await _post(client, running, "tev:PullMessages", _PULL.format(s=60), query)
    pull = asyncio.create_task(_post(client, running, "tev:PullMessages", _PULL.format(s=60), query), name="pull")
    await _until_waiting(running)
    await _post(client, running, "tev:SetSynchronizationPoint", "", query)
    _, body = await asyncio.wait_for(pull, 5)
    assert len(texts(body, "wsnt:Topic")) == 2


async def test_unsubscribe_and_stop_end_a_waiting_pull(running: Running, client: aiohttp.ClientSession) -> None:
    for end in ("unsubscribe", "stop"):
        query = await _subscribe(client, running)
        await _post(client, running, "tev:PullMessages", _PULL.format(s=60), query)
        pull = asyncio.create_task(_post(client, running, "tev:PullMessages", _PULL.format(s=60), query), name="pull")
        await _until_waiting(running)
        if end == "unsubscribe":
            await _post(client, running, "wsnt:Unsubscribe", "", query)
        else:
            await asyncio.wait_for(running.server.stop(), 5)
        status, body = await asyncio.wait_for(pull, 5)
        assert (status, fault_of(body)[0]) == (400, "env:Sender")


async def test_a_client_that_hangs_up_frees_its_pull(running: Running, client: aiohttp.ClientSession) -> None:
    query = await _subscribe(client, running)
    await _post(client, running, "tev:PullMessages", _PULL.format(s=60), query)
    async with aiohttp.ClientSession() as other:
        pull = asyncio.create_task(_post(other, running, "tev:PullMessages", _PULL.format(s=60), query), name="pull")
        await _until_waiting(running)
        pull.cancel()
    await _until_waiting(running, expected=0)


async def _until_waiting(running: Running, expected: int = 1) -> None:
    """Until that many pulls are waiting inside the server."""
    points = running.server._events.subscriptions._by_id
    async with asyncio.timeout(5):
        while sum(len(point.listeners) for point in points.values()) != expected:
            await asyncio.sleep(0)


async def test_snapshot_needs_the_cameras_account(running: Running, client: aiohttp.ClientSession) -> None:
    url = running.base + "/snapshot"
    async with client.get(url) as response:
        assert response.status == 401
        assert [value.split()[0] for value in response.headers.getall("WWW-Authenticate")] == [
            "Digest",
            "Digest",
            "Basic",
        ]
    async with client.get(url, headers=_basic(PASSWORD)) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "image/jpeg", _JPEG)
    async with client.get(url, headers=_basic("other")) as response:
        assert response.status == 401
    digest = aiohttp.DigestAuthMiddleware(USERNAME, PASSWORD)
    async with client.get(url, middlewares=(digest,)) as response:
        assert await response.read() == _JPEG
    assert [entry["ok"] for entry in running.trace] == [True, True, False, True, True]
    assert running.trace[2]["reason"] == "wrong password"
    assert {entry["protocol"] for entry in running.trace} == {"snapshot"}


async def test_http_digest_for_soap(running: Running) -> None:
    digest = aiohttp.DigestAuthMiddleware(USERNAME, PASSWORD)
    async with aiohttp.ClientSession(middlewares=(digest,)) as client:
        for _ in range(3):
            status, _ = await _post(client, running, "trt:GetProfiles", header="")
            assert status == 200
    assert running.trace[-1]["auth"].startswith("Digest")


async def test_no_picture_says_nothing_of_the_nvr(
    running: Running, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    running.picture = RuntimeError("GET http://192.0.2.9/picture?pass=nvr-secret failed")
    async with client.get(running.base + "/snapshot", headers=_basic(PASSWORD)) as response:
        assert response.status == 503
        assert b"192.0.2.9" not in await response.read()
    assert "nvr-secret" not in caplog.text
    assert "camera 3" in caplog.text


async def test_fallback_picture_is_noted(running: Running, client: aiohttp.ClientSession) -> None:
    running.picture = SnapshotPicture("image/jpeg", _JPEG, fallback=True)
    async with client.get(running.base + "/snapshot", headers=_basic(PASSWORD)) as response:
        assert response.status == 200
    assert "stand-in picture" in running.trace[-1]["reason"]


async def test_a_bug_inside_becomes_a_fault_and_a_log_line(
    running: Running,
    client: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(Dispatcher, "handle", broken)
        status, body = await _post(client, running, "tds:GetServices")
    assert status == 500
    assert fault_of(body)[0] == "env:Receiver"
    assert "camera 3" in caplog.text
    assert (await _post(client, running, "tds:GetServices"))[0] == 200


async def test_update_keeps_connections(running: Running, client: aiohttp.ClientSession) -> None:
    await _post(client, running, "trt:GetProfiles")
    running.server.update(camera_spec(name="Porch", password="new-password"))
    status, body = await _post(client, running, "tds:GetScopes")
    assert status == 400
    assert running.trace[-1]["reason"] == "wrong password"
    assert running.trace[0]["client"] == running.trace[-1]["client"]
    assert etree.fromstring(body)[-1][0].tag == clark("env:Fault")


async def test_a_bug_outside_of_the_services_is_a_fault_and_in_the_log(
    running: Running, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    running.trace = None  # type: ignore[assignment] # so that recording the answer fails
    with caplog.at_level(logging.ERROR):
        status, body = await _post(client, running, "tds:GetCapabilities")
    assert (status, fault_of(body)[0]) == (500, "env:Receiver")
    assert [(record.name, record.exc_info is not None) for record in caplog.records] == [("proxyd.onvif.http", True)]


@pytest.mark.parametrize("turns", [0, 1, 3, 4, 5])
async def test_a_client_that_comes_while_the_camera_stops_is_not_served(running: Running, turns: int) -> None:
    """`turns` of the event loop after it came. After two, asyncio fails to attach it to the closed listener and lets
    go of it by itself, when it is collected."""
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=5) as late:
        late.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        await running.server.stop()
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(late, b"GET /onvif/device_service HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await asyncio.wait_for(loop.sock_recv(late, 100), 5) == b""
    assert running.trace == []


async def test_start_and_stop_are_idempotent_and_the_port_is_free_again() -> None:
    running = await _start()
    port = running.server.port
    await running.server.start()
    with pytest.raises(OSError, match="in use"):
        await OnvifServer(camera_spec(http_port=port), take_snapshot=running.take, record=_ignore).start()
    await running.server.stop()
    await running.server.stop()
    again = OnvifServer(camera_spec(http_port=port), take_snapshot=running.take, record=_ignore)
    await again.start()
    await again.stop()


def _ignore(**_: Any) -> None:
    pass
