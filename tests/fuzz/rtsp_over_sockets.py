"""The fuzz of RTSP over real connections: broken dialogues with a running camera in front of a simulated NVR, while
another recorder plays, and must not notice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from proxyd.digest import authorization, choose, parse_challenges
from proxyd.rtsp.context import RtspLimits
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import REASONS, Interleaved, Request, Response, format_interleaved, format_request
from proxyd.rtsp.parser import RtspParser
from proxyd.rtsp.server import RtspServer
from proxyd.simulator.faults import Faults
from tests.bench.measure import family, rss_mb
from tests.player.talk import FEATURE, speech
from tests.proxyd.rtsp.cameras import CAMERA_HOST, PASSWORD, USER, Recorder, camera, recorder, simulated_nvr

from .rtsp_seeds import broken, mutated

_ANSWER_TIMEOUT_S = 20
_QUIET_S = 0.05  # after it a broken request is not answered any more
_LIMITS = RtspLimits(half_open_s=2, blocked_s=2, idle_s=3, silent_talk_s=0.1, talk_again_s=0)
_UNDISTURBED_HOST = "127.0.3.1"
_TRANSPORTS = (
    "RTP/AVP/TCP;unicast;interleaved=0-1",
    "RTP/AVP/TCP;unicast",
    "RTP/AVP;unicast;client_port=50000-50001",
    "RTP/AVP;multicast",
    "RTP/AVP;unicast",
)


@dataclass
class Tally:
    """What a run has seen. `refused` connections were closed without a word; memory in MB, of the daemon's process and
    of the media process; `descriptors` of both. `heard` packets came to the NVR's loudspeaker."""

    connections: int = 0
    requests: int = 0
    refused: int = 0
    undisturbed_packets: int = 0
    heard: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


async def run(connections: int, seed: int) -> Tally:
    """Raises AssertionError at the first answer that must not be, or when the recorder that behaves is disturbed."""
    generator, tally = random.Random(seed), Tally()
    async with (
        simulated_nvr(Faults(speakers=frozenset({3}))) as nvr,
        camera(nvr.port, _LIMITS) as (server, seen, base),
        recorder(server, _UNDISTURBED_HOST) as steady,
    ):
        await steady.start(f"{base}/main")
        watch = asyncio.create_task(_watch(steady, tally), name="undisturbed recorder")
        every = max(1, connections // 20)
        while tally.connections < connections:
            some = generator.choice((1, 1, 4, 40))
            try:
                await asyncio.gather(
                    *(_talk(server.port, base, random.Random(generator.random()), tally) for _ in range(some))
                )
            except Exception as error:
                raise AssertionError(f"after connection {tally.connections} of seed {seed}") from error
            assert not watch.done(), watch
            if tally.connections // every != (tally.connections + some) // every:
                await _until_alone(server)
                processes = family(os.getpid())
                tally.memory.append(sum(map(rss_mb, processes)))
                tally.descriptors.append(sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in processes))
            seen.trace.clear()  # the fleet's has an end, this one has none
            seen.reports.clear()
            tally.connections += some
        tally.heard = sum(speech.packets for speech in nvr.loudspeakers.heard.values())
        await _until_alone(server)
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    return tally


async def _until_alone(server: RtspServer) -> None:
    """Only the recorder that behaves is left."""
    async with asyncio.timeout(_ANSWER_TIMEOUT_S):
        while len(server._connections) > 1:
            await asyncio.sleep(0.01)


async def _watch(steady: Recorder, tally: Tally) -> None:
    """Every packet comes, in order."""
    before: int | None = None
    while await steady.receive():
        for packet in steady.packets:
            if packet.channel == 0:
                number = int.from_bytes(packet.payload[2:4], "big")
                assert before is None or number == (before + 1) & 0xFFFF, (before, number)
                before = number
                tally.undisturbed_packets += 1
        steady.packets.clear()
        steady.wire.clear()


