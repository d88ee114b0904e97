"""The daemon's real RPC server on a real socket; what it answers is made up by the classes that inherit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from proxyd.api.methods import METHODS
from proxyd.api.models import Snapshot
from proxyd.hub import Hub
from proxyd.rpc.access import Caller
from proxyd.rpc.server import Handler, RpcServer


class RpcFake:
    """`async with …` or start and stop, as often as wanted. `calls` is what arrived: method and the parameters that
    were given, secrets readable."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.hub = Hub()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._server: RpcServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        handlers = {name: self._handler(name) for name in METHODS if name != "subscribe"}
        self._server = RpcServer(self.socket, handlers, self._snapshot, self.hub, {})
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()
            self._server = None

    async def answer(self, method: str, params: Any, given: dict[str, Any]) -> Any:
        """`params` as the daemon's methods get them, `given` as in `calls`."""
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        raise NotImplementedError

    def called(self, method: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == method]

    def _handler(self, method: str) -> Handler:
        async def handle(params: Any, who: Caller) -> Any:
            given = params.model_dump(exclude_unset=True)
            for name, value in given.items():
                if isinstance(value, SecretStr):
                    given[name] = value.get_secret_value()
            self.calls.append((method, given))
            return await self.answer(method, params, given)

        return handle

    async def _snapshot(self, who: Caller) -> Snapshot:
        return self.snapshot()
