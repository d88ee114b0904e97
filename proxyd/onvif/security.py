"""Who may call: WS-Security UsernameToken with PasswordDigest, once per nonce, inside ± the camera's window.

Pure: the clock comes in as an argument. Sources: OASIS WSS UsernameToken Profile 1.0 section 3.1, ONVIF Core 5.9.
The password is checked before the clock, so that the trace can tell "wrong password" from "wrong clock".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from array import array
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime

from proxyd.digest import Verdict

from .soap import UsernameToken

MAX_NONCES = 4096
WIDEST_WINDOW_S = 3600
_DAYS_MIN = 2 * 24 * 60  # from here on nobody counts days
_KEY_BYTES = 7  # of a nonce's hash; with 8, Python needs half as much memory again for each
_SCHEME = "UsernameToken"


class TokenVerifier:
    """Checks tokens of one camera and remembers their nonces, at most `max_nonces` of them.

    When that memory is full, the oldest is forgotten and nothing as old is accepted any more: no replay slips in."""

    def __init__(self, max_nonces: int = MAX_NONCES) -> None:
        self._max_nonces = max_nonces
        self._seen: set[int] = set()
        self._created = array("d")  # in order, and beside each its nonce: a sixth of the memory of a heap of tuples
        self._nonces = array("Q")
        self._forgotten_until = float("-inf")

    def verify(
        self,
        token: UsernameToken,
        *,
        username: str,
        password: str,
        now: datetime,
        window_s: float = 300,
        encrypted: bool = False,
    ) -> Verdict:
        """Verdict with the reason in words; an accepted nonce is remembered. PasswordText is for `encrypted`
        connections only (ONVIF Core section 5.9.3)."""
        if token.password_type == "text":  # noqa: S105 - a kind, not a password
            if encrypted:
                return _verify_text(token, username, password)
            return _refused(
                "the password was sent in clear text (PasswordText); without HTTPS only PasswordDigest is accepted"
            )
        if not token.nonce or not token.created or token.password_type == "none":  # noqa: S105 - a kind
            return _refused("the token lacks nonce, creation time or password")
        nonce = _decoded_nonce(token.nonce)
        created = parse_created(token.created)
        if nonce is None or created is None:
            return _refused("the token has a malformed nonce or creation time")
        expected = password_digest(nonce, token.created, password)
        if (refusal := _compare(token, username, expected)) is not None:
            return refusal
        skew_s = created - now.timestamp()
        if abs(skew_s) > window_s:
            return _refused(f"the password is right, but {describe_skew(skew_s, created)}")
        return self._use_once(nonce, created, now.timestamp())

    def _use_once(self, nonce: bytes, created: float, now: float) -> Verdict:
        # By the widest window, so that nothing can be replayed when the camera's is made wider.
        self._forget(bisect_left(self._created, now - WIDEST_WINDOW_S))
        key = int.from_bytes(hashlib.blake2s(nonce, digest_size=_KEY_BYTES).digest())
        if key in self._seen:
            return _refused("the token was used before (same nonce)")
        if created <= self._forgotten_until:
            return _refused("the token is too old for the number of requests that came since")
        if len(self._created) >= self._max_nonces:
            # Never back: one that was older than those forgotten before it may have come after them.
            self._forgotten_until = max(self._forgotten_until, self._created[0])
            self._forget(1)
        place = bisect_right(self._created, created)
        self._created.insert(place, created)
        self._nonces.insert(place, key)
        self._seen.add(key)
        return Verdict(True, scheme=_SCHEME)

    def _forget(self, count: int) -> None:
        """The oldest of them."""
        if count:
            self._seen.difference_update(self._nonces[:count])
            del self._created[:count], self._nonces[:count]


def _verify_text(token: UsernameToken, username: str, password: str) -> Verdict:
    return _compare(token, username, password) or Verdict(True, scheme=_SCHEME)


def _compare(token: UsernameToken, username: str, expected: str) -> Verdict | None:
    """None when name and password are right. Both are compared in constant time and always, so that timing does not
    tell user names."""
    right_user = hmac.compare_digest(token.username.encode(), username.encode())
    right_password = hmac.compare_digest(token.password.encode(), expected.encode())
    if not right_user:
        return _refused("unknown user name", guess=True)
    return None if right_password else _refused("wrong password", guess=True)


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password)); SHA-1 is what the profile prescribes."""
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def parse_created(text: str) -> float | None:
    """xs:dateTime to seconds since 1970; without a zone it is UTC. None when malformed."""
    try:
        moment = datetime.fromisoformat(text)
        # In UTC, so that each moment is one that can be shown: some at the ends of time are none there.
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def describe_skew(seconds: float, clock: float) -> str:
    """A clock that differs, as people say it: by "7 h 02 min", from two days on by the date that it shows. `clock` in
    seconds since 1970."""
    minutes = round(abs(seconds) / 60)
    if minutes >= _DAYS_MIN:
        return f"the client's clock says {datetime.fromtimestamp(clock, UTC):%Y-%m-%d}"
    hours, rest = divmod(minutes, 60)
    return f"the client's clock differs by {f'{hours} h {rest:02} min' if hours else f'{rest} min'}"


def _decoded_nonce(text: str) -> bytes | None:
    try:
        nonce = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return nonce or None


def _refused(reason: str, *, guess: bool = False) -> Verdict:
    return Verdict(False, reason, scheme=_SCHEME, guess=guess)
