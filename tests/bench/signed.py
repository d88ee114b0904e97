"""HTTP requests with a fresh UsernameToken each, as bytes: cheaper to make than any client library can."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import UTC, datetime

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
_ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>'
    f'<Security s:mustUnderstand="1" xmlns="{_OASIS}-wssecurity-secext-1.0.xsd"><UsernameToken>'
    "<Username>{user}</Username>"
    f'<Password Type="{_OASIS}-username-token-profile-1.0#PasswordDigest">{{digest}}</Password>'
    f'<Nonce EncodingType="{_OASIS}-soap-message-security-1.0#Base64Binary">{{nonce}}</Nonce>'
    f'<Created xmlns="{_OASIS}-wssecurity-utility-1.0.xsd">{{created}}</Created></UsernameToken></Security></s:Header>'
    '<s:Body><{operation} xmlns="{namespace}">{content}</{operation}></s:Body></s:Envelope>'
)


def signed_request(url: str, operation: str, namespace: str, user: str, password: str, content: str = "") -> bytes:
    """A POST of that operation. A nonce is good for one request (WS-Security UsernameToken Profile 1.0)."""
    # In milliseconds, as UniFi Protect does: thousands of tokens of the same second are more than a camera remembers.
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    nonce = os.urandom(16)
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    body = _ENVELOPE.format(
        user=user,
        digest=base64.b64encode(digest).decode(),
        nonce=base64.b64encode(nonce).decode(),
        created=created,
        operation=operation,
        namespace=namespace,
        content=content,
    ).encode()
    host, _, path = url.removeprefix("http://").partition("/")
    head = (
        f"POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
