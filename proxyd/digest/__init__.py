"""Basic and Digest authentication for HTTP and RTSP, both sides (RFC 7616, RFC 7617, RFC 2069 style without qop).

Pure: time and cnonce come in as arguments.
"""

from __future__ import annotations

from .client import Challenge, authorization, choose, parse_challenges
from .server import DigestVerifier, Verdict, username_of

__all__ = [
    "Challenge",
    "DigestVerifier",
    "Verdict",
    "authorization",
    "choose",
    "parse_challenges",
    "username_of",
]
