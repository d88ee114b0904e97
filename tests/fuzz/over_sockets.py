"""The fuzz over real connections to a running camera: bodies framed in every way, several requests at once, and what is
no HTTP at all."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from datetime import UTC, datetime
from itertools import count

from proxyd.camera.guesses import Guesses
from proxyd.onvif.services.operation import EVENTS_PATH
from proxyd.onvif.soap import CONTENT_TYPE
from tests.bench.measure import rss_mb
from tests.proxyd.onvif.coverage import cameras
from tests.proxyd.onvif.schemas import Validator
from tests.proxyd.onvif.world import running_camera

from .in_process import Tally
from .mutations import Mutator, Request
from .verdict import Judge

_ANSWER_TIMEOUT_S = 20
_BROKEN_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /onvif/device_service HTTP/9.9\r\n\r\n",
    b"POST\r\n\r\n",
    b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /onvif/device_service HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"POST /onvif/device_service HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    b"\0" * 100 + b"\r\n\r\n",
]


async def run(validator: Validator, requests: int, seed: int, *, one_in: int = 500) -> tuple[Tally, Judge]:
    """Raises AssertionError at the first answer that must not be, TimeoutError when there is none."""
    generator, mutator = random.Random(seed), Mutator(validator, seed)
    judge, tally, minutes = Judge(validator, one_in), Tally(), count()
    guesses = Guesses(lambda: next(minutes) * 60.0)  # so that no guesser is held back
    every = max(1, requests // 20)
    async with running_camera(cameras()["everything"], guesses) as (server, _):
        while tally.requests < requests:
            before = tally.requests
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                if generator.random() < 0.1:
                    await _talk_nonsense(reader, writer, generator, judge)
                else:
                    await _talk(reader, writer, generator, mutator, judge, tally)
            except Exception as error:
                raise AssertionError(f"after request {tally.requests} of seed {seed}") from error
            finally:
                writer.close()
            if tally.requests // every != before // every:
                tally.memory.append(rss_mb(os.getpid()))
    return tally, judge


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    generator: random.Random,
    mutator: Mutator,
    judge: Judge,
    tally: Tally,
) -> None:
    """Until the camera closes, or the client has had enough."""
    for _ in range(generator.randrange(1, 60)):
        batch = [_quick(mutator) for _ in range(generator.choice((1, 1, 1, 3)))]
        began = time.monotonic()
        writer.write(b"".join(_http(request, generator) for request in batch))
        for request in batch:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                status, kind, raw, stays = await _answer(reader)
            took_s = (time.monotonic() - began) / len(batch)
            if took_s > tally.slowest_s:
                tally.slowest_s, tally.slowest = took_s, request
            tally.busy_s += took_s
            tally.requests += 1
            judge.check(status, kind, raw)
            given = [found.decode() for found in re.findall(rb"\?sub=(\w+)", raw)]
            mutator.subscriptions = [*mutator.subscriptions, *given][-16:]
            if not stays:
                return


async def _talk_nonsense(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, generator: random.Random, judge: Judge
) -> None:
    """A SOAP fault, or the end of the connection."""
    writer.write(generator.choice(_BROKEN_HTTP))
    writer.write_eof()
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            status, kind, raw, _ = await _answer(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    judge.check(status, kind, raw)


def _quick(mutator: Mutator) -> Request:
    """The next request that does not wait for events, which may take a minute."""
    while True:
        request = mutator.request(datetime.now(UTC))
        waits = request.path == EVENTS_PATH and b"PullMessages" in request.body.replace(b"\0", b"")
        if not (waits and request.query):
            return request


def _http(request: Request, generator: random.Random) -> bytes:
    """In one of the ways in which clients frame a body."""
    target = request.path + (f"?sub={request.query}" if request.query else "")
    kind = "text/xml; charset=utf-8" if request.version == "1.1" else CONTENT_TYPE
    if generator.random() < 0.02:
        kind = generator.choice(("text/html", "application/json", "", "application/soap+xml;;;", "text/xml"))
    method = "POST" if generator.random() < 0.98 else generator.choice(("GET", "PUT", "OPTIONS", "DELETE"))
    lines = [f"{method} {target} HTTP/1.1", "Host: camera", f"Content-Type: {kind}"]
    if request.authorization is not None:
        lines.append(f"Authorization: {request.authorization}")
    if generator.random() < 0.3:
        lines.append('SOAPAction: "urn:x"')
    if generator.random() < 0.1:
        lines.append("Expect: 100-continue")
    if generator.random() < 0.8 or not request.body:
        lines.append(f"Content-Length: {len(request.body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + request.body
    lines.append("Transfer-Encoding: chunked")
    size = max(generator.randrange(1, len(request.body) + 1), len(request.body) // 20 + 1)
    pieces = [request.body[at : at + size] for at in range(0, len(request.body), size)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + chunks + b"0\r\n\r\n"


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str, bytes, bool]:
    """Status, content type, body, and whether the connection stays."""
    head = "HTTP/1.1 100"
    while head.startswith("HTTP/1.1 100"):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers["content-type"], body, headers.get("connection", "") != "close"
