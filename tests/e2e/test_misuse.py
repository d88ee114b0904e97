"""What hasty or hostile users do to the running product, and what must not come of it."""

from __future__ import annotations

import signal

import pytest

from proxyd.api import models as m
from proxyd.errors import InvalidInput

from .stack import running_stack, wait_for_states


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_the_daemon_ends_cleanly_in_mid_scan(number: signal.Signals) -> None:
    async with running_stack("--channels", "2") as stack:
        async with stack.client() as client:
            nvr = await stack.add_nvr(client)
            await stack.fault(fault="slow=2")
            await client.call("nvr.scan", {"id": nvr.id})
        stack.kill_daemon(number)
        assert stack.daemon is not None
        assert stack.daemon.process.returncode == 0
        assert not stack.socket.exists()


async def test_a_camera_of_its_own_is_no_nvr_for_the_daemon() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        camera = (await wait_for_states(client, m.CameraState.RUNNING))[0]
        account = {"host": camera.address, "port": 8080, "username": "a", "password": "b"}
        for method, params in (
            ("nvr.add", account),
            ("nvr.test", account),
            ("nvr.update", {"id": nvr.id, "host": camera.address}),
        ):
            with pytest.raises(InvalidInput, match=f"address of camera {camera.id} ") as caught:
                await client.call(method, params)
            assert set(caught.value.fields) == {"host"}
