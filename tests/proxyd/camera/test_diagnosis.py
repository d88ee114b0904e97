"""What is said about why a recorder does not adopt a camera. The reasons come from the code that refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from proxyd.api.models import Camera, CameraState, Finding
from proxyd.camera.diagnosis import diagnose
from proxyd.camera.meeting import BROKEN, Meetings, account_trouble
from proxyd.camera.situation import Situation
from proxyd.onvif import notify_policy
from proxyd.onvif.exchange import broken
from proxyd.onvif.security import TokenVerifier, password_digest
from proxyd.onvif.soap import UsernameToken
from tests.proxyd.onvif.builders import camera_spec

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RECORDER = "10.77.0.3"


def camera(**changes: Any) -> Camera:
    fields: dict[str, Any] = {
        "id": 7,
        "name": "Yard",
        "nvr": 1,
        "channel": 2,
        "state": CameraState.RUNNING,
        "address": "10.77.0.102",
        "mac": "a2:6b:3f:00:00:02",
        "interface": "vcam2",
        "onvif_url": None,
        "snapshot_url": None,
        "username": "onvif",
        "streams": [],
        "uuid": "u",
        "serial": "s",
        "enabled": True,
    }
    return Camera(**(fields | changes))


class Story:
    """One camera and what recorders do with it, `ago` before now."""

    def __init__(self, **changes: Any) -> None:
        self.camera = camera(**changes)
        self.meetings = Meetings()
        self.playing: tuple[str, ...] = ()
        self.moved_from = ""
        self.http_port = 80
        self.ago = timedelta(minutes=5)

    def search(self, address: str = RECORDER) -> None:
        at = NOW - self.ago
        self.meetings(address, at).searched(at)

    def ask(
        self, operation: str = "GetProfiles", reason: str = "", *, auth: str = "UsernameToken", **changes: Any
    ) -> None:
        address, at = changes.pop("address", RECORDER), NOW - self.ago
        fields: dict[str, Any] = {"protocol": "onvif", "ok": not reason, "tls": False} | changes
        self.meetings(address, at).exchanged(at, operation=operation, auth=auth, reason=reason, **fields)

    def adopt(self, address: str = RECORDER) -> None:
        for operation in ("GetProfiles", "GetStreamUri"):
            self.ask(operation, address=address)
        self.ask("PLAY main", protocol="rtsp", address=address)

    def findings(self) -> list[Finding]:
        adopted_by = self.camera.adopted_by
        seen = Situation(self.camera, 24, self.http_port, 554, self.playing, self.moved_from, adopted_by, NOW)
        return diagnose(seen, self.meetings.all())

    def ids(self) -> list[str]:
        return [finding.id for finding in self.findings()]

    def only(self, id_: str) -> Finding:
        """The finding of this id, which must be the first."""
        found = self.findings()
        assert found and found[0].id == id_, [one.what for one in found]
        return found[0]


def refusal(created: datetime, password: str = "right") -> str:
    """What the camera really says to such a token."""
    text = created.isoformat().replace("+00:00", "Z")
    digest = password_digest(b"nonce", text, password)
    token = UsernameToken("onvif", digest, "digest", "bm9uY2U=", text)
    return TokenVerifier().verify(token, username="onvif", password="right", now=NOW).reason


def test_nobody_came() -> None:
    found = Story().only("nobody-came")
    assert "Type 10.77.0.102 into" in found.todo


def test_the_address_to_type_has_the_port_where_it_is_not_the_usual_one() -> None:
    story = Story()
    story.http_port = 8081
    assert "Type 10.77.0.102:8081 into" in story.only("nobody-came").todo


def test_events_that_were_wanted_elsewhere_are_allowed_by_a_command() -> None:
    story = Story()
    reason = notify_policy.refusal(ip_address("10.9.0.1"), RECORDER, camera_spec(), lambda address: False)
    story.ask("Subscribe", f"Nothing is sent there: {reason}")
    (found,) = [one for one in story.findings() if one.id == "refused-operation"]
    assert found.todo == "If its events belong there: onviftui camera edit 7 --notify NETWORK"


def test_wrong_password_three_times() -> None:
    story = Story()
    for _ in range(3):
        story.ask("GetDeviceInformation", refusal(NOW, "wrong"))
    found = story.only("wrong-password")
    assert found.what == f"{RECORDER} reached the camera, but used a wrong password 3 times."
    assert found.todo.endswith("onviftui camera credentials 7")
    assert (found.severity, found.camera, found.recorder) == ("problem", 7, RECORDER)


def test_a_right_password_ends_the_trouble() -> None:
    story = Story()
    story.ask("GetDeviceInformation", refusal(NOW, "wrong"))
    story.ask("GetDeviceInformation")
    assert "wrong-password" not in story.ids()


def test_clock() -> None:
    story = Story()
    story.ask("GetProfiles", refusal(NOW - timedelta(hours=7, minutes=2)))
    found = story.only("clock")
    assert "its clock differs by 7 h 02 min (refused once)" in found.what
    assert "NTP" in found.todo and "less than an hour: onviftui camera edit 7 --clock-window 3600" in found.todo


@pytest.mark.parametrize(
    ("reason", "id_"),
    [
        ("unknown user name", "unknown-user"),
        ("unknown user", "unknown-user"),
        ("the password was sent in clear text (PasswordText); without HTTPS only PasswordDigest", "clear-text"),
        ("the token lacks nonce, creation time or password", "credentials"),
        ("the token was used before (same nonce)", "credentials"),
    ],
)
def test_other_account_troubles(reason: str, id_: str) -> None:
    story = Story()
    story.ask("GetProfiles", reason, auth="")
    assert story.only(id_).todo
    assert account_trouble(reason) == id_.replace("-", " ")


def test_each_step_that_is_missing() -> None:
    story = Story()
    story.search()
    assert "TCP port 80" in story.only("found-only").todo
    story.ask("GetSystemDateAndTime", auth="")
    assert "camera credentials 7" in story.only("never-signed-in").todo
    story.ask("GetProfiles")
    assert story.only("never-asked-for-streams").what.startswith(RECORDER)
    story.ask("GetStreamUri")
    assert "TCP port 554" in story.only("never-played").todo
    story.ask("PLAY main", protocol="rtsp")
    assert story.ids() == ["adopted"]
    story.playing = (RECORDER,)
    assert story.ids() == ["plays"]
    assert story.findings()[0].what == f"{RECORDER} plays this camera: all is well."


def test_a_recorder_in_the_middle_of_its_adoption_is_not_accused() -> None:
    story = Story()
    story.ago = timedelta(seconds=5)
    story.search()
    for operation, auth, words in (
        ("", "", "found the camera"),
        ("GetSystemDateAndTime", "", "asked the camera once, so far without user and password"),
        ("GetProfiles", "UsernameToken", "signed in; it has not asked for streams yet"),
        ("GetStreamUri", "UsernameToken", "was given the streams; it has not played one yet"),
    ):
        if operation:
            story.ask(operation, auth=auth)
        found = story.only("under-way")
        assert found.what == f"{RECORDER} came less than a minute ago and {words}."
        assert found.severity == "note" and len(story.findings()) == 1


def test_a_player_that_was_given_the_address_of_a_stream() -> None:
    story = Story()
    story.ask("PLAY main", protocol="rtsp")
    assert "did not ask for it by ONVIF" in story.only("stream-only").what
    soon = Story()
    soon.ago = timedelta(seconds=5)
    soon.ask("PLAY main", protocol="rtsp")
    assert "has played a stream" in soon.only("under-way").what


def test_a_player_that_signed_in_and_was_refused_the_stream_needs_no_other_password() -> None:
    story = Story()
    story.ask("DESCRIBE main", protocol="rtsp")
    story.ask("SETUP main", "The NVR sends no video.", protocol="rtsp")
    refused, stopped = story.findings()
    assert (refused.id, stopped.id) == ("refused-operation", "never-played")
    assert stopped.what == f"{RECORDER} signed in by RTSP, but has not played a stream."
    soon = Story()
    soon.ago = timedelta(seconds=5)
    soon.ask("DESCRIBE main", protocol="rtsp")
    assert "signed in by RTSP; it has not played a stream yet" in soon.only("under-way").what


def test_an_unknown_user_is_counted() -> None:
    story = Story()
    story.ask("GetProfiles", "unknown user name", auth="")
    assert story.only("unknown-user").what == (
        f"{RECORDER} reached the camera, but once used a user name that this camera does not know."
    )


def test_what_was_asked_and_how_it_was_answered() -> None:
    story = Story()
    story.ask("GetProfiles")
    story.ask("SetVideoEncoderConfiguration", "ter:ActionNotSupported")
    story.ask("SetVideoEncoderConfiguration", "ter:ActionNotSupported")
    found = story.only("refused-operation")
    assert "asked for SetVideoEncoderConfiguration twice, which we answer with: ter:ActionNotSupported" in found.what
    assert found.severity == "warning"
    story.adopt()
    assert story.only("refused-operation").severity == "note"


def test_another_subnet() -> None:
    story = Story()
    story.adopt("192.168.9.3")
    found = story.only("other-subnet")
    assert "it sees the router's MAC, not a2:6b:3f:00:00:02" in found.what
    assert "10.77.0.0/24" in found.todo


def test_https_to_the_port_of_http() -> None:
    story = Story()
    story.ask(BROKEN, broken(400, "Received HTTPS traffic on an HTTP port").reason, auth="")
    assert "--https on" in story.only("tls-on-http").todo


def test_https_alone() -> None:
    story = Story(https=True)
    story.ask("GetProfiles", tls=True)
    assert "tls-only" in story.ids()
    story.ask("GetProfiles")
    assert "tls-only" not in story.ids()


def test_two_recorders() -> None:
    story = Story()
    story.adopt()
    story.adopt("10.77.0.9")
    assert story.only("several-recorders").what == "10.77.0.3 and 10.77.0.9 use this camera."
    assert "share one session" in story.only("several-recorders").why
    story.camera = camera(share=False)
    assert "session of its own" in story.only("several-recorders").why


def test_the_old_address_is_still_in_the_recorder() -> None:
    story = Story(state=CameraState.ADDRESS_CHANGED)
    story.moved_from = "10.77.0.55"
    found = story.only("old-address")
    assert "10.77.0.55" in found.what and "10.77.0.102" in found.todo


def test_the_adopter_is_silent() -> None:
    story = Story(adopted_by=RECORDER)
    assert sorted(story.ids()) == ["adopter-silent", "nobody-came"]
    story.ago = timedelta(minutes=30)
    story.adopt()
    found = story.only("adopter-silent")
    assert "has not been heard for 30 min" in found.what
    assert "forget-adoption 7" in found.todo


def test_a_camera_that_does_not_run_is_why() -> None:
    story = Story(state=CameraState.PORT_IN_USE, reason="Port 80 is used by nginx.")
    assert story.only("camera-state").what == "Yard: Port 80 is used by nginx."


def test_hidden_from_searches() -> None:
    assert "hidden" in Story(discovery=False).ids()


def test_worst_first() -> None:
    story = Story()
    story.adopt()
    story.playing = (RECORDER,)
    story.ask("GetProfiles", "wrong password", address="192.168.9.9")
    severities = [finding.severity for finding in story.findings()]
    assert severities == sorted(severities, key=("problem", "warning", "note", "ok").index)
    assert severities[0] == "problem" and severities[-1] == "ok"
