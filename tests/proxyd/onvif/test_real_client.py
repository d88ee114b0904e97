"""onvif-zeep-async, as installers' tools and Home Assistant use it, adopts a camera over a real socket."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxyd.onvif.http import OnvifServer
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, motion_events
from proxyd.snapshot.picture import SnapshotPicture

from .builders import PASSWORD, USERNAME, camera_spec
from .recorder import running_recorder


@pytest.fixture(scope="module")
def library() -> Iterator[Any]:
    """The module; importing it configures logging, which is undone here."""
    before = list(logging.root.handlers)
    import onvif

    yield onvif
    logging.root.handlers[:] = before


@pytest.fixture
async def server() -> AsyncIterator[OnvifServer]:
    async def take() -> SnapshotPicture:
        return SnapshotPicture("image/jpeg", b"\xff\xd8picture\xff\xd9")

    server = OnvifServer(camera_spec(), take_snapshot=take, record=lambda **_: None)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def device(library: Any, server: OnvifServer) -> AsyncIterator[Any]:
    wsdl = Path(library.__file__).parent / "wsdl"
    device = library.ONVIFCamera("127.0.0.1", server.port, USERNAME, PASSWORD, wsdl_dir=str(wsdl), no_cache=True)
    await device.update_xaddrs()
    yield device
    await device.close()


async def test_adoption(device: Any, server: OnvifServer) -> None:
    base = f"http://127.0.0.1:{server.port}"
    management = await device.create_devicemgmt_service()
    information = await management.GetDeviceInformation()
    assert information.SerialNumber == camera_spec().serial
    interfaces = await management.GetNetworkInterfaces()
    assert [(i.Enabled, i.Info.HwAddress) for i in interfaces] == [(True, camera_spec().mac)]
    media = await device.create_media_service()
    assert (await media.GetServiceCapabilities()).SnapshotUri is True
    profiles = await media.GetProfiles()
    assert [p.VideoEncoderConfiguration.Encoding for p in profiles] == ["H264", "H264"]
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    for profile in profiles:
        uri = await media.GetStreamUri({"ProfileToken": profile.token, "StreamSetup": setup})
        assert uri.Uri == f"rtsp://127.0.0.1:8554/{profile.token}"
        assert (await media.GetSnapshotUri({"ProfileToken": profile.token})).Uri == f"{base}/snapshot"
    assert await device.get_snapshot(profiles[0].token) == b"\xff\xd8picture\xff\xd9"


async def test_pull_point(device: Any, server: OnvifServer) -> None:
    manager = await device.create_pullpoint_manager(datetime.timedelta(seconds=60), _lost)
    try:
        await manager.set_synchronization_point()
        service = manager.get_service()
        assert await _pulled(service) == [(MOTION_ALARM, "Initialized", "false"), (CELL_MOTION, "Initialized", "false")]
        pull = asyncio.create_task(_pulled(service), name="pull")
        await _until_listening(server)
        for event in motion_events(True, datetime.datetime.now(datetime.UTC)):
            server.deliver(event)
        assert await asyncio.wait_for(pull, 5) == [(MOTION_ALARM, "Changed", "true"), (CELL_MOTION, "Changed", "true")]
        await manager._call_subscription_renew()
    finally:
        await manager.shutdown()
    assert len(server._events.subscriptions) == 0


async def test_notifications(device: Any, server: OnvifServer) -> None:
    async with running_recorder() as recorder:
        manager = await device.create_notification_manager(recorder.url, datetime.timedelta(seconds=60), _lost)
        try:
            await manager.set_synchronization_point()
            await recorder.wait_for(1)
            for event in motion_events(True, datetime.datetime.now(datetime.UTC)):
                server.deliver(event)
            await recorder.wait_for(2)
            heard = [message for body in recorder.bodies for message in _told(manager.process(body))]
            assert heard == [
                (MOTION_ALARM, "Initialized", "false"),
                (CELL_MOTION, "Initialized", "false"),
                (MOTION_ALARM, "Changed", "true"),
                (CELL_MOTION, "Changed", "true"),
            ]
            await manager._call_subscription_renew()
        finally:
            await manager.shutdown()
    assert len(server._events.subscriptions) == 0


async def test_what_events_there_are(device: Any) -> None:
    events = await device.create_events_service()
    properties = await events.GetEventProperties()
    assert properties.FixedTopicSet is True
    assert "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet" in [
        dialect["_value_1"] if isinstance(dialect, dict) else dialect for dialect in properties.TopicExpressionDialect
    ]
    capabilities = await events.GetServiceCapabilities()
    assert capabilities.MaxPullPoints >= 10


def _lost() -> None:
    raise AssertionError("the subscription was lost")


async def _pulled(service: Any) -> list[tuple[str, str, str]]:
    return _told(await service.PullMessages({"Timeout": datetime.timedelta(seconds=60), "MessageLimit": 100}))


def _told(answer: Any) -> list[tuple[str, str, str]]:
    """(topic, operation, value) of the messages that the library has read."""
    return [
        (
            message.Topic._value_1,
            message.Message._value_1.PropertyOperation,
            message.Message._value_1.Data.SimpleItem[0].Value,
        )
        for message in answer.NotificationMessage
    ]


async def _until_listening(server: OnvifServer) -> None:
    """Until a long poll waits inside the server."""
    async with asyncio.timeout(30):
        while not any(one.listeners for one in server._events.subscriptions._by_id.values()):
            await asyncio.sleep(0)
