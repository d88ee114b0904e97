"""A recorder's handshake on a blocking socket; nothing of what follows PLAY's answer is read, so that the connection
can be given to the sink."""

from __future__ import annotations

import re
import secrets
import socket
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from proxyd.digest import Challenge, authorization, choose, parse_challenges

_TIMEOUT_S = 15.0
_MAX_HEAD_BYTES = 16 * 1024


class Recorder:
    """`with Recorder(url, user, password) as one: one.play()`; then `one.socket` carries packets."""

    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        self.url = url
        self._account = user, password
        self._challenge: Challenge | None = None
        self._cseq = self._nonce_count = 0
        self._session = ""

    def __enter__(self) -> Self:
        parts = urlsplit(self.url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 554), _TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def prepare(self) -> None:
        """Until only PLAY is missing. Raises RuntimeError when it is refused."""
        head, body = self._ask("DESCRIBE", self.url, "Accept: application/sdp")
        base = _header(head, "Content-Base") or self.url
        video = re.search(r"^m=video.*?^a=control:(\S+)", body, re.MULTILINE | re.DOTALL)
        if video is None:
            raise RuntimeError(f"{self.url} has no video")
        control = video[1] if video[1].startswith("rtsp:") else base.rstrip("/") + "/" + video[1]
        head, _ = self._ask("SETUP", control, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        self._session = (_header(head, "Session") or "").partition(";")[0]

    def play(self) -> None:
        self._ask("PLAY", self.url, f"Session: {self._session}", "Range: npt=0.000-")

    def play_until_first_byte(self) -> float:
        """Seconds from the request to the first byte of media."""
        began = time.perf_counter()
        self.play()
        self.socket.recv(1, socket.MSG_PEEK)
        return time.perf_counter() - began

    def send(self, method: str) -> None:
        """A request in the session whose answer somebody else reads."""
        self.socket.sendall(self._request(method, self.url, f"Session: {self._session}"))

    def _ask(self, method: str, uri: str, *headers: str) -> tuple[str, str]:
        self.socket.sendall(self._request(method, uri, *headers))
        head, body = self._answer()
        if head.startswith("RTSP/1.0 401") and self._challenge is None:
            offered = re.findall(r"^WWW-Authenticate: *(.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
            self._challenge = choose(parse_challenges(offered))
            self.socket.sendall(self._request(method, uri, *headers))
            head, body = self._answer()
        if not head.startswith("RTSP/1.0 200"):
            raise RuntimeError(f"{method} {uri}: {head.partition(chr(13))[0]}")
        return head, body

    def _request(self, method: str, uri: str, *headers: str) -> bytes:
        self._cseq += 1
        lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {self._cseq}", *headers]
        if self._challenge is not None:
            self._nonce_count += 1
            value = authorization(
                self._challenge,
                method=method,
                uri=uri,
                username=self._account[0],
                password=self._account[1],
                cnonce=secrets.token_hex(8),
                nc=self._nonce_count,
            )
            lines.append(f"Authorization: {value}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _answer(self) -> tuple[str, str]:
        """Takes not a byte more."""
        deadline = time.monotonic() + _TIMEOUT_S
        while (end := (seen := self.socket.recv(_MAX_HEAD_BYTES, socket.MSG_PEEK)).find(b"\r\n\r\n")) < 0:
            if not seen or time.monotonic() > deadline:
                raise RuntimeError(f"{self.url}: no answer but {seen!r}")
            time.sleep(0.0002)  # the rest of it is under way
        head = self.socket.recv(end + 4, socket.MSG_WAITALL).decode()
        size = int(_header(head, "Content-Length") or 0)
        return head, self.socket.recv(size, socket.MSG_WAITALL).decode() if size else ""


def _header(head: str, name: str) -> str | None:
    found = re.search(rf"^{name}: *(.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else None