class _Client:
    """Holds every byte that comes against the syntax of RTSP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> None:
        self.writer = writer
        self.closed = False
        self._reader = reader
        self._tally = tally
        self._parser = RtspParser()
        self._waiting: list[Response] = []
        self._first = True

    def send(self, data: bytes) -> None:
        self._tally.requests += 1
        self.writer.write(data)

    async def receive(self, timeout_s: float) -> bool:
        """One read. Raises RtspSyntaxError for what is no RTSP."""
        try:
            async with asyncio.timeout(timeout_s):
                data = await self._reader.read(65536)
        except TimeoutError:
            return False
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return False
        if self._first and data.startswith(b"HTTP/1.0 "):  # of a tunnel
            head, _, data = data.partition(b"\r\n\r\n")
            self._tally.statuses[int(head[9:12])] += 1
        self._first = False
        for event in self._parser.feed(data):
            assert not isinstance(event, Request), event
            if isinstance(event, Response):
                assert event.status in REASONS and event.version == "RTSP/1.0", event
                assert "CSeq" in event.headers or event.status in (400, 413, 414, 503), event
                self._tally.statuses[event.status] += 1
                self._waiting.append(event)
            else:
                assert isinstance(event, Interleaved)
        return True

    async def response(self, timeout_s: float) -> Response | None:
        """None when there is none, or no connection any more."""
        until = asyncio.get_running_loop().time() + timeout_s
        while not self._waiting and not self.closed:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            await self.receive(left)
        return self._waiting.pop(0) if self._waiting else None


async def _talk(port: int, base: str, generator: random.Random, tally: Tally) -> None:
    host = f"127.0.4.{generator.randrange(1, 200)}"
    try:
        reader, writer = await asyncio.open_connection(CAMERA_HOST, port, local_addr=(host, 0))
    except ConnectionError:
        tally.refused += 1
        return
    client = _Client(reader, writer, tally)
    try:
        match generator.randrange(10):
            case 0:  # half a message, and nobody there any more
                client.send(broken(generator)[:30])
            case 1 | 2:
                client.send(broken(generator))
                if generator.random() < 0.3:
                    with contextlib.suppress(OSError):  # the camera was quicker
                        writer.write_eof()
                while await client.receive(_QUIET_S):
                    pass
            case 3:
                await _tunnel(client, port, host, base, generator)
            case _:
                await _dialogue(client, base, generator)
    except ConnectionError:
        tally.refused += 1
    finally:
        writer.transport.abort()


async def _tunnel(client: _Client, port: int, host: str, base: str, generator: random.Random) -> None:
    cookie = f"c{generator.randrange(5)}"
    client.send(f"GET /main HTTP/1.0\r\nx-sessioncookie: {cookie}\r\n\r\n".encode())
    await client.receive(_QUIET_S)
    _, post = await asyncio.open_connection(CAMERA_HOST, port, local_addr=(host, 0))
    try:
        request = b64encode(_request("OPTIONS", f"{base}/main", {"CSeq": "1"}))
        head = f"POST /main HTTP/1.0\r\nx-sessioncookie: {cookie}\r\nContent-Length: 32767\r\n\r\n".encode()
        post.write(mutated(generator, head + request, generator.choice((0, 0, 1, 3))))
        while await client.receive(_QUIET_S):
            pass
    finally:
        post.transport.abort()


async def _dialogue(client: _Client, base: str, generator: random.Random) -> None:
    """A recorder's, with requests that are broken now and then; after the first of these no answer is sure to come."""
    url, right, session, challenge = f"{base}/{generator.choice(('main', 'sub'))}", True, "", None
    talks, tracks = (True, (0, 1, 16, 16)) if generator.random() < 0.4 else (False, (0, 1, 2))
    methods = ["OPTIONS", "DESCRIBE", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "PAUSE", "PLAY", "TEARDOWN"]
    for _ in range(generator.randrange(3)):
        methods.insert(
            generator.randrange(len(methods)), generator.choice((*methods, "ANNOUNCE", "SET_PARAMETER", "X"))
        )
    for number, method in enumerate(methods[: generator.randrange(1, len(methods) + 1)], 1):
        uri = f"{url}/trackID={generator.choice(tracks)}" if method == "SETUP" else url
        headers = {"CSeq": str(number)}
        if challenge is not None:
            headers["Authorization"] = authorization(
                challenge, method=method, uri=uri, username=USER, password=PASSWORD, cnonce="c"
            )
        if session:
            headers["Session"] = session
        if method == "SETUP":
            headers["Transport"] = generator.choice(_TRANSPORTS)
        if talks:
            headers["Require"] = FEATURE
        data = _request(method, uri, headers)
        if generator.random() < 0.15:
            before, data = data, mutated(generator, data, generator.choice((1, 2, 4)))
            right = right and data == before
        elif generator.random() < 0.1:  # packets of the recorder's own, several requests at once
            data = (
                b"$\x01\x00\x08" + bytes(8) + data + _request("OPTIONS", url, {"CSeq": "99"}) * generator.randrange(3)
            )
            right = False
        client.send(data)
        response = await client.response(_ANSWER_TIMEOUT_S if right else _QUIET_S)
        if client.closed:
            return
        if response is None:
            assert not right, (method, "was not answered")
            continue
        if right and "CSeq" in response.headers:
            assert response.headers.get("CSeq") == str(number), (method, response)
        challenge = choose(parse_challenges(response.headers.get_all("WWW-Authenticate"))) or challenge
        session = (response.headers.get("Session") or session).split(";")[0]
        if talks and method == "PLAY":
            said = [mutated(generator, one, generator.choice((0, 0, 1))) for one in speech(generator.choice((1, 30)))]
            client.send(b"".join(format_interleaved(generator.choice((0, 0, 2)), one[:65535]) for one in said))
    if generator.random() < 0.5:
        await client.receive(_QUIET_S)


def _request(method: str, uri: str, headers: dict[str, str]) -> bytes:
    return format_request(Request(method, uri, Headers(headers.items())))
