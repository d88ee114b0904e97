"""What moves and can be set on a simulated camera: pan, tilt, zoom, focus, presets, picture settings.

Positions follow from the clock, so nothing here needs a task. `done` remembers what clients did, for tests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_DONE = 200
_UNITS_PER_S = 1.0  # at full speed; the whole way of pan takes two seconds
AXES = ("pan", "tilt", "zoom")


@dataclass(slots=True)
class Axis:
    """One direction of movement: at `value` since `since`, moving at `rate` until `until`."""

    low: float
    high: float
    value: float = 0.0
    rate: float = 0.0
    since: float = 0.0
    until: float = 0.0

    def at(self, now: float) -> float:
        moved = self.value + self.rate * (max(self.since, min(now, self.until)) - self.since)
        return min(max(moved, self.low), self.high)

    def moving(self, now: float) -> bool:
        return self.rate != 0.0 and now < self.until and self.at(now) != (self.high if self.rate > 0 else self.low)

    def run(self, rate: float, now: float, for_s: float) -> None:
        self.value, self.rate, self.since, self.until = self.at(now), rate, now, now + for_s

    def go(self, target: float, now: float) -> None:
        way = min(max(target, self.low), self.high) - self.at(now)
        self.run(_UNITS_PER_S if way > 0 else -_UNITS_PER_S, now, abs(way) / _UNITS_PER_S)


Position = tuple[float, float, float]


class PanTiltZoom:
    """One movable camera. Without `obeys_timeout` it moves on until it is stopped, whatever the client says."""

    def __init__(self, clock: Callable[[], float], *, obeys_timeout: bool) -> None:
        self._clock = clock
        self._obeys_timeout = obeys_timeout
        self.axes = {"pan": Axis(-1, 1), "tilt": Axis(-1, 1), "zoom": Axis(0, 1)}
        self.home: Position = (0.0, 0.0, 0.0)
        self.presets: dict[str, tuple[str, Position]] = {}  # by token: name, position
        self.done: deque[str] = deque(maxlen=MAX_DONE)

    @property
    def position(self) -> Position:
        now = self._clock()
        return self.axes["pan"].at(now), self.axes["tilt"].at(now), self.axes["zoom"].at(now)

    def moving(self, *names: str) -> bool:
        now = self._clock()
        return any(self.axes[name].moving(now) for name in names or AXES)

    def run(self, speeds: dict[str, float], timeout_s: float | None) -> None:
        """Continuous movement of the axes named."""
        for_s = timeout_s if timeout_s is not None and self._obeys_timeout else 3600.0
        for name, speed in speeds.items():
            self.axes[name].run(speed * _UNITS_PER_S, self._clock(), for_s)
        self._note("ContinuousMove", speeds)

    def shift(self, ways: dict[str, float]) -> None:
        now = self._clock()
        for name, way in ways.items():
            self.axes[name].go(self.axes[name].at(now) + way, now)
        self._note("RelativeMove", ways)

    def go(self, targets: dict[str, float], what: str = "AbsoluteMove") -> None:
        for name, target in targets.items():
            self.axes[name].go(target, self._clock())
        self._note(what, targets)

    def stop(self, *names: str) -> None:
        for name in names or AXES:
            self.axes[name].run(0.0, self._clock(), 0.0)
        self.done.append("Stop" if not names else f"Stop {' '.join(names)}")

    def go_home(self) -> None:
        self.go(dict(zip(AXES, self.home, strict=True)), "GotoHomePosition")

    def set_home(self) -> None:
        self.home = self.position
        self.done.append("SetHomePosition")

    def _note(self, what: str, values: dict[str, float]) -> None:
        self.done.append(" ".join((what, *(f"{name}={value:g}" for name, value in values.items()))))


@dataclass(slots=True)
class Picture:
    """Imaging settings by the schema's path, such as "Brightness" and "WideDynamicRange/Mode"; and the focus."""

    clock: Callable[[], float]
    settings: dict[str, str] = field(
        default_factory=lambda: {
            "BacklightCompensation/Mode": "OFF",
            "Brightness": "50",
            "ColorSaturation": "50",
            "Contrast": "50",
            "Exposure/Mode": "AUTO",
            "Focus/AutoFocusMode": "AUTO",
            "IrCutFilter": "AUTO",
            "Sharpness": "50",
            "WideDynamicRange/Mode": "OFF",
            "WideDynamicRange/Level": "50",
            "WhiteBalance/Mode": "AUTO",
        }
    )
    focus: Axis = field(default_factory=lambda: Axis(0, 1, 0.5))
    done: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_DONE))


class Optics:
    """By channel, made when first asked for; kept over a restart of the device, except that nothing moves then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._movable: dict[int, PanTiltZoom] = {}
        self._pictures: dict[int, Picture] = {}
        self.rates: dict[str, tuple[int, int]] = {}  # of encoders that were set, by token: frames/s and kbit/s

    def movable(self, channel: int, *, obeys_timeout: bool = True) -> PanTiltZoom:
        if channel not in self._movable:
            self._movable[channel] = PanTiltZoom(self.clock, obeys_timeout=obeys_timeout)
        return self._movable[channel]

    def picture(self, channel: int) -> Picture:
        if channel not in self._pictures:
            self._pictures[channel] = Picture(self.clock)
        return self._pictures[channel]

    def halt(self) -> None:
        """The device lost its power."""
        now = self.clock()
        for camera in self._movable.values():
            for axis in camera.axes.values():
                axis.run(0.0, now, 0.0)
        for picture in self._pictures.values():
            picture.focus.run(0.0, now, 0.0)

    def state(self) -> dict[str, dict[str, object]]:
        """For the control endpoint, by channel."""
        now = self.clock()
        shown: dict[str, dict[str, object]] = {}
        for channel, camera in self._movable.items():
            shown.setdefault(str(channel), {})["ptz"] = {
                "position": [round(value, 3) for value in camera.position],
                "moving": camera.moving(),
                "home": list(camera.home),
                "presets": {token: name for token, (name, _) in camera.presets.items()},
                "done": list(camera.done),
            }
        for channel, picture in self._pictures.items():
            shown.setdefault(str(channel), {})["imaging"] = {
                "settings": dict(picture.settings),
                "focus": round(picture.focus.at(now), 3),
                "focusing": picture.focus.moving(now),
                "done": list(picture.done),
            }
        return shown
