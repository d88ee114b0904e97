"""onvif-zeep-async, as installers' tools and Home Assistant use it, adopts a camera over a real socket."""

from __future__ import annotations

import datetime
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxyd.onvif.http import OnvifServer
from proxyd.snapshot.picture import SnapshotPicture

from .builders import PASSWORD, USERNAME, camera_spec


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


async def test_pull_point(device: Any) -> None:
    manager = await device.create_pullpoint_manager(datetime.timedelta(seconds=60), lambda: None)
    try:
        await manager.set_synchronization_point()
        service = manager.get_service()
        messages = await service.PullMessages({"Timeout": datetime.timedelta(seconds=60), "MessageLimit": 100})
        topics = [message.Topic._value_1 for message in messages.NotificationMessage]
        assert topics == ["tns1:VideoSource/MotionAlarm", "tns1:RuleEngine/CellMotionDetector/Motion"]
    finally:
        await manager.shutdown()
