"""The daemon's own lines by RPC: those of the running product, for those who may see them."""

from __future__ import annotations

from socket import socket

import pytest

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.api.dial import bound
from proxyd.api.logs import DaemonLog
from proxyd.errors import NotAllowed

from .stack import NVR_PASSWORD, running_stack, wait_for_states


async def test_an_operator_reads_the_daemons_lines_and_a_viewer_does_not() -> None:
    async with running_stack("--channels", "2") as stack, stack.client() as client:
        nvr = await stack.add_nvr(client)
        await stack.scan(client, nvr)
        camera = (await wait_for_states(client, m.CameraState.RUNNING))[0]
        log: DaemonLog = await client.call("log.daemon", {"camera": camera.id, "level": "info"})
        assert f"camera {camera.id}: listens on {camera.address}" in [line.message for line in log.lines]
        assert {line.subject for line in log.lines} == {f"camera {camera.id}"}
        everything: DaemonLog = await client.call("log.daemon", {"limit": 1000})
        assert everything.newest >= log.newest > 0
        assert NVR_PASSWORD not in everything.model_dump_json()
        for role, allowed in ((m.Role.OPERATOR, True), (m.Role.VIEWER, False)):

            async def dial(role: m.Role = role) -> socket:
                return await bound(stack.socket, "anna", role)

            async with RpcClient(dial) as other:
                if allowed:
                    assert (await other.call("log.daemon", {"limit": 1})).lines
                else:
                    with pytest.raises(NotAllowed, match="needs operator"):
                        await other.call("log.daemon", {"limit": 1})
                assert await other.call("log.tail", {"text": "scan of"})
