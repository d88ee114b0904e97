"""What the tour shows in a minute and a half: overview → scan → camera → adoption → log → palette."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proxyd.api.models import Adoption, AdoptionStep, JobState, ScanDiff

from .onviftui.fake_daemon import STARTED, FakeDaemon, camera, job
from .onviftui.scene_house import RECORDER, house

_SCAN = 9
_TO_ADOPT = (13, 14, 15)


@dataclass(frozen=True, slots=True)
class Step:
    """`happens` in the daemon, then the keys are pressed; the viewer looks at what came for `look_s`."""

    keys: bytes = b""
    look_s: float = 1.0
    happens: Callable[[FakeDaemon], None] | None = None

    @property
    def presses(self) -> Sequence[bytes]:
        """One after another; what begins with Esc is one key."""
        return [self.keys] if self.keys.startswith(b"\x1b") else [bytes([one]) for one in self.keys]


def prepare(daemon: FakeDaemon) -> None:
    """The house of the scenes, where no scan runs yet."""
    house(daemon)
    for number in (2, 3):
        del daemon.tables["job"][number]
    scanned = job(_SCAN, JobState.DONE, **_of_scan(16, "", 0.0), ended=STARTED, diff=_FOUND, outcome="kept")
    daemon.answers["job.apply"] = scanned
    daemon.answers["nvr.scan"] = lambda _: job(_SCAN, **_of_scan(0, "identity and services", 21.0))
    daemon.answers["adoption.start"] = lambda _: _adoption("now", "waiting", "waiting")


_FOUND = ScanDiff(
    new=[16],
    changed=[2],
    offline=[9],
    words={16: "Bicycle stand", 2: "main is H.265 now, 2560×1440", 9: "no picture on the NVR"},
    warnings=["The clock of the NVR is 7 h 02 min behind; handled."],
)


def _of_scan(done: int, now: str, eta_s: float) -> dict[str, Any]:
    return {"nvr": 1, "title": "Scan of Garage", "preview": True, "done": done, "total": 16, "now": now, "eta_s": eta_s}


def _scanned(done: int, now: str, eta_s: float) -> Callable[[FakeDaemon], None]:
    return lambda daemon: daemon.change("job", job(_SCAN, **_of_scan(done, now, eta_s)))


def _read(daemon: FakeDaemon) -> None:
    daemon.change("job", job(_SCAN, JobState.DONE, **_of_scan(16, "", 0.0), outcome="waiting", diff=_FOUND))


def _adoption(*states: str, **of_now: Any) -> Adoption:
    steps = []
    for number, state in zip(_TO_ADOPT, states, strict=True):
        known = camera(number)
        told = {"camera": number, "name": known.name, "address": known.address, "state": state}
        by = {"by": RECORDER} if state == "adopted" else {}
        at_it = {"recorder": RECORDER, **of_now} if state == "now" and of_now else {}
        steps.append(AdoptionStep.model_validate(told | by | at_it))
    state = "running" if "now" in states else "done"
    return Adoption.model_validate({"state": state, "started": STARTED, "steps": steps})


def _adopted(*states: str, **of_now: Any) -> Callable[[FakeDaemon], None]:
    return lambda daemon: daemon.hub.changed("adoption", _adoption(*states, **of_now))


_DONE = ("adopted", "adopted", "adopted")
STORY: tuple[Step, ...] = (
    Step(look_s=4.0),
    # the scan: what it reads, what it would change, keep it
    Step(b"3", 2.0),
    Step(b"r", 1.2),
    Step(happens=_scanned(3, "ch 4 profiles", 18.0)),
    Step(happens=_scanned(8, "ch 9 stream addresses (sub)", 11.0)),
    Step(happens=_scanned(13, "ch 14 picture", 4.0)),
    Step(happens=_read, look_s=4.5),
    Step(b"\r", 2.0),
    Step(b"\r", 3.0),
    # one camera: what to type into a recorder, what flows, what it sees
    Step(b"jjj", 1.0),
    Step(b"\x1b", 1.0),
    Step(b"/", 0.6),
    Step(b"yard", 1.0),
    Step(b"\r", 0.6),
    Step(b"\r", 4.0),
    Step(b"b", 4.0),
    Step(b"o", 4.0),
    Step(b"\x1b", 0.6),
    Step(b"\x1b", 0.6),
    # the guided adoption ticks off by itself
    Step(b"5", 2.0),
    Step(b"a", 3.5),
    Step(happens=_adopted("now", "waiting", "waiting", reached=True)),
    Step(happens=_adopted("now", "waiting", "waiting", reached=True, signed_in=True)),
    Step(happens=_adopted("now", "waiting", "waiting", reached=True, signed_in=True, asked_streams=True)),
    Step(happens=_adopted("adopted", "now", "waiting"), look_s=2.5),
    Step(happens=_adopted("adopted", "adopted", "now", reached=True), look_s=1.5),
    Step(happens=_adopted(*_DONE), look_s=3.0),
    # the log, found in
    Step(b"7", 2.5),
    Step(b"/", 0.6),
    Step(b"password", 2.5),
    Step(b"\x1b", 0.8),
    # the palette with a theme, the help, and home
    Step(b":", 1.0),
    Step(b"light", 2.5),
    Step(b"\x1b", 1.0),
    Step(b"?", 3.5),
    Step(b"\x1b", 0.6),
    Step(b"1", 3.0),
)
