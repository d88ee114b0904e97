"""Single calls to an NVR: each under its deadline, signed by the NVR's clock, its failures in words. Which are made,
and in which order, is for `client`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiohttp

from proxyd.camera.spec import NvrAccess
from proxyd.camera.urls import bracketed
from proxyd.errors import UpstreamProtocolError
from proxyd.nvr.addresses import BadAddress, at_typed_host
from proxyd.nvr.envelope import Element, Login, SoapCall, read_body, write_call
from proxyd.nvr.failures import failure_in_words
from proxyd.nvr.refusals import NotSoap, Refusal, refusal_error
from proxyd.nvr.transport import CONNECT_TIMEOUT_S, SoapTransport
from proxyd.onvif.namespaces import DEVICE

if TYPE_CHECKING:
    from proxyd.nvr.soap_library import OnvifService

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


def utc_now() -> datetime:
    return datetime.now(UTC)


class NvrCalls:
    """To one NVR, over connections of its own. `addresses` and `clock_offset_s` are found out by `client`."""

    def __init__(
        self,
        access: NvrAccess,
        *,
        call_timeout_s: float = 20,
        parallel: int = 3,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.access = access
        self.where = f"{bracketed(access.host)}:{access.port}"
        self.clock_offset_s: float | None = None
        self.addresses: dict[str, str] = {}  # service namespace → address on the typed host
        self.warnings: list[str] = []
        self._call_timeout_s = call_timeout_s
        self._now = now
        self._transport = SoapTransport(
            access.username, access.password, connections=parallel, call_timeout_s=call_timeout_s
        )
        self._services: dict[str, OnvifService] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    @property
    def _device_address(self) -> str:
        scheme = "https" if self.access.port == 443 else "http"
        return f"{scheme}://{self.where}/onvif/device_service"

    async def send(self, call: SoapCall, step: str, timeout_s: float) -> Element:
        """One request made by hand, repeated once as by `invoke`: the Body's first element.

        Raises Refusal, UpstreamUnreachable, UpstreamProtocolError."""
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{call.action}"'}
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_TIMEOUT_S)

        async def once() -> bytes:
            message = write_call(call, self._login(), f"urn:uuid:{uuid.uuid4()}")
            return await self._transport.exchange(call.address, message, headers, timeout)

        try:
            async with asyncio.timeout(timeout_s):
                answer = await _again_when_closed(once)
        except Refusal:
            raise
        except Exception as error:
            raise failure_in_words(error, where=self.where, step=step, timeout_s=timeout_s) from None
        body = read_body(answer)
        if body is None:
            raise refusal_error(NotSoap(200, "something that is not SOAP"), where=self.where, step=step)
        return body

    def _login(self) -> Login | None:
        if self._transport.use_digest:
            return None
        created = self._now() + timedelta(seconds=self.clock_offset_s or 0.0)
        return Login(self.access.username, self.access.password, secrets.token_bytes(16), created)

    async def invoke(
        self, namespace: str, operation: str, parameters: dict[str, Any], step: str, *, with_token: bool
    ) -> Any:
        """One call under its deadline, repeated once when the NVR closed an idle connection under us.

        Raises Refusal for an answer that is not the result, else UpstreamUnreachable or UpstreamProtocolError.
        """
        signed = with_token and not self._transport.use_digest
        try:
            service = await self._service(namespace)  # local work, some of it slow once: not the NVR's time
            async with asyncio.timeout(self._call_timeout_s):
                return await _again_when_closed(lambda: service.call(operation, parameters, with_token=signed))
        except (Refusal, UpstreamProtocolError):
            raise
        except Exception as error:
            log.debug("%s: %s failed: %s", self.where, operation, type(error).__name__)
            raise failure_in_words(error, where=self.where, step=step, timeout_s=self._call_timeout_s) from None

    def add_address(self, namespace: str, raw: str) -> None:
        """Where the NVR says that a service is; on the typed host, or not at all."""
        try:
            self.addresses[namespace] = at_typed_host(
                raw, host=self.access.host, schemes=("http", "https"), base_port=self.access.port
            )
        except BadAddress as error:
            self.warnings.append(f"The NVR names {error} for one of its services; it is not used.")

    async def _service(self, namespace: str) -> OnvifService:
        address = self._device_address if namespace == DEVICE else self.addresses.get(namespace)
        if address is None:
            raise UpstreamProtocolError(f"{self.where} has no service {namespace}.", "Scan it again.")
        service = self._services.get(namespace)
        if service is None or service.address != address:
            offset = timedelta(seconds=self.clock_offset_s or 0.0)
            kind = await asyncio.to_thread(_kind_of_service, namespace)
            service = kind(namespace, address, self.access.username, self.access.password, offset, self._transport)
            await service.open()
            self._services[namespace] = service
        return service


def _kind_of_service(namespace: str) -> type[OnvifService]:
    """Ready to be used for this one. Takes a good part of a second once."""
    # Here, since a daemon none of whose cameras are an ONVIF NVR's has no use for its 12 MB.
    from proxyd.nvr.soap_library import OnvifService, warm_up

    warm_up(namespace)
    return OnvifService


async def _again_when_closed(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Once more when the NVR closed an idle connection under us."""
    try:
        return await ask()
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return await ask()
