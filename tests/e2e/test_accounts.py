"""What recorders set on a camera, from end to end: accounts, scopes, host name, HTTPS; kept over a crash."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import onvif
import pytest
from onvif import ONVIFCamera, ONVIFError
from zeep.exceptions import Fault

from proxyd.api import models as m
from proxyd.api.client import RpcClient
from proxyd.camera.guesses import BURST, SECONDS_EACH
from tests.player.play import play, refusal
from tests.proxyd.onvif.builders import soap, username_token

from .stack import Stack, credentials, running_stack, wait_for_states

GUARD = ("guard", "guard-secret-7")
VISITOR = ("visitor", "visitor-secret-8")
SCOPE = "onvif://www.onvif.org/location/yard"
_WSDL = Path(onvif.__file__).parent / "wsdl"


@asynccontextmanager
async def device_service(camera: m.Camera, account: tuple[str, str]) -> AsyncIterator[Any]:
    assert camera.onvif_url is not None
    host, _, port = camera.onvif_url.split("/")[2].partition(":")
    device = ONVIFCamera(host, int(port or 80), *account, wsdl_dir=str(_WSDL), no_cache=True)
    try:
        await device.update_xaddrs()
        yield await device.create_devicemgmt_service()
    finally:
        await device.close()


async def one_camera(stack: Stack, client: RpcClient) -> m.Camera:
    await stack.scan(client, await stack.add_nvr(client))
    return (await wait_for_states(client, m.CameraState.RUNNING))[0]


async def until(done: Callable[[], Awaitable[bool]], timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not await done():
            await asyncio.sleep(0.05)


async def picture(camera: m.Camera, account: tuple[str, str]) -> int:
    assert camera.snapshot_url is not None
    async with (
        aiohttp.ClientSession(middlewares=(aiohttp.DigestAuthMiddleware(*account),)) as session,
        session.get(camera.snapshot_url) as response,
    ):
        return response.status


def user(account: tuple[str, str], level: str) -> dict[str, str]:
    return {"Username": account[0], "Password": account[1], "UserLevel": level}


async def test_accounts_of_recorders_open_everything_and_outlive_the_daemon() -> None:
    async with running_stack("--channels", "1") as stack:
        async with stack.client() as client:
            camera = await one_camera(stack, client)
            async with device_service(camera, await credentials(client, camera)) as service:
                await service.CreateUsers({"User": [user(GUARD, "Administrator"), user(VISITOR, "User")]})
                await service.SetHostname({"Name": "yard-camera"})
                await service.AddScopes({"ScopeItem": [SCOPE]})
            stream = camera.streams[0].url
            for account in (GUARD, VISITOR):
                await play(stream, account, 0)
                assert await picture(camera, account) == 200
            async with device_service(camera, VISITOR) as service:
                with pytest.raises((Fault, ONVIFError), match="Administrator"):
                    await service.SetHostname({"Name": "mine"})
        stack.kill_daemon()
        stack.start_daemon()
        async with stack.client() as client:
            camera = (await wait_for_states(client, m.CameraState.RUNNING))[0]
            assert camera.accounts == ["guard (Administrator)", "visitor (User)"]
            async with device_service(camera, GUARD) as service:
                assert (await service.GetHostname()).Name == "yard-camera"
                assert SCOPE in [scope.ScopeItem for scope in await service.GetScopes()]
                assert [user.Username for user in await service.GetUsers()] == ["onvif", "guard", "visitor"]
                await service.DeleteUsers({"Username": ["visitor"]})
                assert await refusal(stream, VISITOR) == 401
                assert await picture(camera, VISITOR) == 401
                await client.call("camera.update", {"id": camera.id, "drop_accounts": True})
                with pytest.raises((Fault, ONVIFError), match=r"(?i)not authorized"):
                    await service.GetUsers()
            entries = [entry.message for entry in await client.call("log.tail", {"limit": 50})]
            assert any(re.search(r"The recorder at 127\.\S+ changed the accounts of ", entry) for entry in entries)


async def test_a_recorder_switches_https_on_and_keeps_the_certificate_it_saw() -> None:
    async with running_stack("--channels", "1") as stack:
        async with stack.client() as client:
            camera = await one_camera(stack, client)
            own = await credentials(client, camera)
            async with device_service(camera, own) as service:
                protocols = {one.Name: one for one in await service.GetNetworkProtocols()}
                assert not protocols["HTTPS"].Enabled
                port = protocols["HTTPS"].Port[0]
                wanted = {"Name": "HTTPS", "Enabled": True, "Port": [port]}
                await service.SetNetworkProtocols({"NetworkProtocols": [wanted]})
            assert camera.address is not None
            address = camera.address

            async def told() -> bool:
                return bool((await client.call("camera.get", {"id": camera.id})).https_url)

            await until(told)  # not before it listens
            first = await asyncio.to_thread(ssl.get_server_certificate, (address, port))
            assert await _https_addresses(address, port, first) == {f"https://{address}:{port}"}
            assert (await client.call("camera.get", {"id": camera.id})).https
        stack.kill_daemon()
        stack.start_daemon()
        async with stack.client() as client:
            await wait_for_states(client, m.CameraState.RUNNING)
            assert await asyncio.to_thread(ssl.get_server_certificate, (address, port)) == first
            await client.call("camera.update", {"id": camera.id, "https": False})

            async def closed() -> bool:
                return not await _listens(address, port)

            await until(closed)


async def _listens(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def _https_addresses(address: str, port: int, certificate: str) -> set[str]:
    """Where the services are, as told by HTTPS to a client that trusts this certificate."""
    request = (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>'
        '<GetServices xmlns="http://www.onvif.org/ver10/device/wsdl"/></e:Body></e:Envelope>'
    )
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=certificate))
    headers = {"Content-Type": "application/soap+xml"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(f"https://{address}:{port}/onvif/device_service", data=request, headers=headers) as response,
    ):
        assert response.status == 200
        found = re.findall(r"<tds:XAddr>(https?://[^/<]+)", await response.text())
    assert found
    return set(found)


async def test_a_reboot_closes_connections_and_the_camera_comes_back() -> None:
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        camera = await one_camera(stack, client)
        own = await credentials(client, camera)
        assert camera.onvif_url is not None
        host, _, port = camera.onvif_url.split("/")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        async with device_service(camera, own) as service:
            assert "restarts" in await service.SystemReboot()
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()

        async def answers() -> bool:
            try:
                async with device_service(camera, own) as service:
                    return bool((await service.GetDeviceInformation()).SerialNumber == camera.serial)
            except (ONVIFError, aiohttp.ClientError):
                return False

        await until(answers)


GUESSERS = 8  # connections
WAYS_IN: dict[str, Callable[[m.Camera, tuple[str, str]], Awaitable[int]]] = {}


def way_in(function: Callable[[m.Camera, tuple[str, str]], Awaitable[int]]) -> None:
    WAYS_IN[function.__name__.strip("_")] = function


way_in(picture)


@way_in
async def _token(camera: m.Camera, account: tuple[str, str]) -> int:
    header = username_token(*account, created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), nonce=os.urandom(16))
    return await _post(camera, soap("tds:GetScopes", header=header))


@way_in
async def _digest(camera: m.Camera, account: tuple[str, str]) -> int:
    return await _post(camera, soap("tds:GetScopes", header=""), aiohttp.DigestAuthMiddleware(*account))


@way_in
async def _stream(camera: m.Camera, account: tuple[str, str]) -> int:
    try:
        return await refusal(camera.streams[0].url, account)
    except AssertionError:  # it was let in
        return 200


async def _post(camera: m.Camera, body: bytes, *middlewares: aiohttp.DigestAuthMiddleware) -> int:
    assert camera.onvif_url is not None
    headers = {"Content-Type": "application/soap+xml"}
    async with (
        aiohttp.ClientSession(middlewares=middlewares) as session,
        session.post(camera.onvif_url, data=body, headers=headers) as response,
    ):
        return response.status


@pytest.mark.parametrize("way", ["token", "digest", "picture", "stream"])
async def test_a_guesser_is_slowed_and_a_recorder_at_its_very_address_is_let_in(way: str) -> None:
    """A recorder that was never seen before, and a guesser who knows its name and asks over eight connections."""
    loop = asyncio.get_running_loop()
    async with running_stack("--channels", "1") as stack, stack.client() as client:
        camera = await one_camera(stack, client)
        username, password = await credentials(client, camera)
        enter, answers = WAYS_IN[way], 0

        async def guess() -> None:
            nonlocal answers
            while True:
                assert await enter(camera, (username, f"guess-{answers}")) in (400, 401)
                answers += 1

        guessers = [asyncio.create_task(guess()) for _ in range(GUESSERS)]
        began = loop.time()
        await until(lambda: _is(answers >= BURST + GUESSERS))
        for _ in range(3):
            async with asyncio.timeout(30):  # the order in the line is shown of the line itself
                assert await enter(camera, (username, password)) == 200
        allowed = 2 * BURST + 1 + (loop.time() - began) / SECONDS_EACH * 2  # before and after the account is known
        for one in guessers:
            one.cancel()
        results = await asyncio.gather(*guessers, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert answers <= allowed


async def _is(value: bool) -> bool:
    return value
