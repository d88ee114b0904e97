"""A camera that is restarted again and again: nothing of its former lives stays."""

from __future__ import annotations

from pathlib import Path

from proxyd.api.models import CameraState
from tests.proxyd.discovery.test_camera import one_camera, opened
from tests.proxyd.discovery.wire import unused_address
from tests.proxyd.onvif.test_nothing_stays import ours

_RESTARTS = 20


async def test_restarts_of_a_camera_leave_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store, one_camera(store, unused_address()) as manager:
        await manager.refresh([1])  # what is made once stays
        before = ours()
        for _ in range(_RESTARTS):
            await manager.refresh([1])
            assert manager.cameras()[0].state is CameraState.RUNNING
        stayed = {name: count for name, count in (ours() - before).items() if count >= _RESTARTS}
        assert not stayed  # the NVR's client may have been made meanwhile, once
