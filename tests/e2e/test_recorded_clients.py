"""What five client libraries really sent, in order, to cameras of each dialect: valid answers, the right streams."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from lxml import etree

from proxyd.api import models as m
from proxyd.onvif.namespaces import clark
from proxyd.simulator.dialects import DIALECTS
from tests.player.play import play
from tests.proxyd.onvif.recorded import CLIENTS, Step, steps
from tests.proxyd.onvif.schemas import Validator

from .stack import credentials, running_stack, wait_for_states

CHANNEL = 2
_STREAMS = ["main", "sub"]


class Conversation:
    """One recorded client with one camera."""

    def __init__(self, camera: m.Camera, secret: tuple[str, str], session: aiohttp.ClientSession) -> None:
        assert camera.onvif_url is not None
        self._base = camera.onvif_url.removesuffix("/onvif/device_service")
        self._secret = secret
        self._session = session
        self._profiles = list(_STREAMS)
        self._subscription = ""
        self.streams: dict[str, str] = {}  # URI by the token of the profile

    async def say(self, step: Step, validator: Validator) -> None:
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        body = step.signed_anew(*self._secret, os.urandom(16), created=created, profiles=self._profiles)
        headers = {"Content-Type": step.content_type} | ({"SOAPAction": step.action} if step.action else {})
        url = self._subscription if step.at_subscription else self._base + step.path
        async with self._session.post(url, data=body.encode(), headers=headers) as response:
            raw = await response.read()
            assert response.status == 200, (step, raw)
        answer = validator.body(raw)
        assert answer.tag.endswith(f"}}{step.operation}Response")
        self._learn(step, answer)

    def _learn(self, step: Step, answer: etree._Element) -> None:
        if step.operation == "GetProfiles" and step.path.endswith("media_service"):
            # An H.265 stream is not among those of Media1, and then there is no second profile to ask for.
            told = [profile.get("token", "") for profile in answer]
            self._profiles = (told * 2)[:2]
        elif step.operation == "CreatePullPointSubscription":
            self._subscription = answer.findtext(f".//{clark('wsa:Address')}") or ""
            assert self._subscription.startswith(self._base)
        elif step.operation == "GetStreamUri":
            assert step.profile is not None
            self.streams[self._profiles[step.profile]] = answer.findtext(f".//{clark('tt:Uri')}") or ""


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_recorded_clients_adopt_a_camera_of(dialect: str, shared_data: Path, validator: Validator) -> None:
    async with (
        running_stack("--channels", "2", "--dialect", dialect) as stack,
        stack.client() as client,
        aiohttp.ClientSession() as session,
    ):
        job = await stack.scan(client, await stack.add_nvr(client))
        assert job.state is m.JobState.DONE, job.error
        cameras = await wait_for_states(client, m.CameraState.RUNNING)
        camera = next(camera for camera in cameras if camera.channel == CHANNEL)
        secret = await credentials(client, camera)
        streams: dict[str, str] = {}
        for name in CLIENTS:
            conversation = Conversation(camera, secret, session)
            for step in steps(shared_data, name):
                await conversation.say(step, validator)
            assert conversation.streams, name
            streams |= conversation.streams
        for name, uri in streams.items():
            player = await play(uri, secret, 0, frames=10)
            assert player.counter.sources == {(CHANNEL, _STREAMS.index(name))}
        assert not [entry for entry in await client.call("camera.trace", {"id": camera.id}) if not entry.ok]
