"""One GET of a picture from an NVR: its Digest or Basic challenge, its redirects, its size.

Addresses may hold a password in the query, and aiohttp's errors quote addresses: so neither gets into ours.
"""

from __future__ import annotations

import secrets
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from proxyd import digest
from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamAuthError, UpstreamProtocolError, UpstreamUnreachable

MAX_BYTES = 8 * 1024 * 1024
_MAX_REDIRECTS = 3
_MAX_REFUSAL_BYTES = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
CONNECT_S = 4.0
_RESCAN = "Scan it again; its web page may say whether this channel has a picture."


class NoConnection(UpstreamUnreachable):
    """Nothing answers at the NVR's address at all (other than: this one picture took too long)."""


def open_session() -> aiohttp.ClientSession:
    """For all pictures of all NVRs. Must be closed."""
    return aiohttp.ClientSession(
        # NVRs have self-signed certificates; the host is the one the user typed.
        connector=aiohttp.TCPConnector(limit=64, ssl=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        # The caller has a deadline for the whole; this one tells a dead NVR from a slow one.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        headers={"Accept": "image/jpeg, image/*;q=0.5", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )


async def get_picture(session: aiohttp.ClientSession, url: str, access: NvrAccess) -> bytes:
    """The body of the answer, at most MAX_BYTES. The caller sets the deadline.

    The password is sent at most twice: the second time only when the NVR says that its first challenge was stale.
    Raises UpstreamAuthError, UpstreamProtocolError, UpstreamUnreachable.
    """
    try:
        return await _follow(session, url, access)
    except (aiohttp.ClientConnectionError, OSError):
        raise NoConnection(
            f"No connection to {access.host} for a picture.", "Check that it is on and reachable."
        ) from None
    except (aiohttp.ClientError, ValueError):
        raise UpstreamProtocolError(f"{access.host} gave no valid HTTP answer for a picture.", _RESCAN) from None


async def _follow(session: aiohttp.ClientSession, url: str, access: NvrAccess) -> bytes:
    _check_target(url, access)
    challenge: digest.Challenge | None = None
    redirects = answers = 0
    while True:
        headers = {}
        if challenge is not None:
            headers["Authorization"] = _authorization(challenge, url, access)
            answers += 1
        # encoded=True: the address goes out exactly as the NVR gave it, and as it was signed
        async with session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as response:
            if response.status == 401:
                await response.content.read(_MAX_REFUSAL_BYTES)  # keeps the connection, some devices insist on it
                challenge = _next_challenge(response, access, answers)
            elif response.status in _REDIRECTS:
                redirects += 1
                url = _redirected(url, response.headers.get("Location", ""), access, redirects)
                challenge = None
            elif response.status == 403 and challenge is not None:
                raise _refused(access)
            elif response.status != 200:
                raise UpstreamProtocolError(
                    f"{access.host} answered HTTP {response.status} instead of a picture.", _RESCAN
                )
            else:
                return await _body(response, access)


async def _body(response: aiohttp.ClientResponse, access: NvrAccess) -> bytes:
    data = bytearray()
    if (response.content_length or 0) <= MAX_BYTES:
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > MAX_BYTES:
                break
        else:
            return bytes(data)
    raise UpstreamProtocolError(f"{access.host} sent a picture of more than {MAX_BYTES >> 20} MiB.", _RESCAN)


def _next_challenge(response: aiohttp.ClientResponse, access: NvrAccess, answers: int) -> digest.Challenge:
    challenge = digest.choose(digest.parse_challenges(response.headers.getall("WWW-Authenticate", [])))
    if answers and not (answers == 1 and challenge is not None and challenge.stale):
        raise _refused(access)
    if challenge is None:
        raise UpstreamProtocolError(
            f"{access.host} wants a kind of password check for pictures that is not known here.",
            "Allow Digest or Basic for HTTP there.",
        )
    return challenge


def _authorization(challenge: digest.Challenge, url: str, access: NvrAccess) -> str:
    parts = urlsplit(url)
    uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return digest.authorization(
        challenge,
        method="GET",
        uri=uri,
        username=access.username,
        password=access.password,
        cnonce=secrets.token_hex(8),
    )


def _redirected(url: str, location: str, access: NvrAccess, redirects: int) -> str:
    """Only on the same host, and never from https down to http: the next request may carry the password."""
    target = urljoin(url, location.strip())
    downgrade = urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"
    if not location or redirects > _MAX_REDIRECTS or downgrade:
        raise UpstreamProtocolError(f"{access.host} sends the request for a picture round in circles.", _RESCAN)
    _check_target(target, access)
    return target


def _check_target(url: str, access: NvrAccess) -> None:
    parts = urlsplit(url)
    own_host = access.host.removeprefix("[").removesuffix("]").lower()
    if parts.scheme not in ("http", "https") or (parts.hostname or "").lower() != own_host or parts.username:
        raise UpstreamProtocolError(f"The picture's address is not on {access.host}; it is not asked.", _RESCAN)


def _refused(access: NvrAccess) -> UpstreamAuthError:
    return UpstreamAuthError(
        f"{access.host} refused user {access.username!r} a picture.",
        "Enter the right password for it; the user may also lack the right to see pictures.",
    )
