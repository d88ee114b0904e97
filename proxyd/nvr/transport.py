"""HTTP towards an NVR: bounded, without redirects, with HTTP Digest when it is switched on.

Anything but a SOAP result is raised as a Refusal before anybody reads it. Holds the only aiohttp session of a client.
"""

from __future__ import annotations

import email.utils
import secrets
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from proxyd.digest import Challenge, authorization, choose, parse_challenges
from proxyd.nvr.foreign_names import MAX_NAMES, names_of_nvrs
from proxyd.nvr.refusals import TOO_MUCH, LoginDemanded, NotSoap, judge_body, parse_fault

MAX_ANSWER_BYTES = 8 * 1024 * 1024  # 64 channels × 3 profiles with analytics are below 4 MB
CONNECT_TIMEOUT_S = 10
_READ_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Received:
    status: int
    content_type: str
    challenges: list[Challenge] = field(repr=False)
    date: str
    body: bytes = field(repr=False)


class SoapTransport:
    """One per client. `use_digest` is set once the NVR has asked for HTTP Digest instead of a UsernameToken."""

    def __init__(self, username: str, password: str, *, connections: int, call_timeout_s: float) -> None:
        self._username = username
        self._password = password
        self._nonce_uses: tuple[str, int] = ("", 0)
        self._challenge: Challenge | None = None
        self.use_digest = False
        self.last_date = ""
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False, limit=connections, keepalive_timeout=4),
            timeout=aiohttp.ClientTimeout(total=call_timeout_s, connect=CONNECT_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "proxyd", "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        await self.session.close()

    async def exchange(
        self, address: str, message: bytes, headers: dict[str, str], timeout: aiohttp.ClientTimeout | None = None
    ) -> bytes:
        """The envelope that answers `message`. Raises Refusal, aiohttp.ClientError, TimeoutError."""
        received = await self._post(address, message, headers, timeout or self.session.timeout)
        if not names_of_nvrs.admit(URL(address).host or "", received.body):
            raise NotSoap(received.status, f"more than {MAX_NAMES} different XML names", TOO_MUCH)
        if received.status in (401, 403):
            raise LoginDemanded(received.status, received.challenges, parse_fault(received.status, received.body))
        refusal = judge_body(received.status, received.content_type, received.body)
        if refusal is not None:
            raise refusal
        return received.body.lstrip(b"\xef\xbb\xbf \t\r\n")  # bytes before <?xml break parsers

    async def _post(
        self, address: str, message: bytes, headers: dict[str, str], timeout: aiohttp.ClientTimeout
    ) -> _Received:
        """One exchange; with Digest up to two, of which only one carries a password."""
        if not self.use_digest:
            return await self._post_once(address, message, headers, timeout)
        answered_nonce, uses = "", 0
        if self._challenge is not None:
            answered_nonce = self._challenge.nonce
            headers = {**headers, "Authorization": self._authorization(address, self._challenge)}
            uses = self._nonce_uses[1]
        received = await self._post_once(address, message, headers, timeout)
        challenge = choose(c for c in received.challenges if c.scheme == "Digest")
        if received.status != 401 or challenge is None:
            return received
        if uses == 1 and not challenge.stale:
            return received  # the first answer to this nonce was refused: the password is wrong
        if challenge.nonce == answered_nonce:
            return received
        self._challenge = challenge
        headers = {**headers, "Authorization": self._authorization(address, challenge)}
        return await self._post_once(address, message, headers, timeout)

    def _authorization(self, address: str, challenge: Challenge) -> str:
        nonce, uses = self._nonce_uses
        uses = uses + 1 if nonce == challenge.nonce else 1
        self._nonce_uses = (challenge.nonce, uses)
        return authorization(
            challenge,
            method="POST",
            uri=URL(address).raw_path_qs,
            username=self._username,
            password=self._password,
            cnonce=secrets.token_hex(8),
            nc=uses,
        )

    async def _post_once(
        self, address: str, message: bytes, headers: dict[str, str], timeout: aiohttp.ClientTimeout
    ) -> _Received:
        async with self.session.post(
            address, data=message, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            body = bytearray()
            while chunk := await response.content.read(_READ_CHUNK_BYTES):
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    response.close()
                    raise NotSoap(response.status, f"more than {MAX_ANSWER_BYTES // 2**20} MB", TOO_MUCH)
            self.last_date = response.headers.get("Date", "")[:64]
            return _Received(
                response.status,
                response.headers.get("Content-Type", ""),
                parse_challenges(response.headers.getall("WWW-Authenticate", [])),
                self.last_date,
                bytes(body),
            )


def seconds_of_http_date(text: str) -> float | None:
    """The Unix time in an HTTP Date header (RFC 9110 §5.6.7), None when it is none."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
