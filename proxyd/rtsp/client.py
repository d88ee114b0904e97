"""One RTSP connection to an NVR: requests one at a time, authentication, and the packets that come in between.

Knows nothing of sessions and SDP (upstream.py does). A wrong password is tried once per connection, never in a loop.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from proxyd.allowance import Allowance
from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.rtsp.bridge import Inward
from proxyd.rtsp.dial import dial, words
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Interleaved, Request, Response, format_interleaved, format_request, format_response
from proxyd.rtsp.parser import RtspParser, RtspSyntaxError
from proxyd.rtsp.upstream_auth import UpstreamAuth

USER_AGENT = "onviftui"
# Of what the daemon reads itself: twice a key frame's packets at 60 Mbit/s. It would have no time for other cameras.
_MOST_FRAMES_PER_S = 10_000
_MOST_UNSENT_BYTES = 16 * 1024  # of packets: what is heard late is of no use
_CHECK_NETWORK = "Check that it is switched on and that its RTSP port can be reached."


@dataclass(frozen=True, slots=True)
class UpstreamTimeouts:
    connect_s: float = 5
    answer_s: float = 10
    close_s: float = 2


class RtspClient(asyncio.Protocol):
    """`on_frames` gets the packets of one read at a time; `on_lost` is called once when the NVR ends the connection
    or breaks the protocol, never after `close`. After `hand_over` somebody else reads the connection, and tells what
    is in it by `message` and `lost`; requests still go out here."""

    def __init__(
        self,
        access: NvrAccess,
        port: int,
        timeouts: UpstreamTimeouts,
        *,
        on_frames: Callable[[list[Interleaved]], None],
        on_lost: Callable[[UpstreamError], None],
        tls: bool = False,
    ) -> None:
        self._access = access
        self._port = port
        self._tls = tls
        self._bridge: Inward | None = None  # to who reads a connection with TLS
        self._timeouts = timeouts
        self._on_frames = on_frames
        self._on_lost = on_lost
        self._parser = RtspParser()
        self._transport: asyncio.Transport | None = None
        self._turn = asyncio.Lock()
        self._cseq = 0
        self._frames_allowed = Allowance(_MOST_FRAMES_PER_S)
        self._waiting: tuple[int, asyncio.Future[Response]] | None = None
        self._auth = UpstreamAuth(access, self._name())
        self._closed = False
        self._handed_over = False
        self._adrift = False  # nothing that comes can be made out any more: only a farewell can be said
        self._message_ended = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def connected(self) -> bool:
        return self._transport is not None and not self._closed and not self._adrift

    @property
    def was_connected(self) -> bool:
        """It got as far as that, with TLS where it is wanted."""
        return self._transport is not None

    @property
    def ends(self) -> tuple[str, str]:
        """The addresses of the connection: ours and the NVR's. Raises UpstreamUnreachable."""
        if self._transport is None or self._closed:
            raise self._unreachable("is not connected")
        ours, theirs = (self._transport.get_extra_info(name) for name in ("sockname", "peername"))
        return str(ours[0]), str(theirs[0])

    async def connect(self) -> None:
        """Raises UpstreamUnreachable."""
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                await dial(self, self._access.host, self._port, tls=self._tls)
        except TimeoutError:
            raise self._unreachable(f"does not answer within {self._timeouts.connect_s:g} s") from None
        except ssl.SSLError as error:
            raise UpstreamProtocolError(
                f"{self._name()} cannot be reached by rtsps ({words(error)}).",
                "Check that this port is the one for RTSP with TLS; without TLS the address begins with rtsp://.",
            ) from None
        except OSError as error:
            raise self._unreachable(f"cannot be reached ({words(error)})") from None

    async def request(self, method: str, url: str, headers: Headers | None = None) -> Response:
        """The final answer, with authentication done. Raises UpstreamError; UpstreamAuthError when the second answer
        is still 401."""
        async with self._turn:
            return await self._authenticated(method, url, headers or Headers())

    async def close(self, farewell: tuple[str, str, Headers] | None = None) -> None:
        """Ends the connection; `farewell` (method, URL, headers) is sent first, its answer awaited for a moment."""
        transport = self._transport
        if transport is None or self._closed:
            return
        if self._adrift and farewell is not None:
            await self.leave(farewell)
            return
        self._on_frames, self._on_lost = _ignore, _ignore
        said = farewell is None
        try:
            if farewell is not None:
                async with asyncio.timeout(self._timeouts.close_s), self._turn:
                    said = True
                    await self._authenticated(*farewell)
        except (TimeoutError, UpstreamError):
            pass  # silent, or it ended the connection first
        finally:
            if farewell is not None and not said and not self._closed:
                self._send(*farewell)  # another request still waits for its answer
            self._closed = True
            transport.close()
            # What is not sent by now will not be; a silent peer must not keep the socket.
            asyncio.get_running_loop().call_later(self._timeouts.close_s, transport.abort)

    async def leave(self, farewell: tuple[str, str, Headers]) -> None:
        """Ends a connection of which nobody knows any more where in it a message would begin, as when it was handed
        over to somebody who is gone. `farewell` is said, and what comes is thrown away until the NVR closes, or for a
        moment."""
        transport = self._transport
        if transport is None or self._closed:
            return
        self._on_frames, self._on_lost, self._handed_over = _ignore, _ignore, True
        if self._bridge is not None:
            self._bridge.close()
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(self._unreachable("is not listened to any more"))
        try:
            self._send(*farewell)
            transport.resume_reading()  # unread data would turn the end into a reset, and the farewell might be lost
            async with asyncio.timeout(self._timeouts.close_s / 4):
                await self._ended.wait()
        except TimeoutError:
            pass
        finally:
            self._closed = True
            transport.abort()

    async def hand_over(self) -> tuple[int, bytes]:
        """A descriptor of the connection, the caller's, and what was read of it behind the last whole message. Raises
        UpstreamUnreachable."""
        transport = self._transport
        if transport is None or self._closed:
            raise self._unreachable("is not connected")
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                while (rest := self._parser.rest()) is None:
                    self._message_ended.clear()
                    await self._message_ended.wait()
        except TimeoutError:
            raise self._unreachable("never ends a message") from None
        if not self.connected:
            raise self._unreachable("closed the connection")
        self._handed_over = True
        if self._tls:
            self._bridge = Inward(transport)
            return self._bridge.descriptor, rest
        transport.pause_reading()
        return os.dup(transport.get_extra_info("socket").fileno()), rest

    def message(self, data: bytes) -> None:
        """A whole message that came in the connection after `hand_over`."""
        self._parsed(data)

    def lost(self, why: str) -> None:
        """The connection ended after `hand_over`: "closed", "reset", or "garbage" came."""
        if why == "garbage":
            self._lose_track(self._no_rtsp("it sends neither messages nor packets"))
        else:
            self._lose(self._unreachable(f"{why} the connection"))

    def send_packet(self, channel: int, packet: bytes) -> bool:
        """Beside the requests: a receiver report, or sound. False: it is lost, since the NVR does not read."""
        if self._transport is None or self._closed or self._transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            return False
        self._transport.write(format_interleaved(channel, packet))
        return True

    def abort(self) -> None:
        """Drops the connection at once."""
        self._on_frames, self._on_lost = _ignore, _ignore
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    # asyncio calls these ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport  # asyncio sets TCP_NODELAY itself

    def data_received(self, data: bytes) -> None:
        if not self._handed_over:
            self._parsed(data)
            self._message_ended.set()
        elif self._bridge is not None:
            self._bridge.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()
        self._message_ended.set()
        if self._bridge is not None:
            self._bridge.end()
        how = "reset the connection" if exc is not None else "closed the connection"
        self._lose(self._unreachable(how))

    def _parsed(self, data: bytes) -> None:
        try:
            events = self._parser.feed(data)
        except RtspSyntaxError as error:
            self._lose_track(self._no_rtsp(error.reason))
            return
        frames = [event for event in events if event.__class__ is Interleaved]
        if len(frames) != len(events):
            for event in events:
                if isinstance(event, Response):
                    self._answered(event)
                elif isinstance(event, Request):
                    self._asked(event)
        if frames and not self._frames_allowed.take(len(frames), asyncio.get_running_loop().time()):
            self._lose_track(self._no_rtsp("more packets than any stream has"))
        elif frames:
            self._on_frames(frames)

    # Requests ---------------------------------------------------------------------------------------------

    async def _authenticated(self, method: str, url: str, headers: Headers) -> Response:
        response = await self._exchange(method, url, headers)
        if response.status != 401:
            return response
        if self._auth.challenged(response):
            response = await self._exchange(method, url, headers)
        if response.status == 401:
            raise self._auth.refused()
        return response

    async def _exchange(self, method: str, url: str, headers: Headers) -> Response:
        if self._transport is None or self._closed or self._adrift:
            raise self._unreachable("is not connected")
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting = (self._cseq + 1, answer)
        self._send(method, url, headers)
        try:
            async with asyncio.timeout(self._timeouts.answer_s):
                return await answer
        except TimeoutError:
            raise self._unreachable(f"did not answer {method} within {self._timeouts.answer_s:g} s") from None
        finally:
            self._waiting = None

    def _send(self, method: str, url: str, headers: Headers) -> None:
        assert self._transport is not None
        self._cseq += 1
        whole = Headers([("CSeq", str(self._cseq)), ("User-Agent", USER_AGENT), *headers])
        if value := self._auth.authorization(method, url):
            whole.add("Authorization", value)
        self._transport.write(format_request(Request(method, url, whole)))

    def _answered(self, response: Response) -> None:
        if self._waiting is None or response.status < 200:
            return
        cseq, answer = self._waiting
        stated = (response.headers.get("CSeq") or "").strip()
        # Some devices leave CSeq out. A lower one is the late answer to a request that was given up.
        late = stated.isascii() and stated.isdigit() and int(stated) < cseq
        if not late and not answer.done():
            answer.set_result(response)

    def _asked(self, request: Request) -> None:
        """Some NVRs ask their clients whether they are alive."""
        assert self._transport is not None
        status = 200 if request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER") else 501
        headers = Headers([("CSeq", request.headers.get("CSeq") or "0")])
        self._transport.write(format_response(Response(status, headers=headers)))

    def _lose(self, error: UpstreamError) -> None:
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(error)
        if self._closed:
            return
        self._closed = True
        if self._transport is not None:
            self._transport.abort()
        self._on_lost(error)

    def _lose_track(self, error: UpstreamError) -> None:
        """The connection may still stand, and with it the NVR's session: `close` ends both."""
        if self._adrift or self._closed:
            return
        self._adrift = True
        if self._waiting is not None and not self._waiting[1].done():
            self._waiting[1].set_exception(error)
        if self._transport is not None:
            self._transport.pause_reading()
        on_lost, self._on_lost = self._on_lost, _ignore
        on_lost(error)

    def _no_rtsp(self, why: str) -> UpstreamProtocolError:
        return UpstreamProtocolError(
            f"{self._name()} sends something that is not RTSP ({why}).",
            "Check that the stream's port is its RTSP port.",
        )

    def _unreachable(self, what: str) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"{self._name()} {what}.", _CHECK_NETWORK)

    def _name(self) -> str:
        return f"{self._access.host}, RTSP port {self._port},"


def _ignore(_: object) -> None:
    pass
