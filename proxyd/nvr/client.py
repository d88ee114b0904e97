"""One conversation with an NVR: its clock, its services, the login, and guarded calls.

Lock-out counters rule the order: everything that needs no password comes first; then one authenticated call at a time
until one has succeeded; a refused password ends the conversation, and nothing is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamProtocolError
from proxyd.nvr.calls import NvrCalls, utc_now
from proxyd.nvr.device_answers import (
    capability_addresses,
    clean_text,
    parse_device_time,
    service_addresses,
    shown_offset,
)
from proxyd.nvr.envelope import Element, SoapCall
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
from proxyd.nvr.transport import seconds_of_http_date
from proxyd.onvif.namespaces import DEVICE, MEDIA, MEDIA2

_Answer = TypeVar("_Answer")
_CLOCK_MOVED_S = 5.0


class NvrClient(NvrCalls):
    """`async with NvrClient(access) as client: await client.connect()`. All errors are UpstreamError."""

    def __init__(
        self,
        access: NvrAccess,
        *,
        call_timeout_s: float = 20,
        parallel: int = 3,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(access, call_timeout_s=call_timeout_s, parallel=parallel, now=now)
        self.identity = DeviceIdentity()
        self._clock_told = False
        self._confirming = asyncio.Lock()
        self._refused: UpstreamAuthError | None = None

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
                self.add_address(namespace, raw)
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
        if not self._transport.use_digest and not self._clock_told and await self._offers_digest():
            self._transport.use_digest = True  # it needs no clock
        try:
            answer = await self.invoke(DEVICE, "GetDeviceInformation", {}, step, with_token=True)
        except LoginDemanded as refusal:
            if self._transport.use_digest or not refusal.offers_digest:
                raise self._login_refused(refusal) from None
            self._transport.use_digest = True
            await self.log_in()
            return
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
        return await self._guarded(lambda: self.send(call, step, self._call_timeout_s + wait_s), step=step)

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

    async def _offers_digest(self) -> bool:
        """Ask something that needs a login without one: the challenge tells, and no password is spent."""
        try:
            await self.invoke(DEVICE, "GetDeviceInformation", {}, "describe itself", with_token=False)
        except LoginDemanded as refusal:
            return refusal.offers_digest
        except Refusal:
            return False
        return False

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
