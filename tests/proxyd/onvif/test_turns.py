"""Whose password waits behind a guesser: never that of a connection that proved itself, always a guess."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from proxyd.camera.guesses import BURST, Budget, Guesses
from proxyd.camera.settings import CameraUser
from proxyd.camera.urls import SNAPSHOT_PATH
from proxyd.onvif.dispatch import Dispatcher
from proxyd.onvif.exchange import Call, Later, Pending, Proof, Reply
from proxyd.onvif.services.operation import Reached
from proxyd.onvif.subscriptions import Subscriptions

from .builders import NOW, PASSWORD, PATHS, USERNAME, camera_spec, soap, username_token
from .world import running_camera

GUARD = CameraUser("guard", "guard-secret-7", "User")
ADDRESS = "192.0.2.50"
_SOAP = {"Content-Type": "application/soap+xml; charset=utf-8"}


class Door:
    """A camera whose clock stands still: who has to wait waits for ever."""

    def __init__(self) -> None:
        self.guesses = Guesses(lambda: 0.0)
        self._dispatcher = Dispatcher(
            camera_spec(users=(GUARD,)),
            secret=b"secret",
            subscriptions=Subscriptions(lambda: "point"),
            guesses=self.guesses,
        )

    def used_up(self) -> None:
        """By a guesser at the recorder's address who knows its name."""
        for name in (USERNAME, "nobody"):
            for _ in range(BURST):
                self.guesses.wrong(ADDRESS, name)

    def ask(
        self, proof: Proof, header: str, authorization: str | None = None
    ) -> Reply | Pending | Later[Reply | Pending]:
        body = soap("tds:GetUsers", header=header)
        path = PATHS["tds"]
        call = Call("POST", path, path, Reached("10.0.0.1", 80), body, "", authorization, ADDRESS, proof)
        return self._dispatcher.handle(call, NOW)


class Watched(Guesses):
    """Tells when somebody has to wait; the clock stands still."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.delayed = asyncio.Event()

    def delay(self, budget: Budget) -> float:
        delay_s = super().delay(budget)
        if delay_s:
            self.delayed.set()
        return delay_s


def _ok(answer: object) -> bool:
    return isinstance(answer, Reply) and answer.ok


def test_a_connection_that_proved_itself_does_not_wait_as_the_same_account() -> None:
    door, proof = Door(), Proof()
    assert _ok(door.ask(proof, username_token()))
    door.used_up()
    assert _ok(door.ask(proof, username_token()))
    assert isinstance(door.ask(Proof(), username_token()), Later), "another connection does"
    assert isinstance(door.ask(proof, username_token("admin", "x")), Later), "another name does"


def test_one_wrong_password_ends_that() -> None:
    door, proof = Door(), Proof()
    assert _ok(door.ask(proof, username_token()))
    door.used_up()
    assert not _ok(door.ask(proof, username_token(password="guess")))
    assert isinstance(door.ask(proof, username_token()), Later)


@pytest.mark.parametrize("authorization", [f'Digest username="{USERNAME}"', f"Digest username={USERNAME}"])
def test_guesses_beside_a_right_password_wait_too(authorization: str) -> None:
    """A guard who sends his own token, and guesses at the administrator's password in the same request."""
    door, proof = Door(), Proof()
    token = username_token(GUARD.username, GUARD.password)
    door.ask(proof, token)
    assert proof.username == GUARD.username
    door.used_up()
    answer = door.ask(proof, username_token(GUARD.username, GUARD.password), authorization)
    assert isinstance(answer, Later) and answer.username == USERNAME


def test_an_update_of_the_camera_leaves_no_proof_to_a_wrong_password() -> None:
    door, proof = Door(), Proof()
    assert _ok(door.ask(proof, username_token()))
    door._dispatcher.update(replace(camera_spec(), password="another-one-9"))
    door.used_up()
    assert not _ok(door.ask(proof, username_token()))
    assert proof.username is None


async def test_over_sockets_with_either_kind_of_request() -> None:
    """Quick ones first, then chunks and the picture, which are aiohttp's, on the same connection."""
    guesses = Watched()
    async with running_camera(camera_spec(), guesses) as (server, _):
        base = f"http://127.0.0.1:{server.port}"
        url = base + PATHS["tds"]

        def request() -> bytes:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return soap("tds:GetUsers", header=username_token(created=now))

        async def chunks() -> object:
            yield request()

        digest = aiohttp.DigestAuthMiddleware(USERNAME, PASSWORD)
        one_connection = aiohttp.TCPConnector(limit=1)
        async with (
            aiohttp.ClientSession(connector=one_connection) as recorder,
            aiohttp.ClientSession() as stranger,
            asyncio.timeout(20),
        ):
            async with recorder.post(url, data=request(), headers=_SOAP) as response:
                assert response.status == 200
                await response.read()
            for _ in range(BURST):
                guesses.wrong("127.0.0.1", USERNAME)
            waiting = asyncio.create_task(stranger.post(url, data=request(), headers=_SOAP), name="a new connection")
            await guesses.delayed.wait()
            for data in (request(), request(), chunks(), request()):
                async with recorder.post(url, data=data, headers=_SOAP) as response:
                    assert response.status == 200
                    await response.read()
            async with recorder.get(base + SNAPSHOT_PATH, middlewares=(digest,)) as response:
                assert response.status == 200
                await response.read()
            assert not waiting.done(), "its password is right, but nobody has looked at it"
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
