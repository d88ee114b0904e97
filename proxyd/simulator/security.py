"""WS-UsernameToken as the simulated device checks it (WS-Security UsernameToken Profile 1.0 §3). Pure: `now` is the
device's own clock, which may be wrong."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime

from proxyd.simulator.soap import Element, clark

CREATED_WINDOW_S = 300
MAX_NONCES = 4096
_DIGEST_TYPE = "#PasswordDigest"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong_password` is true only where a device would count towards its lock-out."""

    ok: bool
    reason: str = ""
    wrong_password: bool = False


class TokenVerifier:
    """Checks tokens and remembers nonces: the newest MAX_NONCES of the last two windows."""

    def __init__(self) -> None:
        self._nonces: OrderedDict[bytes, datetime] = OrderedDict()

    def verify(self, security: Element, *, username: str, password: str, now: datetime) -> Verdict:
        token = security.find(clark("wsse:UsernameToken"))
        if token is None:
            return Verdict(False, "no UsernameToken")
        user, given, created_text = (_text(token, n) for n in ("wsse:Username", "wsse:Password", "wsu:Created"))
        kind = token.find(clark("wsse:Password"))
        try:
            nonce = base64.b64decode(_text(token, "wsse:Nonce"), validate=True)
            created = parse_created(created_text)
        except (binascii.Error, ValueError):
            return Verdict(False, "malformed token")
        if not nonce or kind is None or not (kind.get("Type") or "").endswith(_DIGEST_TYPE):
            return Verdict(False, "not a password digest with nonce")
        expected = password_digest(nonce, created_text, password)
        right_user = hmac.compare_digest(user.encode(), username.encode())
        right_password = hmac.compare_digest(given.encode(), expected.encode())
        if not (right_user and right_password):
            return Verdict(False, "wrong password" if right_user else "unknown user", wrong_password=True)
        if abs((now - created).total_seconds()) > CREATED_WINDOW_S:
            return Verdict(False, "created outside the window")
        if not self._remember(nonce + created_text.encode(), now):
            return Verdict(False, "nonce used before")
        return Verdict(True)

    def _remember(self, key: bytes, now: datetime) -> bool:
        if key in self._nonces:
            return False
        while self._nonces:
            oldest, seen = next(iter(self._nonces.items()))
            if len(self._nonces) < MAX_NONCES and abs((now - seen).total_seconds()) <= 2 * CREATED_WINDOW_S:
                break
            del self._nonces[oldest]
        self._nonces[key] = now
        return True


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Base64(SHA-1(nonce + created + password))."""
    raw = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(raw).decode()


def parse_created(text: str) -> datetime:
    """An xs:dateTime; without a zone it is UTC. Raises ValueError."""
    created = datetime.fromisoformat(text)
    return created if created.tzinfo else created.replace(tzinfo=UTC)


def _text(token: Element, name: str) -> str:
    return (token.findtext(clark(name)) or "").strip()
