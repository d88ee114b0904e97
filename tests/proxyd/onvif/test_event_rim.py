"""Events through a running camera: long polls that wake, hang up, and end; notifications beside them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from proxyd.camera.events import CameraEvent
from proxyd.onvif.event_filter import EventFilter
from proxyd.onvif.event_queue import MAX_QUEUED
from proxyd.onvif.http import OnvifServer
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, motion_events
from proxyd.onvif.services.events import Pull
from proxyd.onvif.subscriptions import MAX_PULL_POINTS
from proxyd.snapshot.picture import SnapshotPicture

from .builders import NOW, PATHS, body_of, camera_spec, fault_of, soap, texts
from .recorder import running_recorder

_SOAP = {"Content-Type": "application/soap+xml; charset=utf-8"}
_PULL = "<tev:Timeout>PT60S</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"


@dataclass
class Running:
    server: OnvifServer
    client: aiohttp.ClientSession
    trace: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, operation: str, content: str = "", sub: str = "") -> tuple[int, bytes]:
        url = f"http://127.0.0.1:{self.server.port}{PATHS[operation.partition(':')[0]]}?sub={sub}"
        async with self.client.post(url, data=soap(operation, content), headers=_SOAP) as response:
            return response.status, await response.read()

    async def subscribe(self) -> str:
        """A pull point from which the first states have been fetched."""
        _, body = await self.ask("tev:CreatePullPointSubscription")
        sub = texts(body, "wsa:Address")[0].partition("?sub=")[2]
        assert await self.pull(sub) == [MOTION_ALARM, CELL_MOTION]
        return sub

    async def pull(self, sub: str, limit: int = 1000) -> list[str]:
        status, body = await self.ask("tev:PullMessages", _PULL.format(limit=limit), sub)
        assert status == 200, fault_of(body)
        return texts(body, "wsnt:Topic")

    async def until_waiting(self, count: int) -> None:
        """Until so many long polls wait inside the server."""
        async with asyncio.timeout(30):
            while sum(len(one.listeners) for one in self.server._events.subscriptions._by_id.values()) != count:
                await asyncio.sleep(0)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async def take() -> SnapshotPicture:
        raise AssertionError("nobody asks for a picture here")

    trace: list[dict[str, Any]] = []
    server = OnvifServer(camera_spec(), take_snapshot=take, record=lambda **entry: trace.append(entry), now=lambda: NOW)
    await server.start()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as client:
        yield Running(server, client, trace)
    await server.stop()


def _number(value: int) -> CameraEvent:
    return CameraEvent("tns1:Device/Trigger/DigitalInput", NOW, (), (("Number", str(value)),), state=False)


async def test_an_event_wakes_all_who_wait(running: Running) -> None:
    subs = [await running.subscribe() for _ in range(MAX_PULL_POINTS)]
    pulls = [asyncio.create_task(running.pull(sub), name=f"pull {sub}") for sub in subs]
    await running.until_waiting(MAX_PULL_POINTS)
    for event in motion_events(True, NOW):
        running.server.deliver(event)
    assert await asyncio.gather(*pulls) == [[MOTION_ALARM, CELL_MOTION]] * MAX_PULL_POINTS


async def test_many_who_wait_are_woken_one_by_one(running: Running) -> None:
    """The event loop has other things to do between them: video, and the NVR's next events."""
    rim = running.server._events
    pulls = []
    for _ in range(MAX_PULL_POINTS):
        made = rim.subscriptions.create(client="", lifetime_s=60, wanted=EventFilter(), now=NOW)
        assert made is not None
        made.queue.take(9)
        pulls.append(asyncio.create_task(rim.perform(Pull(made, 60, 9)), name="pull"))
    await running.until_waiting(MAX_PULL_POINTS)
    for event in motion_events(True, NOW):
        running.server.deliver(event)
    done = [0]
    async with asyncio.timeout(30):
        while done[-1] < MAX_PULL_POINTS:
            await asyncio.sleep(0)
            done.append(sum(pull.done() for pull in pulls))
    assert max(after - before for before, after in pairwise(done)) == 1


async def test_of_two_pulls_at_one_point_each_message_goes_to_one(running: Running) -> None:
    sub = await running.subscribe()
    pulls = [asyncio.create_task(running.pull(sub), name=f"pull {number}") for number in range(2)]
    await running.until_waiting(2)
    running.server.deliver(_number(1))
    done, waiting = await asyncio.wait(pulls, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting)) == (1, 1)
    await running.until_waiting(1)  # the other was not answered with nothing
    running.server.deliver(_number(2))
    assert await waiting.pop() == ["tns1:Device/Trigger/DigitalInput"]


async def test_none_is_lost_and_order_is_kept_between_pulls(running: Running) -> None:
    sub = await running.subscribe()
    for number in range(MAX_QUEUED):
        running.server.deliver(_number(number))
    numbers: list[str | None] = []
    while len(numbers) < MAX_QUEUED:
        _, body = await running.ask("tev:PullMessages", _PULL.format(limit=99), sub)
        numbers += [item.get("Value") for item in body_of(body).iter("{http://www.onvif.org/ver10/schema}SimpleItem")]
    assert numbers == [str(number) for number in range(MAX_QUEUED)]
    assert not [entry for entry in running.trace if not entry["ok"]]


