"""Events from outside: what happens before a channel of the NVR reaches the recorders of that camera, and no other."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.layout import lay_out
from tests.bench.signed import signed_request
from tests.e2e.stack import Stack, credentials, running_stack, wait_for_states

EVENTS = "http://www.onvif.org/ver10/events/wsdl"
DEADLINE_S = 60.0


class Recorder:
    """Subscribes to one camera and keeps every message that is news."""

    def __init__(self, camera: m.Camera, secret: tuple[str, str], session: aiohttp.ClientSession) -> None:
        self.camera = camera
        self.news: list[str] = []
        self.bytes = b""
        self._secret = secret
        self._session = session
        self._manager = ""

    async def subscribe(self) -> None:
        url = str(self.camera.onvif_url).replace("device_service", "events_service")
        answer = await self._ask(url, "CreatePullPointSubscription", "")
        found = re.search(rb"Address>([^<]+)</", answer)
        assert found is not None, answer
        self._manager = found[1].decode()
        await self.pull("PT1S")

    async def pull(self, wait: str) -> None:
        content = f"<Timeout>{wait}</Timeout><MessageLimit>100</MessageLimit>"
        answer = (await self._ask(self._manager, "PullMessages", content)).decode()
        self.bytes += answer.encode()
        for message in answer.split("NotificationMessage>")[1::2]:
            if 'PropertyOperation="Initialized"' not in message:
                topic = re.search(r"tns1:([\w/]+)<", message)
                assert topic is not None, message
                values = re.findall(r'Name="(?:State|IsMotion|IsInside|ObjectId)" Value="(\w+)"', message)
                self.news.append(f"{topic[1]} {' '.join(values)}")

    async def hear(self, *wanted: str) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not set(wanted) <= set(self.news):
                await self.pull("PT5S")

    async def _ask(self, url: str, operation: str, content: str) -> bytes:
        body = signed_request(url, operation, EVENTS, *self._secret, content).partition(b"\r\n\r\n")[2]
        async with self._session.post(url, data=body, headers={"Content-Type": "application/soap+xml"}) as reply:
            answer = await reply.read()
            assert reply.status == 200, answer
            return answer


async def prepared(stack: Stack, client: RpcClient) -> tuple[m.Nvr, list[m.Camera], tuple[str, str]]:
    nvr = await stack.add_nvr(client)
    await stack.scan(client, nvr)
    cameras = await wait_for_states(client, m.CameraState.RUNNING)
    return nvr, sorted(cameras, key=lambda c: c.channel), await credentials(client, cameras[0])


async def until(client: RpcClient, method: str, params: dict[str, Any], true: Callable[[Any], object]) -> Any:
    """The answer, once it is as wanted."""
    answer: Any = None
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = await client.call(method, params)
                if true(answer):
                    return answer
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(answer) from None


async def standing(client: RpcClient, nvr: m.Nvr, start: str) -> m.Nvr:
    found: m.Nvr = await until(client, "nvr.get", {"id": nvr.id}, lambda n: n.events.startswith(start))
    return found


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_an_event_reaches_its_camera_in_the_camera_s_words(dialect: str) -> None:
    async with (
        running_stack("--channels", "3", "--dialect", dialect) as stack,
        stack.client() as client,
        aiohttp.ClientSession() as session,
    ):
        nvr, cameras, secret = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        recorders = [Recorder(camera, secret, session) for camera in cameras]
        for recorder in recorders:
            await recorder.subscribe()
        await stack.fault(event=[{"channel": 2, "kind": "motion"}, {"channel": 2, "kind": "count"}])
        await recorders[1].hear("VideoSource/MotionAlarm true", "RuleEngine/CellMotionDetector/Motion true")
        await stack.fault(event={"channel": 3, "kind": "motion"})
        await recorders[2].hear("VideoSource/MotionAlarm true")
        shown = await until(client, "camera.events", {"id": cameras[1].id}, lambda events: len(events) >= 3)
        assert [event.what for event in shown[:2]] == ["motion begins", "motion begins"]
        assert await client.call("camera.events", {"id": cameras[0].id}) == []
        await recorders[0].pull("PT1S")
        assert recorders[0].news == []
        assert {news.rpartition(" ")[0] for news in recorders[2].news} == {
            "VideoSource/MotionAlarm",
            "RuleEngine/CellMotionDetector/Motion",
        }
        own = {camera.address for camera in cameras}
        for profile in lay_out(DIALECTS[dialect], 3).profiles:
            for token in (profile.token, profile.source, profile.source_config):
                if len(token) > 3:
                    assert not any(f'"{token}"'.encode() in recorder.bytes for recorder in recorders)
        assert stack.nvr_address not in own
        assert not any(stack.nvr_address.encode() in recorder.bytes for recorder in recorders)
        camera = await until(client, "camera.get", {"id": cameras[1].id}, lambda c: c.last_event)
        assert camera.last_event_at is not None


@pytest.mark.parametrize("fault", ["notify-only", "clock=2017", "subscription-host=192.0.2.7", "no-addressing"])
async def test_events_of_odd_devices(fault: str) -> None:
    async with running_stack("--channels", "2", "--fault", fault) as stack, stack.client() as client:
        nvr, cameras, _ = await prepared(stack, client)
        await standing(client, nvr, "notification" if fault == "notify-only" else "pull point")
        await stack.fault(event={"channel": 2, "kind": "person"})
        [event] = await until(client, "camera.events", {"id": cameras[1].id}, bool)
        assert event.what == "person begins"
        assert not event.at.startswith("2017")


async def test_a_device_that_cannot_tell_its_channels_apart_is_found_out_and_said() -> None:
    async with running_stack("--channels", "3", "--fault", "events-as-channel-1") as stack, stack.client() as client:
        nvr, cameras, _ = await prepared(stack, client)
        camera = await until(client, "camera.get", {"id": cameras[0].id}, lambda c: c.note)
        assert "cannot be told apart" in camera.note
        assert "cannot be told apart" in (await standing(client, nvr, "pull point; ")).events
        await stack.fault(event={"channel": 2, "kind": "motion"})
        entries = await until(client, "log.tail", {}, lambda log: any("cannot be told" in e.message for e in log))
        assert sum("cannot be told apart" in entry.message for entry in entries) == 1
        assert await client.call("camera.events", {"id": cameras[0].id}) == []


async def test_a_device_without_first_states_that_calls_all_channels_the_same_is_found_out_and_said() -> None:
    faults = ("--fault", "no-first-states", "--fault", "events-as-channel-1")
    async with running_stack("--channels", "3", *faults) as stack, stack.client() as client:
        nvr, cameras, _ = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        happen = [{"channel": n, "kind": "tamper", "state": on} for on in (True, False) for n in (2, 3)]
        for _ in range(4):
            await stack.fault(event=happen)
        for camera in cameras:
            shown = await until(client, "camera.get", {"id": camera.id}, lambda c: c.note)
            assert "cannot be told apart" in shown.note


async def test_events_of_a_channel_that_nobody_knows_and_of_the_nvr_itself_are_said() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr, cameras, _ = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        await stack.fault(event={"channel": 1, "kind": "digital-input"})
        shown = await until(client, "nvr.get", {"id": nvr.id}, lambda n: "DigitalInput" in n.events)
        assert shown.events.endswith("which no camera tells: Device/Trigger/DigitalInput")
        assert (await client.call("camera.get", {"id": cameras[0].id})).note == ""
        await stack.fault(fault="events-source=1")
        await stack.fault(event={"channel": 2, "kind": "motion"})
        camera = await until(client, "camera.get", {"id": cameras[1].id}, lambda c: c.note)
        assert "cannot be told apart by channel" in camera.note


async def test_a_device_without_a_free_pull_point_is_said_once() -> None:
    async with running_stack("--channels", "1", "--fault", "pull-points-full") as stack, stack.client() as client:
        nvr, _, _ = await prepared(stack, client)
        assert "too many event subscriptions" in (await standing(client, nvr, "none: ")).events

        def warned(log: list[m.LogEntry]) -> list[m.LogEntry]:
            return [entry for entry in log if "too many event" in entry.message]

        entries = await until(client, "log.tail", {}, warned)
        assert len(warned(entries)) == 1


async def test_one_subscription_as_long_as_cameras_run_and_none_afterwards() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr, cameras, _ = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        ids = [camera.id for camera in cameras]
        await client.call("camera.restart", {"ids": ids})
        await client.call("nvr.update", {"id": nvr.id, "name": "Other name"})
        await stack.scan(client, nvr)
        assert (await stack.simulator_state())["requests"]["CreatePullPointSubscription"] == 1
        await client.call("camera.stop", {"ids": ids})
        assert (await client.call("nvr.get", {"id": nvr.id})).events == ""
        assert (await stack.simulator_state())["requests"]["Unsubscribe"] == 1
        await client.call("camera.start", {"ids": ids[:1]})
        await standing(client, nvr, "pull point")
        stack.kill_daemon(signal.SIGTERM)
        requests = (await stack.simulator_state())["requests"]
        assert requests["CreatePullPointSubscription"] == requests["Unsubscribe"] == 2


async def test_events_go_on_after_a_restart_of_the_nvr_and_of_the_daemon() -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            nvr, cameras, _ = await prepared(stack, client)
            await standing(client, nvr, "pull point")
            await stack.fault(restart=0.5)
            async with asyncio.timeout(DEADLINE_S):
                while (await stack.simulator_state())["requests"]["CreatePullPointSubscription"] < 2:
                    await asyncio.sleep(0.05)
            await standing(client, nvr, "pull point")
            await stack.fault(event={"channel": 1, "kind": "vehicle"})
            await until(client, "camera.events", {"id": cameras[0].id}, bool)
        stack.kill_daemon()
        stack.start_daemon()
        async with stack.client() as client:
            await standing(client, nvr, "pull point")
            await stack.fault(event={"channel": 2, "kind": "vehicle"})
            [event] = await until(client, "camera.events", {"id": cameras[1].id}, bool)
            assert event.what == "vehicle begins"


async def test_a_camera_that_starts_later_knows_how_things_stand() -> None:
    async with (
        running_stack("--channels", "2") as stack,
        stack.client() as client,
        aiohttp.ClientSession() as session,
    ):
        nvr, cameras, secret = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        await client.call("camera.stop", {"ids": [cameras[1].id]})
        await stack.fault(event={"channel": 2, "kind": "motion"})
        await until(client, "camera.events", {"id": cameras[1].id}, bool)
        await client.call("camera.start", {"ids": [cameras[1].id]})
        recorder = Recorder(cameras[1], secret, session)
        await recorder.subscribe()
        assert b'Name="IsMotion" Value="true"' in recorder.bytes


async def test_a_refused_account_is_not_tried_for_events() -> None:
    async with running_stack("--channels", "1") as stack:
        async with stack.client() as client:
            nvr, _, _ = await prepared(stack, client)
            await standing(client, nvr, "pull point")
            await client.call("nvr.update", {"id": nvr.id, "password": "another password"})
            await until(client, "nvr.get", {"id": nvr.id}, lambda n: n.state is m.NvrState.WRONG_PASSWORD)
            await standing(client, nvr, "none: the NVR refuses the account")
            tried = (await stack.simulator_state())["wrong_passwords"]
            assert tried <= 2
        stack.kill_daemon(signal.SIGTERM)
        stack.start_daemon()
        async with stack.client() as client:
            await standing(client, nvr, "none: the NVR refuses the account")
            assert (await stack.simulator_state())["wrong_passwords"] == tried


async def test_events_of_a_removed_camera_reach_nobody() -> None:
    """On this dialect the source of one channel is called as a profile of another."""
    async with running_stack("--channels", "3", "--dialect", "reolink") as stack, stack.client() as client:
        nvr, cameras, _ = await prepared(stack, client)
        await standing(client, nvr, "pull point")
        await client.call("camera.remove", {"ids": [camera.id for camera in cameras[1:]]})
        await stack.fault(event=[{"channel": 2, "kind": "person"}, {"channel": 3, "kind": "person"}])
        await stack.fault(event={"channel": 1, "kind": "animal"})
        [event] = await until(client, "camera.events", {"id": cameras[0].id}, bool)
        assert event.what == "animal begins"
