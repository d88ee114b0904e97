"""Who may talk RTSP: every account of the camera, and guessers not for long."""

from __future__ import annotations

import pytest

from proxyd.camera.accounts import Account
from proxyd.camera.guesses import BURST, Guesses
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
    assert auth.waits_as(request) is None
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


def _guess(guesses: Guesses, count: int = BURST) -> None:
    """On connections of its own."""
    for number in range(count):
        auth = _auth(guesses)
        with pytest.raises(Refused):
            auth.check(_request(auth, "onvif", f"guess-{number}"), ACCOUNTS, 0.0, in_session=False)


def test_a_guesser_waits_on_new_connections_too_and_a_right_password_is_taken() -> None:
    guesses = Guesses(lambda: 0.0)
    _guess(guesses, BURST - 1)
    auth = _auth(guesses)
    assert auth.waits_as(_request(auth, "onvif", OWN.password)) is None
    _guess(guesses, 1)
    right = _request(auth, "onvif", OWN.password)
    assert auth.waits_as(right) == "onvif"
    assert auth.waits_as(Request("DESCRIBE", URI, Headers([]))) is None
    auth.check(right, ACCOUNTS, 0.0, in_session=False)


def test_a_connection_that_proved_itself_does_not_wait_as_the_same_account() -> None:
    guesses = Guesses(lambda: 0.0)
    auth = _auth(guesses)
    right = _request(auth, "onvif", OWN.password)
    auth.check(right, ACCOUNTS, 0.0, in_session=False)
    _guess(guesses)
    assert auth.waits_as(right) is None
    _guess(guesses)
    other = _request(auth, "visitor", "guess")
    for _ in range(BURST):
        guesses.wrong("192.0.2.50", "visitor")
    assert auth.waits_as(other) == "visitor"
    with pytest.raises(Refused):
        auth.check(other, ACCOUNTS, 0.0, in_session=False)
    assert auth.waits_as(right) == "onvif"


def test_a_connection_ends_after_some_wrong_passwords() -> None:
    auth = _auth()
    for number in range(MAX_WRONG_PASSWORDS):
        assert not auth.exhausted
        with pytest.raises(Refused):
            auth.check(_request(auth, "onvif", f"guess-{number}"), ACCOUNTS, 0.0, in_session=False)
    assert auth.exhausted
