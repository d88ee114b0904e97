"""A small ONVIF client for the simulator's tests: requests made by hand, so that every kind of token can be sent."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp
from lxml import etree

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.security import password_digest
from proxyd.simulator.soap import NAMESPACES, SOAP, Element, clark

_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    text: str
    challenges: list[str]

    @property
    def body(self) -> Element:
        """The first child of the SOAP Body."""
        found = etree.fromstring(self.text.encode()).find(f"{{{SOAP}}}Body")
        assert found is not None
        return found[0]

    @property
    def subcodes(self) -> list[str]:
        """The fault's subcodes, without prefix; empty when this is no fault."""
        if self.body.tag != f"{{{SOAP}}}Fault":
            return []
        values = self.body.iterfind(f".//{{{SOAP}}}Subcode/{{{SOAP}}}Value")
        return [(value.text or "").partition(":")[2] for value in values]

    def texts(self, name: str) -> list[str]:
        return [(found.text or "").strip() for found in self.body.iter(clark(name))]


def envelope(operation: str, body: str = "", security: str = "") -> str:
    """`operation` such as `trt:GetProfiles`; `body` is its content as XML."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    header = f"<s:Header>{security}</s:Header>" if security else ""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" {declared}>{header}'
        f"<s:Body><{operation}>{body}</{operation}></s:Body></s:Envelope>"
    )


def token(
    username: str, password: str, *, now: datetime | None = None, nonce: bytes | None = None, kind: str = _DIGEST
) -> str:
    """A wsse:Security header with a fresh password digest."""
    created = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    nonce = nonce or os.urandom(16)
    digest = password_digest(nonce, created, password)
    return (
        f"<wsse:Security><wsse:UsernameToken><wsse:Username>{username}</wsse:Username>"
        f'<wsse:Password Type="{kind}">{digest}</wsse:Password>'
        f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce>"
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )


class OnvifRequests:
    """Sends requests to one simulated NVR, with the token or Digest that its dialect wants."""

    def __init__(self, nvr: SimulatedNvr) -> None:
        self.nvr = nvr
        self.dialect = DIALECTS[nvr.dialect]
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    async def call(
        self,
        operation: str,
        body: str = "",
        *,
        password: str | None = None,
        auth: bool = True,
        security: str = "",
        digest: bool = False,
        path: str = "",
    ) -> Reply:
        """One operation; `auth` false sends none, `digest` uses HTTP Digest, `security` is a ready-made header."""
        paths = self.dialect.paths
        services = {
            "tds": paths.device,
            "trt": paths.media,
            "tr2": paths.media2,
            "tev": paths.events,
            "tptz": paths.ptz,
            "timg": paths.imaging,
        }
        path = path or services.get(operation.partition(":")[0]) or "/onvif/media2_service"
        secret = self.nvr.password if password is None else password
        use_digest = auth and (digest or "wsse" not in self.dialect.auth)
        if auth and not use_digest and not security:
            security = token(self.nvr.username, secret)
        middlewares = [aiohttp.DigestAuthMiddleware(self.nvr.username, secret)] if use_digest else []
        url = f"http://{self.nvr.host}:{self.nvr.port}{path}"
        data = envelope(operation, body, security)
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        async with self.session.post(url, data=data, headers=headers, middlewares=middlewares) as answer:
            return await _read(answer)

    async def picture(self, url: str, *, password: str | None = None) -> tuple[int, bytes]:
        secret = self.nvr.password if password is None else password
        login = aiohttp.DigestAuthMiddleware(self.nvr.username, secret)
        async with self.session.get(url, middlewares=[login]) as answer:
            return answer.status, await answer.read()


async def _read(answer: aiohttp.ClientResponse) -> Reply:
    return Reply(
        answer.status,
        answer.content_type,
        await answer.text(),
        answer.headers.getall("WWW-Authenticate", []),
    )
