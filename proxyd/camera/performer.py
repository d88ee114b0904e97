"""Does what recorders ask of the world through a camera: keeps settings in the store, passes calls to the NVR.

What a recorder changed goes into the log with its address, as a change by a user does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from proxyd.store.store import Store

from .commands import Command, NvrCall, SetCertificate, SetDiscovery, SetSettings, SetUsers
from .spec import CameraSpec


class NvrCalls(Protocol):
    """The open conversation with one NVR (nvr/link.py)."""

    async def call(self, service: str, operation: str, parameters: Any) -> Any: ...


class Performer:
    """For all cameras. `kept(camera id, words)` is awaited after each change: it makes the camera follow the store, and
    logs the words."""

    def __init__(
        self,
        store: Store,
        *,
        link: Callable[[int], NvrCalls],
        kept: Callable[[int, str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._link = link
        self._kept = kept

    async def perform(self, spec: CameraSpec, command: Command, client: str) -> Any:
        """Raises ProxyError."""
        match command:
            case NvrCall():
                return await self._link(spec.nvr_id).call(command.service, command.operation, command.parameters)
            case SetDiscovery(on):
                await self._store.set_discovery(spec.id, on)
                what = f"switched discovery of {spec.name} {'on' if on else 'off'}"
            case SetSettings(settings, what):
                await self._store.set_settings(spec.id, settings)
                what = f"changed {what} of {spec.name}"
            case SetUsers(users):
                await self._store.set_users(spec.id, users)
                what = f"changed the accounts of {spec.name}"
            case SetCertificate(certificate):
                await self._store.set_certificate(spec.id, certificate)
                what = f"changed the certificate of {spec.name}"
        await self._kept(spec.id, f"The recorder at {client.rpartition(':')[0] or client} {what}.")
        return None
