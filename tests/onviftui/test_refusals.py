"""Which refusal still stands, and what is said about it."""

from __future__ import annotations

from onviftui.refusals import Refusal, newest_refusal, refusal_words
from proxyd.api.models import TraceEntry


def asked(client: str, *, ok: bool = True, auth: str = "UsernameToken", reason: str = "") -> TraceEntry:
    return TraceEntry(
        at="2026-11-22T09:00:00Z", client=client, protocol="onvif", operation="GetProfiles", auth=auth, ok=ok,
        reason=reason,
    )  # fmt: skip


WRONG = asked("10.77.0.3:5000", ok=False, reason="wrong password")


def test_a_refusal_stands_until_the_same_recorder_signs_in() -> None:
    assert newest_refusal([]) is None
    assert newest_refusal([WRONG]) == Refusal("10.77.0.3", "wrong password")
    assert newest_refusal([WRONG, asked("10.77.0.3:5001", auth="")]) == Refusal("10.77.0.3", "wrong password")
    assert newest_refusal([WRONG, asked("10.77.0.9:5001")]) == Refusal("10.77.0.3", "wrong password")
    assert newest_refusal([WRONG, asked("10.77.0.3:5001")]) is None
    assert newest_refusal([asked("10.77.0.3:1"), WRONG, asked("fd00::3", ok=False)]) == Refusal(
        "fd00::3", "no reason was kept"
    )


def test_the_words_say_what_to_do() -> None:
    account = refusal_words(Refusal("10.77.0.3", "unknown user name"), "p shows it")
    assert account.startswith("10.77.0.3 was refused: unknown user name. ") and account.endswith("p shows it.")
    clock = refusal_words(
        Refusal("10.77.0.3", "the password is right, but the client's clock differs by 7 h 02 min"), ""
    )
    assert clock.endswith("Set the clock of the recorder and of this machine.")
    assert refusal_words(Refusal("10.77.0.3", "the token was used before"), "").endswith("used before.")
