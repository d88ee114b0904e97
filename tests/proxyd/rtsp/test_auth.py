"""Who may talk RTSP: every account of the camera, and guessers not for long."""

from __future__ import annotations

import pytest

from proxyd.camera.accounts import Account
from proxyd.camera.guesses import BURST, MAX_WAIT_S, Guesses
from proxyd.digest import DigestVerifier, authorization, choose, parse_challenges
from proxyd.rtsp.auth import MAX_WRONG_PASSWORDS, RecorderAuth
from proxyd.rtsp.headers import Headers
from proxyd.rtsp.messages import Request
from proxyd.rtsp.session import Refused

OWN = Account("onvif", "own-secret-1", "Administrator")
VISITOR = Account("visitor", "visitor-secret-2", "User")
ACCOUNTS = (OWN, VISITOR)
URI = "rtsp://192.0.2.7/main"


def _auth(guesses: Guesses | None = None) -> RecorderAuth:
    return RecorderAuth(DigestVerifier("camera", b"secret"), guesses or Guesses(lambda: 0.0), "192.0.2.50")


def _request(auth: RecorderAuth, username: str, password: str) -> Request:
    """One that answers a challenge."""
    with pytest.raises(Refused) as refusal:
        auth.check(Request("DESCRIBE", URI, Headers([])), ACCOUNTS, 0.0, in_session=False)
    challenge = choose(parse_challenges(value for name, value in refusal.value.headers if name == "WWW-Authenticate"))
    assert challenge is not None
    value = authorization(challenge, method="DESCRIBE", uri=URI, username=username, password=password, cnonce="c")
    return Request("DESCRIBE", URI, Headers([("Authorization", value)]))


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.username)
def test_each_account_may_watch(account: Account) -> None:
    auth = _auth()
    request = _request(auth, account.username, account.password)
    assert auth.delay(request) == 0.0
    auth.check(request, ACCOUNTS, 0.0, in_session=False)
    with pytest.raises(Refused) as refusal:
        auth.check(request, (Account("onvif", "changed", "Administrator"),), 0.0, in_session=False)
    assert refusal.value.status == 401


@pytest.mark.parametrize(("username", "password"), [("onvif", VISITOR.password), ("nobody", OWN.password)])
def test_names_and_passwords_belong_together(username: str, password: str) -> None:
    auth = _auth()
    with pytest.raises(Refused) as refusal:
        auth.check(_request(auth, username, password), ACCOUNTS, 0.0, in_session=False)
    assert refusal.value.status == 401


def test_a_guesser_waits_on_new_connections_too_and_is_refused_unseen_in_the_end() -> None:
    guesses, waits = Guesses(lambda: 0.0), []
    for number in range(BURST + int(MAX_WAIT_S)):
        auth = _auth(guesses)
        request = _request(auth, "onvif", f"guess-{number}")
        waits.append(auth.delay(request))
        with pytest.raises(Refused):
            auth.check(request, ACCOUNTS, 0.0, in_session=False)
    assert waits == [0.0] * BURST + [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(Refused) as refusal:
        auth.delay(_request(auth, "onvif", OWN.password))
    assert refusal.value.status == 503
    assert "not looked at" in refusal.value.reason
    assert auth.delay(Request("DESCRIBE", URI, Headers([]))) == 0.0


def test_a_connection_ends_after_some_wrong_passwords() -> None:
    auth = _auth()
    for number in range(MAX_WRONG_PASSWORDS):
        assert not auth.exhausted
        with pytest.raises(Refused):
            auth.check(_request(auth, "onvif", f"guess-{number}"), ACCOUNTS, 0.0, in_session=False)
    assert auth.exhausted
