"""From a simulated NVR that never says that something is over to a recorder that has to be told: over real sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from proxyd.camera.events import CameraEvent
from proxyd.camera.nvr_events import Followed, NvrEvents
from proxyd.nvr.account import Account
from proxyd.nvr.link import NvrLink
from proxyd.nvr.scan import scan
from proxyd.onvif.http import OnvifServer
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.faults import Faults
from proxyd.simulator.happenings import Happening
from proxyd.snapshot.picture import SnapshotPicture
from tests.proxyd.onvif.builders import NOW, camera_spec, soap, texts

_SOAP = {"Content-Type": "application/soap+xml; charset=utf-8"}
_PULL = "<tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"
_CLEAR_AFTER_S = 0.3
_TICK_S = 0.05  # the daemon's is a second


@asynccontextmanager
async def serving() -> AsyncIterator[OnvifServer]:
    async def take() -> SnapshotPicture:
        raise AssertionError("nobody asks for a picture here")

    server = OnvifServer(camera_spec(), take_snapshot=take, record=lambda **_: None, now=lambda: NOW)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def tended(events: NvrEvents) -> AsyncIterator[None]:
    async def tend() -> None:
        while True:
            events.tend()
            await asyncio.sleep(_TICK_S)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(tend(), name="tend")
        yield
        task.cancel()


async def _ask(session: aiohttp.ClientSession, url: str, operation: str, content: str = "") -> bytes:
    async with session.post(url, data=soap(operation, content), headers=_SOAP) as response:
        answer = await response.read()
        assert response.status == 200, answer
        return answer


async def _told(session: aiohttp.ClientSession, server: OnvifServer, happen: list[Happening], nvr: SimulatedNvr) -> str:
    """What a recorder hears of it until all is over: topics and values in their order."""
    url = f"http://127.0.0.1:{server.port}/onvif/events_service"
    [manager] = texts(await _ask(session, url, "tev:CreatePullPointSubscription"), "wsa:Address")
    for one in happen:
        nvr.happen(one)
    heard = ""
    async with asyncio.timeout(20):
        while heard.count("=true") == 0 or heard.count("=true") != heard.count("=false"):
            answer = (await _ask(session, manager, "tev:PullMessages", _PULL)).decode()
            for message in answer.split("NotificationMessage>")[1::2]:
                if 'PropertyOperation="Initialized"' not in message:
                    topic = re.search(r"tns1:[\w/]+", message)
                    value = re.search(r'Value="(true|false)"/></tt:Data>', message)
                    assert topic is not None, message
                    assert value is not None, message
                    heard += f"{topic[0].rpartition('/')[2]}={value[1]} "
    return heard


@pytest.mark.parametrize("dialect", ["hikvision", "gsoap"])
async def test_what_an_nvr_never_ends_is_ended_for_recorders(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect, faults=Faults(events_only_true=True)) as nvr:
        [_, second] = (await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)).channels
        link = NvrLink(Account(nvr.access))
        async with serving() as server, aiohttp.ClientSession() as session:
            kept: list[CameraEvent] = []

            def deliver(camera: int, event: CameraEvent) -> None:
                kept.append(event)
                server.deliver(event)

            events = NvrEvents(
                link=lambda _: link, deliver=deliver, report=lambda *_: None, clear_after_s=_CLEAR_AFTER_S
            )
            await events.follow({1: Followed(nvr.access, {7: second.features.tokens}, running=True)})
            try:
                async with tended(events), asyncio.timeout(20):
                    while (standing := events.standing(1)) is None or standing.mode != "pull point":
                        await asyncio.sleep(0)
                    happen = [Happening(2, "motion"), Happening(2, "person")]
                    heard = await _told(session, server, [*happen, Happening(2, "motion", state=False)], nvr)
                    again = await _told(session, server, happen[:1], nvr)
            finally:
                await events.stop()
                await link.close()
    person = "ObjectsInside" if dialect == "hikvision" else "PeopleDetect"
    assert heard.split()[:3] == ["MotionAlarm=true", "Motion=true", f"{person}=true"]
    assert sorted(heard.split()[3:]) == sorted(["MotionAlarm=false", "Motion=false", f"{person}=false"])
    assert again.split() == ["MotionAlarm=true", "Motion=true", "MotionAlarm=false", "Motion=false"]
    assert [event.operation for event in kept] == ["Changed"] * 10
