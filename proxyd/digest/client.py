"""The client's side: which of a server's challenges to answer, and how. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field

from .header import MAX_HEADER_CHARS, STRENGTH, quote, response, split_credentials


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


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """All Basic and Digest challenges of WWW-Authenticate values, one or several per value; others are skipped."""
    challenges = []
    for header in headers:
        for scheme, params in split_credentials(header[:MAX_HEADER_CHARS]):
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
        strength = 1 if challenge.scheme == "Basic" else STRENGTH.get(challenge.algorithm.upper(), 0)
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
    answer = response(
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
        f"username={quote(username)}",
        f"realm={quote(challenge.realm)}",
        f"nonce={quote(challenge.nonce)}",
        f"uri={quote(uri)}",
        f'response="{answer}"',
    ]
    if challenge.algorithm:
        parts.append(f"algorithm={challenge.algorithm}")
    if challenge.opaque is not None:
        parts.append(f"opaque={quote(challenge.opaque)}")
    if qop:
        parts += [f"qop={qop}", f"nc={count}"]
    if qop or challenge.algorithm.lower().endswith("-sess"):
        parts.append(f"cnonce={quote(cnonce)}")
    return "Digest " + ", ".join(parts)
