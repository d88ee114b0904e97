"""Requests that are nearly right: each gets a valid answer, quickly, in bounded memory; in process and over a socket.

`python -m tests.fuzz` asks a million times.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from datetime import UTC, datetime
from itertools import count

import pytest

from proxyd.camera.guesses import Guesses
from proxyd.onvif.faults import action_not_supported
from proxyd.onvif.soap import CONTENT_TYPE
from tests.proxyd.onvif.coverage import cameras
from tests.proxyd.onvif.schemas import Validator
from tests.proxyd.onvif.world import running_camera

from .in_process import run
from .mutations import Mutator, Request
from .verdict import Judge

IN_PROCESS = 20_000
OVER_SOCKETS = 2_000
SLOWEST_S = 1.0
GROWTH_MB = 24.0  # the allocator's, not the camera's: a million requests grow by no more


@pytest.mark.timeout(600)
def test_no_request_makes_an_invalid_or_slow_answer(validator: Validator) -> None:
    tally, judge = run(validator, IN_PROCESS, seed=7, one_in=100)
    assert tally.slowest_s < SLOWEST_S, tally.slowest
    warm, after = tally.memory[1], tally.memory[-1]
    assert after - warm < GROWTH_MB, tally.memory
    assert tally.requests == sum(judge.statuses.values()) == IN_PROCESS
    # That it was not only refused at the door: many operations answered, and many sorts of faults were given.
    assert judge.statuses[200] > IN_PROCESS / 10
    assert len(judge.kinds) > 150


@pytest.mark.timeout(600)
async def test_no_request_makes_a_bad_answer_over_a_socket(validator: Validator) -> None:
    judge, generator = Judge(validator, one_in=50), random.Random(11)
    mutator = Mutator(validator, 12)
    slowest_s = 0.0
    minutes = count()
    guesses = Guesses(lambda: next(minutes) * 60.0)  # so that no guesser is held back
    async with running_camera(cameras()["everything"], guesses) as (server, _):
        asked = 0
        while asked < OVER_SOCKETS:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                for _ in range(generator.randrange(1, 60)):
                    request = mutator.request(datetime.now(UTC))
                    if request.query and b"PullMessages" in request.body.replace(b"\0", b""):
                        continue  # a poll may wait for a minute
                    began = time.monotonic()
                    async with asyncio.timeout(20):
                        writer.write(_http(request, generator))
                        status, kind, raw, stays = await _answer(reader)
                    slowest_s = max(slowest_s, time.monotonic() - began)
                    judge.check(status, kind, raw)
                    mutator.subscriptions += [found.decode() for found in re.findall(rb"\?sub=(\w+)", raw)]
                    asked += 1
                    if not stays:
                        break
            finally:
                writer.close()
    assert slowest_s < SLOWEST_S
    assert judge.statuses[200] > OVER_SOCKETS / 20


@pytest.mark.parametrize(
    ("status", "content_type", "before", "after"),
    [
        (200, CONTENT_TYPE, b"", b""),
        (500, CONTENT_TYPE, b"", b""),
        (400, "text/html", b"", b""),
        (400, CONTENT_TYPE, b" ", b""),
        (400, CONTENT_TYPE, b"", b"x"),
        (400, CONTENT_TYPE, b"<!-- NvrProfile1 -->", b""),
    ],
)
def test_the_judge_sees_what_is_wrong(
    validator: Validator, status: int, content_type: str, before: bytes, after: bytes
) -> None:
    fault = action_not_supported("GetWeather").to_bytes()
    judge = Judge(validator, one_in=1)
    judge.check(400, CONTENT_TYPE, fault)
    with pytest.raises((AssertionError, ValueError, SyntaxError)):
        judge.check(status, content_type, before + fault + after)


def _http(request: Request, generator: random.Random) -> bytes:
    """In one of the ways in which clients frame a body."""
    target = request.path + (f"?sub={request.query}" if request.query else "")
    kind = "text/xml; charset=utf-8" if request.version == "1.1" else CONTENT_TYPE
    lines = [f"POST {target} HTTP/1.1", "Host: camera", f"Content-Type: {kind}"]
    if request.authorization is not None:
        lines.append(f"Authorization: {request.authorization}")
    if generator.random() < 0.3:
        lines.append('SOAPAction: "urn:x"')
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
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers["content-type"], body, headers.get("connection", "") != "close"
