"""The server's side: challenges, and whether an answer is right. Pure.

Stateless (nonces are signed with an HMAC) except for a bounded memory of the nonce counts that were used.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from .header import MAX_HEADER_CHARS, STRENGTH, quote, raw_bytes, response, split_credentials

_REPLAY_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an Authorization header. `reason` is "" when ok; `stale`: right password, ask again with a
    fresh nonce; `scheme` is what to show ("Digest SHA-256", "Basic"); `guess`: name or password was wrong."""

    ok: bool
    reason: str = ""
    stale: bool = False
    scheme: str = ""
    guess: bool = False


class DigestVerifier:
    """The server side for one realm. `now` may be any clock in seconds, the same for all calls."""

    def __init__(self, realm: str, secret: bytes, nonce_lifetime_s: float = 300, max_nonces: int = 1024) -> None:
        self._realm = realm
        self._secret = secret
        self._lifetime_s = nonce_lifetime_s
        self._max_nonces = max_nonces
        self._issued = 0
        # serial of a nonce → (highest nc, bit mask of the nc below it); only filled by right passwords
        self._used: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self._forgotten = 0  # serials up to here that are not in _used count as used up

    def challenges(
        self,
        now: float,
        *,
        algorithms: Iterable[str] = ("SHA-256", "MD5"),
        basic: bool = False,
        qop: bool = True,
        stale: bool = False,
    ) -> list[str]:
        """WWW-Authenticate values, strongest first. The algorithm is left out for plain MD5 without qop, which
        is how RTSP devices write it and what old clients expect."""
        nonce = self._nonce(now)
        values = []
        for algorithm in algorithms:
            value = f'Digest realm={quote(self._realm)}, nonce="{nonce}"'
            if qop:
                value += ', qop="auth"'
            if qop or algorithm != "MD5":
                value += f", algorithm={algorithm}"
            values.append(value + (", stale=true" if stale else ""))
        if basic:
            values.append(f"Basic realm={quote(self._realm)}")
        return values

    def verify(
        self, header: str, *, method: str, uri: str, username: str, password: str, now: float, basic: bool = False
    ) -> Verdict:
        """Checks one Authorization value against the one account that this server knows. `basic`: Basic will do,
        whether it was offered or comes unasked."""
        found = split_credentials(header) if len(header) <= MAX_HEADER_CHARS else []
        scheme = header.split(maxsplit=1)[0].lower() if header.strip() else ""
        if scheme == "basic":
            if not basic:
                return Verdict(False, "Basic is not accepted here, only Digest", scheme="Basic")
            return _verify_basic(header, username, password)
        if scheme != "digest" or len(found) != 1:
            return Verdict(False, "malformed" if scheme in ("digest", "") else "unknown scheme")
        return self._verify_digest(found[0][1], method, uri, username, password, now)

    def _verify_digest(
        self, params: dict[str, str], method: str, uri: str, username: str, password: str, now: float
    ) -> Verdict:
        algorithm = params.get("algorithm", "")
        scheme = f"Digest {algorithm.upper() or 'MD5'}"
        user = _username(params)
        nonce, answer, stated_uri = params.get("nonce"), params.get("response"), params.get("uri")
        qop, nc, cnonce = params.get("qop", "").lower(), params.get("nc", ""), params.get("cnonce", "")
        if user is None or nonce is None or answer is None or stated_uri is None:
            return Verdict(False, "malformed", scheme="Digest")
        if algorithm.upper() not in STRENGTH:
            return Verdict(False, "unknown algorithm", scheme="Digest")
        if qop and (qop != "auth" or not cnonce or not re.fullmatch(r"[0-9A-Fa-f]{1,8}", nc)):
            return Verdict(False, "malformed", scheme=scheme)
        if not hmac.compare_digest(raw_bytes(user), raw_bytes(username)):
            return Verdict(False, "unknown user", scheme=scheme, guess=True)
        if params.get("realm", "") != self._realm:
            return Verdict(False, "wrong realm", scheme=scheme)
        if not _same_target(stated_uri, uri):
            return Verdict(False, "authorization is for another address", scheme=scheme)
        expected = response(
            algorithm,
            method=method,
            uri=stated_uri,
            username=username,
            password=password,
            realm=self._realm,
            nonce=nonce,
            qop=qop,
            cnonce=cnonce,
            nc=nc,
        )
        if not hmac.compare_digest(raw_bytes(expected), raw_bytes(answer.lower())):
            return Verdict(False, "wrong password", scheme=scheme, guess=True)
        serial = self._serial(nonce, now)
        if serial is None:
            return Verdict(False, "nonce expired", stale=True, scheme=scheme)
        if qop and not self._count(serial, int(nc, 16)):
            return Verdict(False, "replayed", stale=True, scheme=scheme)
        return Verdict(True, scheme=scheme)

    def _nonce(self, now: float) -> str:
        # The serial keeps two nonces of the same instant apart; without it two clients would share one nc memory.
        self._issued += 1
        body = int(now * 1000).to_bytes(8, "big", signed=True) + self._issued.to_bytes(6, "big")
        return base64.urlsafe_b64encode(body + self._sign(body)).decode()

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:16]

    def _serial(self, nonce: str, now: float) -> int | None:
        """The serial of a nonce that is ours and young enough, else None."""
        try:
            raw = base64.b64decode(nonce.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        if len(raw) != 30 or not hmac.compare_digest(self._sign(raw[:14]), raw[14:]):
            return None
        age_s = now - int.from_bytes(raw[:8], "big", signed=True) / 1000
        return int.from_bytes(raw[8:14], "big") if -1 <= age_s <= self._lifetime_s else None

    def _count(self, serial: int, nc: int) -> bool:
        """Remembers that `nc` was used; False when it was before. Parallel connections may come out of order."""
        known = self._used.get(serial)
        if known is None:
            if serial <= self._forgotten:
                return False
            if len(self._used) >= self._max_nonces:
                oldest, _ = self._used.popitem(last=False)
                self._forgotten = max(self._forgotten, oldest)
            self._used[serial] = (nc, 1)
            return True
        highest, mask = known
        if nc > highest:
            shift = min(nc - highest, _REPLAY_WINDOW)
            self._used[serial] = (nc, ((mask << shift) | 1) & ((1 << _REPLAY_WINDOW) - 1))
            return True
        bit = 1 << (highest - nc)
        if highest - nc >= _REPLAY_WINDOW or mask & bit:
            return False
        self._used[serial] = (highest, mask | bit)
        return True


def username_of(header: str) -> str:
    """The user name that an Authorization value claims; "" when it names none or is malformed."""
    found = split_credentials(header) if len(header) <= MAX_HEADER_CHARS else []
    if not found:
        return ""
    scheme, params = found[0]
    if scheme.lower() == "digest":
        return _username(params) or ""
    pair = _basic_pair(header) if scheme.lower() == "basic" else None
    return pair[0].decode("utf-8", "replace") if pair else ""


def _username(params: dict[str, str]) -> str | None:
    user = params.get("username")
    if user is None and "username*" in params:  # RFC 5987 form, for names beyond ASCII
        user = unquote(params["username*"].rpartition("'")[2])
    return user


def _basic_pair(header: str) -> tuple[bytes, bytes] | None:
    """(user name, password), None when malformed."""
    try:
        raw = base64.b64decode(header.split(maxsplit=1)[1].strip(), validate=True)
    except (IndexError, binascii.Error, ValueError):
        return None
    user, colon, secret = raw.partition(b":")
    return (user, secret) if colon else None


def _verify_basic(header: str, username: str, password: str) -> Verdict:
    pair = _basic_pair(header)
    if pair is None:
        return Verdict(False, "malformed", scheme="Basic")
    user, secret = pair
    right_user = hmac.compare_digest(user, username.encode())
    if not hmac.compare_digest(secret, password.encode()) or not right_user:
        return Verdict(False, "wrong password" if right_user else "unknown user", scheme="Basic", guess=True)
    return Verdict(True, scheme="Basic")


def _same_target(stated: str, actual: str) -> bool:
    """Whether the uri that was signed means the one requested. Clients sign the path only, the absolute URL, or
    (RTSP) the presentation's URL for a request on one of its tracks."""
    one, two = _path(stated), _path(actual)
    return one == two or one.startswith(two + "/") or two.startswith(one + "/")


def _path(uri: str) -> str:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    path = parts.path.rstrip("/")
    return f"{path}?{parts.query}" if parts.query else path
