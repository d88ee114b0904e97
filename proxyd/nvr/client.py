"""One conversation with an NVR: its clock, its services, the login, and guarded calls.

Lock-out counters rule the order: everything that needs no password comes first; then one authenticated call at a time
until one has succeeded; a refused password ends the conversation, and nothing is asked again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

import aiohttp

from proxyd.camera.spec import NvrAccess
from proxyd.camera.urls import bracketed
from proxyd.errors import UpstreamAuthError, UpstreamProtocolError
from proxyd.nvr.addresses import BadAddress, at_typed_host
from proxyd.nvr.device_answers import (
    capability_addresses,
    clean_text,
    parse_device_time,
    service_addresses,
    shown_offset,
)
from proxyd.nvr.envelope import Element, Login, SoapCall, read_body, write_call
from proxyd.nvr.failures import failure_in_words
from proxyd.nvr.refusals import (
    LoginDemanded,
    NotSoap,
    Refusal,
    SoapFault,
    is_login,
    login_error,
    refusal_error,
    rights_error,
)
from proxyd.nvr.result import DeviceIdentity
from proxyd.nvr.soap_library import OnvifService, warm_up
from proxyd.nvr.transport import CONNECT_TIMEOUT_S, SoapTransport, seconds_of_http_date
from proxyd.onvif.namespaces import DEVICE, MEDIA, MEDIA2

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_CLOCK_MOVED_S = 5.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class NvrClient:
    """`async with NvrClient(access) as client: await client.connect()`. All errors are UpstreamError."""

    def __init__(
        self,
        access: NvrAccess,
        *,
        call_timeout_s: float = 20,
        parallel: int = 3,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.access = access
        self.where = f"{bracketed(access.host)}:{access.port}"
        self.clock_offset_s: float | None = None
        self._clock_told = False
        self.addresses: dict[str, str] = {}  # service namespace → address on the typed host
        self.warnings: list[str] = []
        self._call_timeout_s = call_timeout_s
        self._now = now
        self._transport = SoapTransport(
            access.username, access.password, connections=parallel, call_timeout_s=call_timeout_s
        )
        self._services: dict[str, OnvifService] = {}
        self._confirming = asyncio.Lock()
        self._refused: UpstreamAuthError | None = None
        self.identity = DeviceIdentity()

    async def __aenter__(self) -> NvrClient:
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

    async def connect(self, login: Callable[[], AbstractAsyncContextManager[object]] = nullcontext) -> None:
        """Clock, services, login; `login` surrounds the first call that shows the password. Raises UpstreamError."""
        await self.read_clock()
        known = await self.find_services(with_token=False)
        async with login():
            await self.log_in()
        if not known:
            await self.find_services(with_token=True)
        if not {MEDIA, MEDIA2} & set(self.addresses):
            raise UpstreamProtocolError(
                f"{self.where} speaks ONVIF but names no media service.",
                "Check that this is an NVR or camera (not an access controller), and update its firmware.",
            )

    async def read_clock(self) -> None:
        """Ask the time without credentials; from the Date header when the NVR refuses even that."""
        step = "tell its time"
        before = self._now()
        try:
            answer = await self.invoke(DEVICE, "GetSystemDateAndTime", {}, step, with_token=False)
        except NotSoap as refusal:
            if refusal.status not in (400, 500):  # a few NVRs answer nothing to what they do not know
                raise refusal_error(refusal, where=self.where, step=step) from None
            answer = None
        except (LoginDemanded, SoapFault):
            answer = None
        ours = before + (self._now() - before) / 2
        device = parse_device_time(answer)
        self._clock_told = device is not None
        if device is None:
            device_s = seconds_of_http_date(self._transport.last_date)
            self.clock_offset_s = None if device_s is None else device_s - ours.timestamp()
        else:
            self.clock_offset_s = (device - ours).total_seconds()
        self._services.clear()  # they sign with the offset

    async def find_services(self, *, with_token: bool) -> bool:
        """Fill `addresses` from GetServices, else GetCapabilities. False: the NVR wants a login first."""
        step = "list its services"
        last: Refusal | UpstreamProtocolError | None = None
        for operation, parameters, reader in (
            ("GetServices", {"IncludeCapability": False}, service_addresses),
            ("GetCapabilities", {"Category": ["All"]}, capability_addresses),
        ):
            try:
                answer = await self.invoke(DEVICE, operation, parameters, step, with_token=with_token)
            except (LoginDemanded, SoapFault) as refusal:
                if is_login(refusal):
                    if with_token:
                        raise self._login_refused(refusal) from None
                    return False
                last = refusal
                continue
            except (NotSoap, UpstreamProtocolError) as error:
                last = error
                continue
            for namespace, raw in reader(answer):
                self._add_address(namespace, raw)
            if {MEDIA, MEDIA2} & set(self.addresses):
                return True
        if isinstance(last, Refusal):
            raise refusal_error(last, where=self.where, step=step) from None
        if last is not None:
            raise last
        return True

    async def log_in(self) -> None:
        """The first authenticated call: UsernameToken, then HTTP Digest if that is what the NVR asks for.

        Raises UpstreamAuthError at the first definite refusal.
        """
        step = "describe itself"
        if not self._clock_told and await self._offers_digest():
            self._transport.use_digest = True  # it needs no clock
        try:
            answer = await self.invoke(DEVICE, "GetDeviceInformation", {}, step, with_token=True)
        except LoginDemanded as refusal:
            if self._transport.use_digest or not refusal.offers_digest:
                raise self._login_refused(refusal) from None
            self._transport.use_digest = True
            answer = await self._log_in_by_digest(step)
        except SoapFault as refusal:
            if refusal.is_login:
                raise self._login_refused(refusal) from None
            answer = {}  # the login was not refused; who it is, is not needed
        except NotSoap as refusal:
            raise refusal_error(refusal, where=self.where, step=step) from None
        except UpstreamProtocolError:
            answer = {}  # accepted, but not understood
        told = answer if isinstance(answer, dict) else {}
        self.identity = DeviceIdentity(
            manufacturer=clean_text(told.get("Manufacturer")),
            model=clean_text(told.get("Model")),
            firmware=clean_text(told.get("FirmwareVersion")),
            serial=clean_text(told.get("SerialNumber")),
            clock_offset_s=shown_offset(self.clock_offset_s),
        )

    async def call(self, namespace: str, operation: str, parameters: dict[str, Any], step: str) -> Any:
        """An authenticated call after `log_in`. Raises UpstreamError; SoapFault when the NVR definitely cannot do it.

        A refused login is checked once more with a call that worked before: a user without the right for one
        operation is no reason to stop, a changed password is.
        """
        return await self._guarded(
            lambda: self.invoke(namespace, operation, parameters, step, with_token=True), step=step
        )

    async def exchange(self, call: SoapCall, step: str, *, wait_s: float = 0.0) -> Element:
        """As `call`, for a request made by hand that the NVR may take `wait_s` to answer: the Body's first element."""
        return await self._guarded(lambda: self._send(call, step, self._call_timeout_s + wait_s), step=step)

    async def _guarded(self, ask: Callable[[], Awaitable[_Answer]], *, step: str) -> _Answer:
        if self._refused is not None:
            raise self._refused
        signed_for_s = self.clock_offset_s or 0.0
        try:
            try:
                return await ask()
            except (LoginDemanded, SoapFault) as refusal:
                if not is_login(refusal) or not await self._clock_moved(signed_for_s):
                    raise
            return await ask()
        except (LoginDemanded, SoapFault) as refusal:
            if not is_login(refusal):
                raise
            async with self._confirming:
                if self._refused is None:
                    await self._confirm_login(refusal)
                if self._refused is not None:
                    raise self._refused from None
            raise rights_error(where=self.where, step=step) from None
        except NotSoap as refusal:
            raise refusal_error(refusal, where=self.where, step=step) from None

    async def _clock_moved(self, signed_for_s: float) -> bool:
        """Whether the device's clock was set since (after a restart, or by somebody): a token signed for the time
        before is refused like a wrong password."""
        if self._transport.use_digest:
            return False
        async with self._confirming:
            await self.read_clock()
        return abs((self.clock_offset_s or 0.0) - signed_for_s) > _CLOCK_MOVED_S

    async def _send(self, call: SoapCall, step: str, timeout_s: float) -> Element:
        """Raises Refusal, UpstreamUnreachable, UpstreamProtocolError."""
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
        await warm_up(namespace)  # local work of the first call ever: not the NVR's time
        signed = with_token and not self._transport.use_digest
        try:
            async with asyncio.timeout(self._call_timeout_s):
                service = await self._service(namespace)
                return await _again_when_closed(lambda: service.call(operation, parameters, with_token=signed))
        except (Refusal, UpstreamProtocolError):
            raise
        except Exception as error:
            log.debug("%s: %s failed: %s", self.where, operation, type(error).__name__)
            raise failure_in_words(error, where=self.where, step=step, timeout_s=self._call_timeout_s) from None

    async def _offers_digest(self) -> bool:
        """Ask something that needs a login without one: the challenge tells, and no password is spent."""
        try:
            await self.invoke(DEVICE, "GetDeviceInformation", {}, "describe itself", with_token=False)
        except LoginDemanded as refusal:
            return refusal.offers_digest
        except Refusal:
            return False
        return False

    async def _log_in_by_digest(self, step: str) -> Any:
        try:
            return await self.invoke(DEVICE, "GetDeviceInformation", {}, step, with_token=True)
        except (LoginDemanded, SoapFault) as refusal:
            if is_login(refusal):
                raise self._login_refused(refusal) from None
            return {}
        except NotSoap as refusal:
            raise refusal_error(refusal, where=self.where, step=step) from None

    async def _confirm_login(self, refusal: LoginDemanded | SoapFault) -> None:
        try:
            await self.invoke(DEVICE, "GetDeviceInformation", {}, "describe itself", with_token=True)
        except (LoginDemanded, SoapFault) as again:
            if is_login(again):
                self._login_refused(refusal)
        except NotSoap:
            return

    def _login_refused(self, refusal: LoginDemanded | SoapFault) -> UpstreamAuthError:
        self._refused = login_error(refusal, where=self.where, clock_told=self._clock_told)
        return self._refused

    def _add_address(self, namespace: str, raw: str) -> None:
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
            service = OnvifService(
                namespace, address, self.access.username, self.access.password, offset, self._transport
            )
            await service.open()
            self._services[namespace] = service
        return service


async def _again_when_closed(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Once more when the NVR closed an idle connection under us."""
    try:
        return await ask()
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        return await ask()