async def test_who_fetches_too_slowly_is_in_the_trace_and_states_are_right(running: Running) -> None:
    sub = await running.subscribe()
    running.server.deliver(motion_events(True, NOW)[0])
    for number in range(2 * MAX_QUEUED):
        running.server.deliver(_number(number))
    topics = await running.pull(sub)
    assert (len(topics), topics[0]) == (MAX_QUEUED, MOTION_ALARM)
    (slow,) = [entry for entry in running.trace if not entry["ok"]]
    assert (slow["client"], slow["operation"]) == ("127.0.0.1", "PullMessages")
    assert "too slowly" in slow["reason"]


async def test_who_hangs_up_takes_no_messages_along(running: Running) -> None:
    sub = await running.subscribe()
    async with aiohttp.ClientSession() as other:
        gone = Running(running.server, other)
        pull = asyncio.create_task(gone.pull(sub), name="pull")
        await running.until_waiting(1)
        pull.cancel()
    await running.until_waiting(0)
    running.server.deliver(_number(1))
    assert await running.pull(sub) == ["tns1:Device/Trigger/DigitalInput"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_messages_of_an_answer_that_breaks_off_are_not_lost(running: Running, chunked: bool) -> None:
    sub = await running.subscribe()
    text = "x" * (8000 if chunked else 1)  # aiohttp, which serves these, is content when the kernel has taken it all
    for number in range(MAX_QUEUED):
        running.server.deliver(replace(_number(number), data=(("Number", f"{number}"), ("Text", text))))
    body = soap("tev:PullMessages", _PULL.format(limit=MAX_QUEUED))
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    sent = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n" if chunked else body
    head = f"POST {PATHS['tev']}?sub={sub} HTTP/1.1\r\nHost: a\r\nContent-Type: application/soap+xml\r\n{how}\r\n\r\n"
    with socket.socket() as recorder:
        recorder.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        recorder.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        recorder.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(recorder, ("127.0.0.1", running.server.port))
        await loop.sock_sendall(recorder, head.encode() + sent)
        assert b"200 OK" in await loop.sock_recv(recorder, 1024)
        [point] = running.server._events.subscriptions._by_id.values()
        assert len(point.queue) == 0
    async with asyncio.timeout(10):
        while not point.queue:
            await asyncio.sleep(0)
    running.server.deliver(_number(MAX_QUEUED))
    assert len(await running.pull(sub)) == MAX_QUEUED
    _, answer = await running.ask("tev:PullMessages", _PULL.format(limit=1).replace("60S", "0S"), sub)
    assert texts(answer, "wsnt:Topic") == []


async def test_a_recorder_with_a_name_subscribes_where_its_address_may(running: Running) -> None:
    async with running_recorder() as recorder:
        consumer = "<wsnt:ConsumerReference><wsa:Address>{}</wsa:Address></wsnt:ConsumerReference>"
        named = consumer.format(recorder.url.replace("127.0.0.1", "localhost"))
        status, body = await running.ask("wsnt:Subscribe", named)
        assert (status, texts(body, "wsa:Address")[0].count("?sub=")) == (200, 1)
        await recorder.wait_for(1)
        elsewhere = replace(camera_spec(), address="127.0.77.5")  # its LAN is another, and so is the recorder's address
        running.server.update(elsewhere)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))) as client:
            status, body = await Running(running.server, client).ask("wsnt:Subscribe", named)
        assert (status, fault_of(body)[1][1]) == (400, "wsnt:SubscribeCreationFailedFault")
        assert "Nothing is sent there: localhost: 127.0.0.1 is neither" in fault_of(body)[2]
        assert len(running.server._events.subscriptions) == 1


async def test_stop_ends_pulls_and_notifications(running: Running) -> None:
    sub = await running.subscribe()
    async with running_recorder() as recorder:
        consumer = f"<wsnt:ConsumerReference><wsa:Address>{recorder.url}</wsa:Address></wsnt:ConsumerReference>"
        status, _ = await running.ask("wsnt:Subscribe", consumer)
        assert status == 200
        await recorder.wait_for(1)
        pull = asyncio.create_task(running.ask("tev:PullMessages", _PULL.format(limit=9), sub), name="pull")
        await running.until_waiting(2)
        await asyncio.wait_for(running.server.stop(), 5)
        status, body = await pull
    assert (status, fault_of(body)[1]) == (400, ["ter:InvalidArgVal", "wsrf-r:ResourceUnknownFault"])
    assert recorder.heard() == [(MOTION_ALARM, "false", "Initialized"), (CELL_MOTION, "false", "Initialized")]
    assert not [task for task in asyncio.all_tasks() if "notifications" in task.get_name()]
