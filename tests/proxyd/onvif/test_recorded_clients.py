"""The requests that five client libraries really sent, in their order: each gets a valid answer.

tests/e2e/test_recorded_clients.py does the same with cameras of real NVRs' dialects behind real sockets.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxyd.onvif.namespaces import clark

from .builders import PASSWORD, USERNAME, Camera, body_of, camera_spec, texts
from .recorded import CLIENTS, steps
from .schemas import Validator


@pytest.mark.parametrize("client", CLIENTS)
def test_conversation(client: str, shared_data: Path, validator: Validator) -> None:
    camera = Camera(camera_spec(), now=datetime(2026, 11, 22, 11, 12, 45, tzinfo=UTC))
    subscription = ""
    for step in steps(shared_data, client):
        nonce = f"{client}{step.number}".encode()
        request = step.signed_anew(USERNAME, PASSWORD, nonce, profiles=["main", "sub"])
        reply = camera.send(request.encode(), step.path, sub=subscription if step.at_subscription else "")
        assert reply.status == 200, (step, reply.reason)
        assert reply.operation == step.operation
        assert reply.auth == ("UsernameToken" if reply.auth else "")
        assert validator.body(reply.body).tag.endswith(f"}}{step.operation}Response")
        if step.operation == "CreatePullPointSubscription":
            subscription = texts(reply, "wsa:Address")[0].rpartition("=")[2]
        elif step.operation == "GetStreamUri":
            assert re.fullmatch(
                r"rtsp://10\.9\.8\.7:8554/(main|sub)", body_of(reply).findtext(f".//{clark('tt:Uri')}") or ""
            )


def test_a_recorded_token_is_refused_for_its_password(shared_data: Path) -> None:
    camera = Camera(camera_spec(), now=datetime(2026, 11, 22, 11, 12, 45, tzinfo=UTC))
    step = next(step for step in steps(shared_data, "agsh_onvif_0.8.3") if step.number == "004")
    reply = camera.send(step.request.encode(), step.path)
    assert (reply.status, reply.reason) == (400, "unknown user name")
