"""Notifications on a real LAN: each camera calls from its own address and MAC, and calls nobody else's services."""

from __future__ import annotations

import asyncio
import json
import sys

from .frames import TCP, captured
from .lan import HOST, RECORDER, Lan
from .test_proxyd_on_lan import running

_ELSEWHERE = [
    f"http://{HOST}:8080/",  # the machine that proxyd runs on
    "http://127.0.0.1:8080/",
    "http://169.254.169.254/latest/meta-data",
    "http://192.0.2.7/",
    f"http://{RECORDER}@127.0.0.1/",
]


async def test_cameras_call_their_recorder_and_nobody_else(lan: Lan) -> None:
    async with running(lan) as (chain, client, made):
        username, password = await chain.credentials(client)
        addresses = [camera.address for camera in made]
        wish = {"own": RECORDER, "cameras": addresses, "username": username, "password": password}
        with captured(lan.bridge, "p-host") as cable:
            words = [sys.executable, "-m", "tests.netns.notified"]
            wish["elsewhere"] = [*_ELSEWHERE, f"http://{addresses[0]}/"]
            done = await asyncio.to_thread(lan.recorder.run, words, input=json.dumps(wish))
            calls = cable.sent(lambda f: f.protocol == TCP and f.payload.startswith(b"POST ") and f.target == RECORDER)
        said = json.loads(done.stdout)
        assert set(said["heard"]) == set(addresses)
        assert all("tns1:VideoSource/MotionAlarm" in topics for topics in said["heard"].values())
        assert {(call.source, call.source_mac) for call in calls} == {(camera.address, camera.mac) for camera in made}
        assert len(said["refused"]) == len(_ELSEWHERE) + 1
        assert all("Nothing is sent there" in reason for reason in said["refused"].values()), said["refused"]
        trace = [entry.reason for entry in await client.call("camera.trace", {"id": 1})]
        assert "events are sent" in trace
        assert sum("Nothing is sent there" in reason for reason in trace) == len(said["refused"])
