"""A recorder that gets notifications: a real HTTP server whose behaviour can be changed while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from lxml import etree

from proxyd.camera.urls import bracketed
from proxyd.onvif.namespaces import clark


@dataclass
class Recorder:
    """`bodies` in the order of arrival; `status` is the answer to each, `hangs`: there is none."""

    url: str = ""
    status: int = 200
    hangs: bool = False
    bodies: list[bytes] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)  # the Host headers
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        async with self._arrived:
            self.bodies.append(body)
            self.peers.append(request.remote or "")
            self.content_types.append(request.content_type)
            self.hosts.append(request.host)
            self._arrived.notify_all()
        if self.hangs:
            await asyncio.Event().wait()
        return web.Response(status=self.status, headers={"Location": self.url + "elsewhere"})

    async def wait_for(self, count: int) -> None:
        """Until that many requests have come in all."""
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(lambda: len(self.bodies) >= count)

    def heard(self) -> list[tuple[str, str, str]]:
        """(topic, value of the first data item, operation) of all messages."""
        found = []
        for body in self.bodies:
            for message in etree.fromstring(body).iter(clark("wsnt:NotificationMessage")):
                inner = next(message.iter(clark("tt:Message")))
                item = next(inner.iterfind(f"{clark('tt:Data')}/{clark('tt:SimpleItem')}"))
                topic = message.findtext(clark("wsnt:Topic")) or ""
                found.append((topic, item.get("Value", ""), inner.get("PropertyOperation", "")))
        return found


@asynccontextmanager
async def running_recorder(host: str = "127.0.0.1") -> AsyncIterator[Recorder]:
    recorder = Recorder()
    server = web.Server(recorder.handle, handler_cancellation=True)
    listener = await asyncio.get_running_loop().create_server(server, host, 0)
    recorder.url = f"http://{bracketed(host)}:{listener.sockets[0].getsockname()[1]}/"
    try:
        yield recorder
    finally:
        listener.close()
        await server.shutdown(1)
        await listener.wait_closed()
