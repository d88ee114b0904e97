"""Accounts of recorders: what each level may do, and how guessers are slowed."""

from __future__ import annotations

import pytest

from proxyd.camera.guesses import BURST
from proxyd.camera.settings import CameraUser, UserLevel
from proxyd.digest import authorization, choose, parse_challenges
from proxyd.onvif.authentication import Grant
from proxyd.onvif.exchange import Call, Later, Reply
from proxyd.onvif.levels import permits
from proxyd.onvif.services.operation import Access

from .builders import PATHS, Camera, camera_spec, fault_of, soap, username_token
from .schemas import Validator

USERS = (
    CameraUser("boss", "boss-pass-1", "Administrator"),
    CameraUser("guard", "guard-pass-2", "Operator"),
    CameraUser("visitor", "visitor-pass-3", "User"),
)


@pytest.fixture
def camera() -> Camera:
    return Camera(camera_spec(users=USERS))


def test_the_policy_is_that_of_onvif_core() -> None:
    levels: tuple[UserLevel, ...] = ("Administrator", "Operator", "User")
    allowed = {access: "".join(level[0] for level in levels if permits(level, access)) for access in Access}
    assert allowed == {
        Access.PRE_AUTH: "AOU",
        Access.READ_SYSTEM: "AOU",
        Access.READ_SYSTEM_SENSITIVE: "AO",
        Access.READ_SYSTEM_SECRET: "A",
        Access.WRITE_SYSTEM: "A",
        Access.UNRECOVERABLE: "A",
        Access.READ_MEDIA: "AOU",
        Access.ACTUATE: "AO",
    }


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.level)
def test_levels_are_obeyed(camera: Camera, user: CameraUser, validator: Validator) -> None:
    def ask(operation: str, content: str = "") -> Reply:
        return camera.ask(operation, content, header=username_token(user.username, user.password))

    assert ask("trt:GetProfiles").ok
    assert ask("tds:GetUsers").ok == (user.level == "Administrator")
    assert ask("trt:CreateProfile").reason.endswith("for Operators") == (user.level == "User")
    change = ask("tds:SetDiscoveryMode", "<tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode>")
    assert change.ok == (user.level == "Administrator")
    if not change.ok:
        validator.body(change.body)
        assert fault_of(change)[:2] == ("env:Sender", ["ter:NotAuthorized"])
        assert "Administrator" in fault_of(change)[2]
        assert change.reason == f"{user.username} is {user.level}, and this is only for Administrators"
        assert camera.commands == []


def test_every_account_opens_the_picture(camera: Camera) -> None:
    for user in USERS:
        call = Call("GET", "/snapshot", "/snapshot", camera.reached)
        refusal = camera.dispatcher.picture(call, camera.now)
        assert isinstance(refusal, Reply)
        challenge = choose(parse_challenges(value for _, value in refusal.headers))
        assert challenge is not None
        header = authorization(
            challenge, method="GET", uri="/snapshot", username=user.username, password=user.password, cnonce="c"
        )
        answer = camera.dispatcher.picture(
            Call("GET", "/snapshot", "/snapshot", camera.reached, authorization=header), camera.now
        )
        assert isinstance(answer, Grant)
        assert answer.account.level == user.level


def test_a_user_that_was_deleted_is_out_at_once(camera: Camera) -> None:
    assert camera.ask("trt:GetProfiles", header=username_token("guard", "guard-pass-2")).ok
    camera.dispatcher.update(camera_spec())
    assert camera.ask("trt:GetProfiles", header=username_token("guard", "guard-pass-2")).reason == "unknown user name"


def test_passwords_of_one_account_do_not_open_another(camera: Camera) -> None:
    assert camera.ask("trt:GetProfiles", header=username_token("guard", "boss-pass-1")).reason == "wrong password"


