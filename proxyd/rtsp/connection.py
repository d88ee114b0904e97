"""A recorder's connection, with or without TLS: bytes to requests, answers to bytes, and the deadlines of both.

Requests are answered one after the other by one task, which owns the conversation and cleans up after it. In a tunnel
through HTTP that is the GET's connection; the POST's only brings it requests, and another may take its place.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable

from proxyd.rtsp.bridge import Outward
from proxyd.rtsp.context import CameraContext, shown
from proxyd.rtsp.conversation import Conversation
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Interleaved, Request, Response, format_response
from proxyd.rtsp.parser import Event, Limits, RtspParser, RtspSyntaxError
from proxyd.rtsp.session import Refused
from proxyd.rtsp.tunnel import OPENED, REFUSED, Entrance, Kind, TunnelError

_log = logging.getLogger(__name__)

_CLOSE_S = 2.0
_UNSENT = 0x894B  # SIOCOUTQNSD of linux/sockios.h
_RESET = struct.pack("ii", 1, 0)  # for SO_LINGER
_FLOOD = 4
_PARSER_LIMITS = Limits(body_bytes=16 * 1024)


class ClientConnection(asyncio.Protocol):
    """`opened` decides whether the connection may stay; `ended` is called when everything of it is gone."""

    def __init__(
        self,
        context: CameraContext,
        opened: Callable[[ClientConnection], bool],
        ended: Callable[[ClientConnection], None],
    ) -> None:
        self._context = context
        self._opened = opened
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._entrance = Entrance()
        self._parser = RtspParser(_PARSER_LIMITS)
        self._transport: asyncio.Transport | None = None
        self._bridge: Outward | None = None  # when TLS stands between a media process and the recorder
        self._inlet: asyncio.Transport | None = None  # what requests come by
        self._post: ClientConnection | None = None  # of a tunnel, if this is its GET
        self._get: ClientConnection | None = None  # and the other way round
        self._conversation: Conversation | None = None
        self._task: asyncio.Task[None] | None = None
        self._queue: asyncio.Queue[Request | RtspSyntaxError] = asyncio.Queue()
        self._incomplete_since: float | None = None  # a message has begun; None while between messages
        self._blocked_since: float | None = None
        self._closing = False
        self._written = asyncio.Event()  # nothing waits to be sent
        self._written.set()
        self.host = ""  # the recorder's

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def replaceable(self) -> bool:
        """Nothing is lost when it ends: no session, and no answer under way. Of a tunnel that is the GET's to say."""
        if self._closing or self._get is not None:
            return False
        return self._conversation is not None and self._conversation.idle

    @property
    def tls_port(self) -> int:
        """The port by which it came by TLS; 0: it came without."""
        if self._bridge is None or self._transport is None:
            return 0
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def way(self) -> str:
        """What people call the way of media inside it."""
        if self._entrance.kind is Kind.GET:
            return "HTTPS" if self._bridge else "HTTP"
        return "TLS" if self._bridge else "TCP"

    @property
    def conversation(self) -> Conversation | None:
        return self._conversation

    @property
    def task(self) -> asyncio.Task[None] | None:
        return self._task

    def check(self, now: float) -> None:
        """Enforces the deadlines; called about once a second."""
        limits, conversation = self._context.limits, self._conversation
        if conversation is None or self._closing or self._get is not None:
            return
        if self._incomplete_since is not None and now - self._incomplete_since > limits.half_open_s:
            conversation.record("connection", f"closed: no complete request within {limits.half_open_s:g} s")
            self.end()
        elif self._blocked_since is not None and now - self._blocked_since > limits.blocked_s and not self._watched:
            conversation.record("connection", f"cut off: the recorder read nothing for {limits.blocked_s:g} s")
            self._abort()
        else:
            conversation.check(now)

    @property
    def _watched(self) -> bool:
        """A media process sees to it that what is written is read."""
        playing = self._conversation is not None and self._conversation.playing() is not None
        return playing and self._bridge is not None and self._bridge.active

    async def hand_over(self) -> int:
        """A descriptor of the connection for a media process, once nothing of ours waits in it; requests are still read
        here. Raises Refused."""
        assert self._transport is not None
        try:
            async with asyncio.timeout(self._context.limits.blocked_s):
                await self._written.wait()
            if self._bridge is not None:
                return self._bridge.open()
            return os.dup(self._transport.get_extra_info("socket").fileno())
        except (TimeoutError, OSError):
            raise Refused(503, "the recorder does not read our answers") from None

    @property
    def unsent(self) -> int:
        """Bytes that wait in it, unless it is handed over; those in the kernel, too."""
        return 0 if self._transport is None or self._transport.is_closing() else _unsent(self._transport)

    def write(self, data: bytes) -> None:
        """Straight into the connection, which is not handed over, or not any more."""
        assert self._transport is not None
        (self._bridge or self._transport).write(data)

    def make_room(self) -> None:
        """Ends at once, for a recorder that holds fewer connections than this one's host."""
        if self._conversation is not None:
            self._conversation.record("connection", "closed: too many connections from this address")
        self._abort()

    def end(self) -> None:
        """Closes the connection after what is written; `ended` follows when all is cleaned up."""
        if not self._closing:
            self._closing = True
            if self._task is not None:
                self._task.cancel()

    def leave(self) -> None:
        """Ends because the camera stops, perhaps to lose its address. To a recorder that does not read, the end of the
        connection would stay queued behind the media, and it would wait for ever: it is told by a reset."""
        transport = self._transport
        if transport is not None and not transport.is_closing() and _unsent(transport):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        self.end()

    # asyncio calls these ------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if transport.get_extra_info("ssl_object") is not None:
            self._bridge = Outward(transport)
        else:
            transport.set_write_buffer_limits(high=0)  # only answers: not to be waited for, and soon gone
        self._transport = self._inlet = transport
        peer = transport.get_extra_info("peername")
        client = (str(peer[0]), int(peer[1])) if peer else ("unknown", 0)  # gone before it was accepted
        self.host = client[0]
        self._conversation = Conversation(self._context, self, client, self.end, self._abort)
        if not self._opened(self):
            self._conversation.record("connection", "refused: too many connections to this camera")
            transport.write(format_response(Response(503)))
            transport.close()
            return
        self._incomplete_since = self._loop.time()
        spec = self._context.spec
        name = f"rtsp camera {spec.id} {client[0]}:{client[1]}"
        self._task = asyncio.create_task(self._serve(self._conversation, transport), name=name)
        self._task.add_done_callback(lambda _: self._ended(self))

    def data_received(self, data: bytes) -> None:
        if self._conversation is None or self._task is None or self._closing:
            return
        if self._entrance.kind is not Kind.RTSP:
            self._enter(data)
        else:
            self._take(data)

    def _enter(self, data: bytes) -> None:
        """The first bytes, or a tunnel's."""
        entrance = self._entrance
        try:
            if entrance.kind is Kind.UNKNOWN:
                data = entrance.look(data)
                self._find_other_half()
            if entrance.kind is Kind.POST:
                data = entrance.decode(data)
        except TunnelError as error:
            self._refuse(error)
            return
        if data and entrance.kind is not Kind.GET:  # nothing is to come behind its head
            (self._get or self)._take(data)

    def _find_other_half(self) -> None:
        """Raises TunnelError."""
        key, tunnels = (self.host, self._entrance.cookie), self._context.tunnels
        if self._entrance.kind is Kind.GET:
            if key in tunnels:
                raise TunnelError("an RTSP tunnel with this cookie is open already")
            tunnels[key] = self
            self.write(OPENED)
        elif self._entrance.kind is Kind.POST:
            if key not in tunnels:
                raise TunnelError("no RTSP tunnel with this cookie is open")
            self._get, self._incomplete_since = tunnels[key], None
            self._get._go_on_with(self)

    def _go_on_with(self, post: ClientConnection) -> None:
        before, self._post, self._inlet = self._post, post, post._transport
        if before is not None:
            before.end()

    def _refuse(self, error: TunnelError) -> None:
        if self._get is not None:
            self._get._queue.put_nowait(RtspSyntaxError(400, str(error)))
        else:
            assert self._conversation is not None
            self._conversation.record("connection", f"refused: {error}")
            self.write(REFUSED)
        self.end()

    def _take(self, data: bytes) -> None:
        """RTSP of the recorder."""
        if self._conversation is None or self._closing:
            return
        self._conversation.heard()
        events: list[Event | RtspSyntaxError]
        try:
            events = [*self._parser.feed(data)]
        except RtspSyntaxError as error:
            events = [*error.events, error]
        if not self._parser.in_message:
            self._incomplete_since = None
        elif events or self._incomplete_since is None:
            self._incomplete_since = self._loop.time()
        for event in events:
            if isinstance(event, (Request, RtspSyntaxError)):
                self._queue.put_nowait(event)
            elif isinstance(event, Interleaved):  # what it says, or a report
                self._conversation.talking.packet(*event)
        if self._queue.qsize() > self._context.limits.requests_in_flight:
            # One read may bring thousands of them: nobody honest does that.
            if self._queue.qsize() > _FLOOD * self._context.limits.requests_in_flight:
                self._conversation.record("connection", "cut off: too many requests at once")
                self._abort()
                return
            assert self._inlet is not None
            self._inlet.pause_reading()

    def pause_writing(self) -> None:
        if self._bridge is not None:
            self._bridge.pause()
        self._blocked_since = self._loop.time()
        self._written.clear()

    def resume_writing(self) -> None:
        self._blocked_since = None
        self._written.set()
        if self._bridge is not None:
            self._bridge.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end()

    # The task -----------------------------------------------------------------------------------------------

    async def _serve(self, conversation: Conversation, transport: asyncio.Transport) -> None:
        try:
            while not conversation.finished:
                item = await self._queue.get()
                if isinstance(item, RtspSyntaxError):
                    conversation.record("connection", f"refused: {shown(item.reason)}")
                    conversation.write(format_response(Response(item.status)))
                    return
                conversation.write(format_response(await self._answer(conversation, item)))
                conversation.answered()
                if self._queue.qsize() <= self._context.limits.requests_in_flight and self._inlet is not None:
                    self._inlet.resume_reading()
                await self._written.wait()  # who asks and does not read would have all answers wait in our memory
        except asyncio.CancelledError:
            if not self._closing:
                raise  # not ours: the loop ends
        finally:
            self._closing = True
            if self._entrance.kind is Kind.GET:
                self._leave_tunnel()
            if self._bridge is not None:
                self._bridge.close()
            transport.close()
            self._loop.call_later(_CLOSE_S, transport.abort)
            await conversation.close()

    async def _answer(self, conversation: Conversation, request: Request) -> Response:
        try:
            return await conversation.answer(request)
        except Exception:
            _log.exception("camera %d: %s failed", self._context.spec.id, request.method)
            return Response(500, headers=Headers([("CSeq", request.headers.get("CSeq") or "0")]))

    def _leave_tunnel(self) -> None:
        key = self.host, self._entrance.cookie
        if self._context.tunnels.get(key) is self:  # not when it was refused for being there already
            del self._context.tunnels[key]
        if self._post is not None:
            self._post.end()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        self.end()


def _unsent(transport: asyncio.Transport) -> int:
    """Bytes that are written and could not be sent yet."""
    in_kernel = fcntl.ioctl(transport.get_extra_info("socket").fileno(), _UNSENT, bytes(4))
    return transport.get_write_buffer_size() + int.from_bytes(in_kernel, sys.byteorder)
