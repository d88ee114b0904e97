"""The conversation with one NVR that stays open besides scans, for PTZ, imaging, settings and events: one per NVR."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamError
from proxyd.onvif.namespaces import EVENTS, IMAGING, MEDIA, MEDIA2, PTZ

from .account import Account
from .addresses import at_typed_host
from .client import NvrClient
from .envelope import Element, SoapCall
from .refusals import Refusal, refusal_error

CALL_TIMEOUT_S = 8.0  # a recorder waits for it
PARALLEL = 6  # one is the long poll for events; a camera that must stop does not wait for others that hang
NAMESPACES: Mapping[str, str] = {
    "media": MEDIA,
    "media2": MEDIA2,
    "ptz": PTZ,
    "imaging": IMAGING,
    "events": EVENTS,
}


class NvrLink:
    """Connects with the first call. `close` is final."""

    def __init__(self, account: Account, *, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._account = account
        self._call_timeout_s = call_timeout_s
        self._client: NvrClient | None = None
        self._connecting = asyncio.Lock()

    async def follow_account(self) -> None:
        """Hangs up when the account or the address is another one now."""
        if self._client is not None and self._client.access != self._account.access:
            await self.hang_up()

    async def hang_up(self) -> None:
        """The next call connects anew."""
        async with self._connecting:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    async def close(self) -> None:
        await self.hang_up()

    async def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any:
        """One authenticated operation; `service` is a key of NAMESPACES. Raises UpstreamError."""
        step = f"do {operation}"
        client = await self._connected()
        try:
            return await client.call(NAMESPACES[service], operation, dict(parameters), step)
        except Refusal as refusal:
            raise refusal_error(refusal, where=client.where, step=step) from refusal
        except UpstreamAuthError as error:
            self._account.failed("services", error, client.access)
            raise

    async def exchange(self, call: SoapCall, step: str, *, wait_s: float = 0.0) -> Element:
        """A request made by hand; the answer may take `wait_s` longer than others. Raises SoapFault for a fault that
        is not about the login, else UpstreamError."""
        client = await self._connected()
        try:
            return await client.exchange(call, step, wait_s=wait_s)
        except UpstreamAuthError as error:
            self._account.failed("services", error, client.access)
            raise
        except UpstreamError:
            if self._client is client:
                raise
        client = await self._connected()  # we hung up ourselves, to begin anew
        return await client.exchange(call, step, wait_s=wait_s)

    async def address_of(self, service: str) -> str | None:
        """Where the NVR has `service`, None where it has none. Raises UpstreamError."""
        return (await self._connected()).addresses.get(NAMESPACES[service])

    def on_typed_host(self, raw: str) -> str:
        """An address that the NVR gave, at the host that the user typed. Raises BadAddress."""
        access = self._account.access
        return at_typed_host(raw, host=access.host, schemes=("http", "https"), base_port=access.port)

    @property
    def access(self) -> NvrAccess:
        return self._account.access

    @property
    def clock_offset_s(self) -> float:
        """The NVR's clock minus ours, as far as it is known."""
        return (self._client.clock_offset_s if self._client else None) or 0.0

    async def _connected(self) -> NvrClient:
        async with self._connecting:
            self._account.check()
            if self._client is None:
                client = NvrClient(self._account.access, call_timeout_s=self._call_timeout_s, parallel=PARALLEL)
                try:
                    await client.connect(login=lambda: self._account.attempt("services", self._call_timeout_s))
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client
