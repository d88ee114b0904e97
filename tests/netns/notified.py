"""A recorder that has cameras send it their events (ONVIF Subscribe). Run as a program in its own network.

Reads one JSON object from standard input: `own` (its address), `cameras`, `username`, `password`, and `elsewhere`, URLs
that cameras must not be made to call. Prints `heard` (per source address the topics) and `refused` (per URL why).
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from lxml import etree
from onvif import ONVIFCamera, ONVIFError
from zeep.exceptions import Fault

from proxyd.onvif.namespaces import clark
from tests.proxyd.onvif.recorder import Recorder, running_recorder

_WAIT_S = 40.0


async def _subscribe(address: str, url: str, username: str, password: str) -> str:
    """Why the camera would not; "" when it sends to that URL from now on."""
    device = ONVIFCamera(address, 80, username, password, no_cache=True)
    try:
        await device.update_xaddrs()
        service = await device.create_notification_service()
        await service.Subscribe({"ConsumerReference": {"Address": url}, "InitialTerminationTime": "PT60S"})
    except (Fault, ONVIFError) as error:
        return str(error)
    finally:
        await device.close()
    return ""


async def be_notified(wish: dict[str, Any]) -> dict[str, Any]:
    account = wish["username"], wish["password"]
    async with running_recorder(wish["own"]) as recorder:
        for camera in wish["cameras"]:
            refused = await _subscribe(camera, recorder.url, *account)
            assert not refused, refused
        async with asyncio.timeout(_WAIT_S):
            await recorder.wait_for(len(wish["cameras"]))
        reasons = {url: await _subscribe(wish["cameras"][0], url, *account) for url in wish["elsewhere"]}
        return {"heard": _heard(recorder), "refused": reasons}


def _heard(recorder: Recorder) -> dict[str, list[str]]:
    return {
        peer: [topic.text or "" for topic in etree.fromstring(body).iter(clark("wsnt:Topic"))]
        for peer, body in zip(recorder.peers, recorder.bodies, strict=True)
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(be_notified(json.load(sys.stdin)))))
