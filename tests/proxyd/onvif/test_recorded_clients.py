"""The requests that five client libraries really sent, in their order: each gets a valid answer.

The recorded tokens are old and belong to a throw-away account; they are signed anew, and name
our profiles and subscription.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxyd.onvif.namespaces import clark

from .builders import PASSWORD, USERNAME, Camera, body_of, camera_spec, texts, username_token
from .schemas import Validator

_CLIENTS = ["agsh_onvif_0.8.3", "node-onvif_0.1.7", "onvif-python_0.4.7", "onvif-zeep_0.2.12", "onvif-zeep-async_4.3.0"]
_LINE = re.compile(r"(\d+) (/onvif/\w+)(?:\?sub=(\w+))? (\w+) auth=")
_FIELDS = {
    "Password": re.compile(r"(<[\w:]*Password [^>]*>)[^<]*(<)"),
    "Nonce": re.compile(r"(<[\w:]*Nonce [^>]*>)[^<]*(<)"),
    "Username": re.compile(r"(<[\w:]*Username>)[^<]*(<)"),
}
_CREATED = re.compile(r"<[\w:]*Created[^>]*>([^<]+)<")


def _signed_anew(request: str, nonce: bytes) -> str:
    """The same request with our user, password and a nonce of its own; Created stays as the client wrote it."""
    created = _CREATED.search(request)
    if created is None:
        return request
    fresh = username_token(USERNAME, PASSWORD, created=created[1], nonce=nonce)
    for name, pattern in _FIELDS.items():
        value = re.search(rf"<wsse:{name}(?: [^>]*)?>([^<]*)<", fresh)
        assert value is not None
        request = pattern.sub(rf"\g<1>{value[1]}\g<2>", request)
    return request.replace("Profile_0", "main").replace("Profile_1", "sub")


@pytest.mark.parametrize("client", _CLIENTS)
def test_conversation(client: str, shared_data: Path, validator: Validator) -> None:
    folder = shared_data / "captures" / "clients_local" / client
    camera = Camera(camera_spec(), now=datetime(2026, 11, 22, 11, 12, 45, tzinfo=UTC))
    subscription = ""
    for line in (folder / "sequence.txt").read_text().splitlines():
        match = _LINE.match(line)
        assert match is not None, line
        number, path, sub, operation = match.groups()
        recorded = (folder / f"{number}_{operation}.request.xml").read_text()
        request = _signed_anew(recorded, f"{client}{number}".encode())
        reply = camera.send(request.encode(), path, sub=subscription if sub else "")
        assert reply.status == 200, (line, reply.reason, recorded)
        assert reply.operation == operation
        assert reply.auth == ("UsernameToken" if reply.auth else "")
        assert validator.body(reply.body).tag.endswith(f"}}{operation}Response")
        if operation == "CreatePullPointSubscription":
            subscription = texts(reply, "wsa:Address")[0].rpartition("=")[2]
        elif operation == "GetStreamUri":
            assert re.fullmatch(
                r"rtsp://10\.9\.8\.7:8554/(main|sub)", body_of(reply).findtext(f".//{clark('tt:Uri')}") or ""
            )


def test_a_recorded_token_is_refused_for_its_password(shared_data: Path) -> None:
    folder = shared_data / "captures" / "clients_local" / "agsh_onvif_0.8.3"
    camera = Camera(camera_spec(), now=datetime(2026, 11, 22, 11, 12, 45, tzinfo=UTC))
    reply = camera.send((folder / "004_GetProfiles.request.xml").read_bytes(), "/onvif/media_service")
    assert (reply.status, reply.reason) == (400, "unknown user name")