def test_clear_text_passwords_are_for_encrypted_connections(camera: Camera) -> None:
    token = username_token(kind="Text")
    assert "clear text" in camera.ask("trt:GetProfiles", header=token).reason
    camera.reached = type(camera.reached)("10.9.8.7", 443, tls=True)
    assert camera.ask("trt:GetProfiles", header=token).ok
    wrong = username_token(password="other", kind="Text")
    assert camera.ask("trt:GetProfiles", header=wrong).reason == "wrong password"
    assert camera.ask("trt:GetProfiles", header=username_token("admin", kind="Text")).reason == "unknown user name"


def test_spaces_belong_to_a_clear_text_password() -> None:
    camera = Camera(camera_spec(users=(CameraUser("guard", " two words ", "Operator"),)))
    camera.reached = type(camera.reached)("10.9.8.7", 443, tls=True)
    assert camera.ask("trt:GetProfiles", header=username_token("guard", " two words ", kind="Text")).ok
    assert camera.ask("trt:GetProfiles", header=username_token("guard", "two words", kind="Text")).reason


def test_the_window_is_the_cameras(camera: Camera) -> None:
    spec = camera.spec
    late = username_token(created="2026-11-22T11:21:05Z")
    assert "clock differs" in camera.ask("trt:GetProfiles", header=late).reason
    settings = type(spec.settings)(clock_window_s=600)
    camera.dispatcher.update(camera_spec(settings=settings))
    assert camera.ask("trt:GetProfiles", header=late).ok


def test_after_some_guesses_passwords_wait_for_their_turn_and_right_ones_are_taken(
    camera: Camera, validator: Validator
) -> None:
    for number in range(BURST):
        refused = camera.ask("trt:GetProfiles", header=username_token(password=f"guess{number}"))
        assert refused.status == 400
        validator.body(refused.body)
    assert camera.waited == 0
    assert camera.ask("trt:GetProfiles").ok
    assert camera.waited == 1
    camera.client = "192.0.2.51"
    assert camera.ask("trt:GetProfiles").ok
    assert camera.waited == 1


def test_the_picture_has_the_same_budget(camera: Camera) -> None:
    for number in range(BURST):
        camera.ask("trt:GetProfiles", header=username_token(password=f"guess{number}"))
    call = Call("GET", "/snapshot", "/snapshot", camera.reached, authorization="Basic YTpi", client=camera.client)
    waiting = camera.dispatcher.picture(call, camera.now)
    assert isinstance(waiting, Later)
    assert (waiting.address, waiting.username) == (camera.client, "a")
    answer = waiting.resume(camera.now)
    assert isinstance(answer, Reply)
    assert answer.status == 401


@pytest.mark.parametrize(("created", "password", "each"), [("yesterday", "x", 1), (None, "guess", 2)])
def test_each_guess_of_a_request_counts(camera: Camera, created: str | None, password: str, each: int) -> None:
    for _ in range(BURST // each):
        assert camera.waited == 0
        refusal = camera.ask("trt:GetProfiles", header="")
        challenge = choose(parse_challenges(value for _, value in refusal.headers))
        assert challenge is not None
        guess = authorization(
            challenge, method="POST", uri=PATHS["trt"], username="onvif", password="guess", cnonce="c"
        )
        request = soap("trt:GetProfiles", header=username_token(password=password, created=created))
        assert camera.send(request, PATHS["trt"], authorization=guess).status == 400
    camera.ask("trt:GetProfiles")
    assert camera.waited == 1


def test_asking_without_credentials_costs_nothing(camera: Camera) -> None:
    for _ in range(100):
        assert camera.ask("trt:GetProfiles", header="").status == 401
    assert camera.ask("trt:GetProfiles").ok
    assert camera.waited == 0


def test_a_recorder_with_a_wrong_clock_is_no_guesser(camera: Camera) -> None:
    for _ in range(100):
        wrong = camera.ask("trt:GetProfiles", header=username_token(created="2017-01-01T00:00:00Z"))
        assert "clock says 2017-01-01" in wrong.reason
    assert camera.ask("trt:GetProfiles").ok
    assert camera.waited == 0
