"""The control endpoint: state, faults, restart; nonsense is refused and changes nothing."""

from __future__ import annotations

import aiohttp
import pytest

from proxyd.simulator.device import SimulatedNvr


async def test_faults_at_run_time() -> None:
    async with SimulatedNvr(channels=1) as nvr, aiohttp.ClientSession() as session:
        async with session.post(nvr.control_url, json={"fault": ["slow=0.2", "offline=1,3"]}) as reply:
            state = await reply.json()
        assert (state["faults"]["slow_s"], state["faults"]["offline"]) == (0.2, [1, 3])
        assert (nvr.faults.slow_s, nvr.faults.offline) == (0.2, frozenset({1, 3}))
        async with session.post(nvr.control_url, json={"fault": "slow=off"}) as reply:
            assert (await reply.json())["faults"]["slow_s"] == 0
        async with session.get(nvr.control_url) as reply:
            state = await reply.json()
        assert (state["up"], state["wrong_passwords"], state["requests"]) == (True, 0, {})
        assert nvr.password not in str(state)


async def test_it_answers_while_the_device_is_down() -> None:
    async with SimulatedNvr(channels=1) as nvr, aiohttp.ClientSession() as session:
        async with session.post(nvr.control_url, json={"fault": "down"}) as reply:
            assert (await reply.json())["up"] is False
        async with session.post(nvr.control_url, json={"fault": "down=off"}) as reply:
            assert (await reply.json())["up"] is True
        async with session.post(nvr.control_url, json={"restart": 0}) as reply:
            assert reply.status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"fault": "unknown"}',
        b'{"fault": "slow=fast"}',
        b'{"fault": 3}',
        b'{"fault": [null]}',
        b'{"restart": "now"}',
        b'{"restart": true}',
        b'{"restart": -1}',
        b'{"restart": 1e9}',
        b'{"other": 1}',
        b'{"event": 1}',
        b'{"event": {"channel": 1}}',
        b'{"event": {"channel": 9, "kind": "motion"}}',
        b'{"event": {"channel": true, "kind": "motion"}}',
        b'{"event": {"channel": 1, "kind": "animal"}}',
        b'{"event": {"channel": 1, "kind": "motion", "state": 1}}',
        b'{"event": {"channel": 1, "kind": "motion", "x": 1}}',
        b'{"events_per_s": -1}',
        b'{"events_per_s": "many"}',
        b'{"forget": "everything"}',
        b"\xff\xfe",
    ],
)
async def test_nonsense_is_refused_in_words(wrong: bytes) -> None:
    async with SimulatedNvr(channels=1) as nvr, aiohttp.ClientSession() as session:
        async with session.post(nvr.control_url, data=wrong) as reply:
            assert reply.status == 400
            assert (await reply.json())["error"]
        assert nvr.is_up
