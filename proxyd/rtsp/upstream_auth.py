"""How we prove to an NVR who we are, in the requests of one RTSP connection: what it asks for, and what we answer."""

from __future__ import annotations

import secrets

from proxyd.camera.spec import NvrAccess
from proxyd.digest import Challenge, authorization, choose, parse_challenges
from proxyd.errors import UpstreamAuthError, UpstreamProtocolError
from proxyd.rtsp.messages import Response


class UpstreamAuth:
    """`name` is what people call the NVR's end."""

    def __init__(self, access: NvrAccess, name: str) -> None:
        self._access = access
        self._name = name
        self._challenge: Challenge | None = None
        self._nonce_count = 0

    def challenged(self, response: Response) -> bool:
        """By a 401, which only asks, or says that the nonce has become old. False when there is no account to answer
        with. Raises UpstreamProtocolError."""
        challenge = choose(parse_challenges(response.headers.get_all("WWW-Authenticate")))
        if challenge is None:
            raise UpstreamProtocolError(
                f"{self._name} asks for a kind of authentication that we do not know.",
                "Set its RTSP authentication to digest.",
            )
        self._challenge, self._nonce_count = challenge, 0
        return bool(self._access.username)

    def authorization(self, method: str, url: str) -> str:
        """The value of that header for a new request; "" before a challenge, and without an account."""
        if self._challenge is None or not self._access.username:
            return ""
        self._nonce_count += 1
        return authorization(
            self._challenge,
            method=method,
            uri=url,
            username=self._access.username,
            password=self._access.password,
            cnonce=secrets.token_hex(8),
            nc=self._nonce_count,
        )

    def refused(self) -> UpstreamAuthError:
        """What its 401 to our answer means."""
        if not self._access.username:
            return UpstreamAuthError(
                f"{self._name} wants a user name and password for RTSP.", "Enter the account of that device."
            )
        return UpstreamAuthError(
            f"{self._name} refuses user {self._access.username!r} for RTSP.",
            "Correct its user name and password; some NVRs have separate users for ONVIF.",
        )
