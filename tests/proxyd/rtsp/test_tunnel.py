"""RTSP through HTTP: two connections of the recorder that are one."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.rtsp.messages import format_interleaved
from proxyd.rtsp.rtcp import receiver_report
from proxyd.rtsp.server import RtspServer
from proxyd.rtsp.tunnel import Entrance, Kind, TunnelError
from tests.proxyd.rtsp.cameras import AT_ONCE, CAMERA_HOST, DEADLINE_S, Recorder, camera, simulated_nvr

HEAD = "{0} /main HTTP/1.0\r\nx-sessioncookie: {1}\r\nContent-Length: 32767\r\n\r\n"


class Tunnel(Recorder):
    """Reads by the GET; `post` is what it writes by."""

    post: asyncio.StreamWriter

    async def next_post(self, server: RtspServer) -> None:
        """The one before stays open."""
        self.before = self.post
        self.rest, self.post = await half(server, "POST", "Kc3a7")

    async def send(self, data: bytes) -> None:
        self.post.write(b64encode(data) + b"\r\n")
        await self.post.drain()


async def half(
    server: RtspServer, method: str, cookie: str, host: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(CAMERA_HOST, server.port, local_addr=(host, 0))
    writer.write(HEAD.format(method, cookie).encode())
    return reader, writer


async def until_end(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def opened(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        return await reader.readuntil(b"\r\n\r\n")


@asynccontextmanager
async def tunnel(server: RtspServer, cookie: str = "Kc3a7") -> AsyncIterator[Tunnel]:
    reader, writer = await half(server, "GET", cookie)
    try:
        assert b"200 OK" in await opened(reader)
        client = Tunnel(reader, writer)
        client.post = (await half(server, "POST", cookie))[1]
        yield client
        client.post.transport.abort()
    finally:
        writer.transport.abort()


def feed(entrance: Entrance, data: bytes) -> bytes:
    if entrance.kind is Kind.UNKNOWN:
        data = entrance.look(data)
    return entrance.decode(data) if entrance.kind is Kind.POST else data


# What the bytes say ------------------------------------------------------------------------------------------


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.data())
def test_what_goes_in_comes_out_however_it_is_cut(messages: list[bytes], data: st.DataObject) -> None:
    wire = HEAD.format("POST", "c").encode() + b"\r\n".join(b64encode(message) for message in messages)
    entrance, got = Entrance(), b""
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        got += feed(entrance, wire[:size])
        wire = wire[size:]
    assert (entrance.kind, entrance.cookie, got) == (Kind.POST, "c", b"".join(messages))


@pytest.mark.parametrize("method", ["OPTIONS", "GET_PARAMETER", "PLAY", "$", "\r\n"])
def test_rtsp_itself_is_left_alone(method: str) -> None:
    entrance, wire = Entrance(), f"{method} rtsp://h/main RTSP/1.0\r\n".encode()
    assert b"".join(feed(entrance, wire[at : at + 1]) for at in range(len(wire))) == wire
    assert entrance.kind is Kind.RTSP


@pytest.mark.parametrize(
    "wire",
    [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nx-sessioncookie:\r\n\r\n",
        b"GET / HTTP/1.1\r\nx-sessioncookie: a\r\nx-sessioncookie: b\r\n\r\n",
        b"GET / RTSP/1.0\r\nx-sessioncookie: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nx-sessioncookie: " + b"a" * 65 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nX: " + b"a" * 4096,
        HEAD.format("POST", "c").encode() + b"T1BU?0lP",
        HEAD.format("POST", "c").encode() + b"T===",
    ],
)
def test_what_is_no_tunnel(wire: bytes) -> None:
    with pytest.raises(TunnelError):
        feed(Entrance(), wire)


# Over sockets ------------------------------------------------------------------------------------------------


async def test_a_stream_comes_through_a_tunnel() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, seen, url):
        async with tunnel(server) as client:
            session = await client.start(f"{url}/main")
            await client.until_packets(50)
            (playing,) = server.stats()["main"].clients
            assert playing.transport == "HTTP"
            await client.send(format_interleaved(1, receiver_report(1, [], b"recorder")))
            assert (await client.ask("GET_PARAMETER", f"{url}/main", Session=session)).status == 200
            count = len(client.packets)
            await client.until_packets(count + 50)
            assert (await client.ask("TEARDOWN", f"{url}/main", Session=session)).status == 200
        assert await seen.until_done("TEARDOWN main")
        assert not seen.refusals()


async def test_the_next_post_goes_on_where_the_last_one_ended() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url), tunnel(server) as client:
        session = await client.start(f"{url}/main")
        client.post.close()
        await client.until_packets(20)  # media needs no POST
        await client.next_post(server)
        assert (await client.ask("OPTIONS", f"{url}/main", Session=session)).status == 200
        replaced = client.rest
        await client.next_post(server)
        assert (await client.ask("OPTIONS", f"{url}/main", Session=session)).status == 200
        assert await until_end(replaced) == b""
        client.before.close()


async def test_passwords_are_asked_for_in_a_tunnel() -> None:
    async with simulated_nvr() as nvr, camera(nvr.port) as (server, _, url), tunnel(server) as client:
        assert (await client.ask("DESCRIBE", f"{url}/main", log_in=False)).status == 401


@pytest.mark.parametrize(("method", "host", "cookie"), [("POST", "127.0.0.1", "other"), ("POST", "127.0.0.3", "Kc3a7")])
async def test_a_strange_cookie_or_host_gets_nowhere(method: str, host: str, cookie: str) -> None:
    async with camera(1) as (server, seen, url), tunnel(server) as client:
        reader, writer = await half(server, method, cookie, host)
        assert (await until_end(reader)).startswith(b"HTTP/1.0 400 ")
        assert "no RTSP tunnel with this cookie" in await seen.until_refusal("cookie")
        writer.close()
        assert (await client.ask("OPTIONS", url)).status == 200


async def test_a_cookie_is_for_one_tunnel_at_a_time() -> None:
    async with camera(1) as (server, seen, url):
        async with tunnel(server) as client:
            reader, writer = await half(server, "GET", "Kc3a7")
            assert (await until_end(reader)).startswith(b"HTTP/1.0 400 ")
            writer.close()
            assert "open already" in await seen.until_refusal("cookie")
            assert (await client.ask("OPTIONS", url)).status == 200
        async with asyncio.timeout(DEADLINE_S):
            answer = b""
            while b"200 OK" not in answer:  # the end of the first has come
                reader, writer = await half(server, "GET", "Kc3a7")
                answer = await opened(reader)
                writer.close()


async def test_rubbish_ends_both_halves() -> None:
    async with camera(1) as (server, seen, _), tunnel(server) as client:
        client.post.write(b"!!!!")
        await client.until_closed()
        assert b"RTSP/1.0 400 " in client.wire
        assert "not base64" in await seen.until_refusal("tunnel")


async def test_a_get_alone_is_not_kept() -> None:
    async with camera(1, replace(AT_ONCE, half_open_s=0.2, sweep_s=0.05)) as (server, seen, _):
        reader, writer = await half(server, "GET", "lonely")
        assert b"200 OK" in await until_end(reader)
        assert "no complete request" in await seen.until_refusal("connection")
        writer.close()


async def test_the_end_of_the_get_is_that_of_the_post() -> None:
    async with camera(1) as (server, _, _url):
        reader, writer = await half(server, "GET", "c")
        assert b"200 OK" in await opened(reader)
        post, post_writer = await half(server, "POST", "c")
        writer.close()
        assert await until_end(post) == b""
        post_writer.close()


async def test_too_many_requests_at_once_are_too_many_in_a_tunnel() -> None:
    async with camera(1) as (server, seen, url), tunnel(server) as client:
        await client.send(f"OPTIONS {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode() * 200)
        await client.until_closed()
        assert "too many requests" in await seen.until_refusal("connection")
