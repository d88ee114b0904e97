"""Basic and Digest authentication for HTTP and RTSP, both sides (RFC 7616, RFC 7617, RFC 2069 style without qop).

Pure: time and cnonce come in as arguments. The server side is stateless (nonces are signed with an HMAC) except for a
bounded memory of the nonce counts that were used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

MAX_HEADER_CHARS = 8192
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_STRENGTH = {"": 2, "MD5": 2, "MD5-SESS": 2, "SHA-256": 3, "SHA-256-SESS": 3}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^,\s]*")
_SKIP = re.compile(r"[\s,]+")
_REPLAY_WINDOW = 64


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a server. `algorithm` is "" when the server named none (which means MD5)."""

    scheme: str
    realm: str = ""
    nonce: str = field(default="", repr=False)
    opaque: str | None = field(default=None, repr=False)
    algorithm: str = ""
    qop: tuple[str, ...] = ()
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an Authorization header. `reason` is "" when ok; `stale`: right password, ask again with a
    fresh nonce; `scheme` is what to show ("Digest SHA-256", "Basic"); `guess`: name or password was wrong."""

    ok: bool
    reason: str = ""
    stale: bool = False
    scheme: str = ""
    guess: bool = False


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All Basic and Digest challenges of WWW-Authenticate values, one or several per value; others are skipped."""
    challenges = []
    for header in headers:
        for scheme, params in _split_credentials(header[:MAX_HEADER_CHARS]):
            if scheme.lower() == "basic":
                challenges.append(Challenge("Basic", params.get("realm", "")))
            elif scheme.lower() == "digest" and "nonce" in params:
                challenges.append(
                    Challenge(
                        "Digest",
                        params.get("realm", ""),
                        params["nonce"],
                        params.get("opaque"),
                        params.get("algorithm", ""),
                        tuple(q.strip().lower() for q in params.get("qop", "").split(",") if q.strip()),
                        params.get("stale", "").lower() == "true",
                    )
                )
    return challenges


def choose(challenges: Iterable[Challenge]) -> Challenge | None:
    """The strongest challenge we can answer: SHA-256, then MD5, then Basic; None when there is none."""
    best: Challenge | None = None
    best_strength = 0
    for challenge in challenges:
        strength = 1 if challenge.scheme == "Basic" else _STRENGTH.get(challenge.algorithm.upper(), 0)
        if challenge.scheme == "Digest" and challenge.qop and "auth" not in challenge.qop:
            strength = 0  # auth-int only: needs the body, no camera is known to insist on it
        if strength > best_strength:
            best, best_strength = challenge, strength
    return best


def authorization(
    challenge: Challenge, *, method: str, uri: str, username: str, password: str, cnonce: str, nc: int = 1
) -> str:
    """The Authorization value that answers `challenge` (RFC 7616 §3.4; without qop as RFC 2069).

    Raises ValueError for an algorithm or scheme that `choose` would not have picked.
    """
    if challenge.scheme == "Basic":
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    qop = "auth" if "auth" in challenge.qop else ""
    if challenge.scheme != "Digest" or (challenge.qop and not qop):
        raise ValueError("no answer to this challenge is known")
    count = f"{nc:08x}"
    answer = _response(
        challenge.algorithm,
        method=method,
        uri=uri,
        username=username,
        password=password,
        realm=challenge.realm,
        nonce=challenge.nonce,
        qop=qop,
        cnonce=cnonce,
        nc=count,
    )
    parts = [
        f"username={_quote(username)}",
        f"realm={_quote(challenge.realm)}",
        f"nonce={_quote(challenge.nonce)}",
        f"uri={_quote(uri)}",
        f'response="{answer}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        parts.append(f"opaque={_quote(challenge.opaque)}")
    if qop:
        parts += [f"qop={qop}", f"nc={count}"]
    if qop or challenge.algorithm.lower().endswith("-sess"):
        parts.append(f"cnonce={_quote(cnonce)}")
    return "Digest " + ", ".join(parts)


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
            value = f'Digest realm={_quote(self._realm)}, nonce="{nonce}"'
            if qop:
                value += ', qop="auth"'
            if qop or algorithm != "MD5":
                value += f", algorithm={algorithm}"
            values.append(value + (", stale=true" if stale else ""))
        if basic:
            values.append(f"Basic realm={_quote(self._realm)}")
        return values

    def verify(
        self, header: str, *, method: str, uri: str, username: str, password: str, now: float, basic: bool = False
    ) -> Verdict:
        """Checks one Authorization value against the one account that this server knows. `basic`: Basic will do,
        whether it was offered or comes unasked."""
        found = _split_credentials(header) if len(header) <= MAX_HEADER_CHARS else []
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
        if algorithm.upper() not in _STRENGTH:
            return Verdict(False, "unknown algorithm", scheme="Digest")
        if qop and (qop != "auth" or not cnonce or not re.fullmatch(r"[0-9A-Fa-f]{1,8}", nc)):
            return Verdict(False, "malformed", scheme=scheme)
        if not hmac.compare_digest(_bytes(user), _bytes(username)):
            return Verdict(False, "unknown user", scheme=scheme, guess=True)
        if params.get("realm", "") != self._realm:
            return Verdict(False, "wrong realm", scheme=scheme)
        if not _same_target(stated_uri, uri):
            return Verdict(False, "authorization is for another address", scheme=scheme)
        expected = _response(
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
        if not hmac.compare_digest(_bytes(expected), _bytes(answer.lower())):
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
    found = _split_credentials(header) if len(header) <= MAX_HEADER_CHARS else []
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


def _response(
    algorithm: str,
    *,
    method: str,
    uri: str,
    username: str,
    password: str,
    realm: str,
    nonce: str,
    qop: str,
    cnonce: str,
    nc: str,
) -> str:
    name = algorithm.upper() or "MD5"
    session = name.endswith("-SESS")
    hash_name = _HASHES.get(name.removesuffix("-SESS"))
    if hash_name is None:
        raise ValueError(f"unknown digest algorithm {algorithm}")

    def h(text: str) -> str:
        return hashlib.new(hash_name, _bytes(text), usedforsecurity=False).hexdigest()

    ha1 = h(f"{username}:{realm}:{password}")
    if session:
        ha1 = h(f"{ha1}:{nonce}:{cnonce}")
    ha2 = h(f"{method}:{uri}")
    return h(f"{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}" if qop else f"{ha1}:{nonce}:{ha2}")


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


def _split_credentials(header: str) -> list[tuple[str, dict[str, str]]]:
    """[(scheme, parameters)] of an auth header value; tolerant, never raises, linear in the length."""
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while at < len(header):
        if skip := _SKIP.match(header, at):
            at = skip.end()
            continue
        name = _TOKEN.match(header, at)
        if name is None:
            at += 1
            continue
        at = name.end()
        equals = _EQUALS.match(header, at)
        if equals is None:
            found.append((name.group(), {}))
            continue
        at = equals.end()
        if quoted := _QUOTED.match(header, at):
            value, at = re.sub(r"\\(.)", r"\1", quoted.group(1), flags=re.DOTALL), quoted.end()
        else:
            bare = _BARE.match(header, at)
            assert bare is not None  # the pattern matches nothing, too
            value, at = bare.group(), bare.end()
        if found:
            found[-1][1].setdefault(name.group().lower(), value)
    return found


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bytes(text: str) -> bytes:
    """UTF-8 that never fails: header values may hold lone surrogates where a peer sent other bytes."""
    return text.encode("utf-8", "surrogatepass")
