"""Faults that the simulated NVR can show, switched on by `--fault NAME[=VALUE]` or at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass(slots=True)
class Faults:
    """Mutable on purpose: all parts of one simulator share one instance. Each default means "off"."""

    wrong_xaddr_host: str = ""  # XAddrs, stream and snapshot URIs name this host
    clock_year: int = 0  # the device's clock stands in this year
    slow_s: float = 0.0  # every SOAP answer waits this long
    html: bool = False  # HTTP 200 with a web page instead of SOAP
    offline: frozenset[int] = frozenset()  # channels without encoder configuration
    gaps: frozenset[int] = frozenset()  # channel numbers that do not exist
    media2_only_h265: bool = False  # main streams are H.265, seen through Media2 only
    get_services_fault: bool = False
    get_capabilities_fault: bool = False
    broken_media2: bool = False  # Media2 is announced, and faults whatever it is asked
    action_required: bool = False  # an empty 400 for requests whose Content-Type does not name the action
    time_needs_auth: bool = False
    lockout_after: int = 0  # refuse everybody after this many wrong passwords
    speakers: frozenset[int] = frozenset()  # channels that take sound; 0: one of the device, in no profile
    metadata: frozenset[int] = frozenset()  # channels with a metadata track: somebody walks through the picture
    no_snapshot: bool = False  # GetSnapshotUri faults
    presets: int = 0  # movable channels list so many, also places that nobody named
    broken_optics: bool = False  # PTZ and Imaging are announced, and fault whatever they are asked
    no_rules: bool = False  # all analytics rules and modules were deleted
    rtsp_stall: bool = False  # sessions stay open, media stops
    rtsp_silent: frozenset[int] = frozenset()  # channels whose media alone stops
    rtsp_slow_s: float = 0.0  # every RTSP answer waits this long
    rtsp_refuses: str = ""  # every login is answered 401: "wrong", or "stale" (each time the nonce has just grown old)
    rtsp_timeout_s: int = 0  # RTSP sessions end after so many seconds without a sign of life
    rtsp_sessions: int = 0  # no more RTSP sessions than this: 453
    rtsp_busy: bool = False  # SETUP is answered 503
    rtsp_resized: frozenset[int] = frozenset()  # channels whose main stream has the sub stream's picture size
    rtsp_deaf: bool = False  # no sound is taken by RTSP, whatever ONVIF says of loudspeakers
    rtsp_udp_only: bool = False  # SETUP over TCP is answered 461
    udp_loses: int = 0  # every nth datagram of media
    udp_delays: int = 0  # every nth datagram of media comes after the next one
    udp_repeats: int = 0  # every nth datagram of media comes twice
    rtsp_reset: bool = False  # media connections are reset; new ones refused with RST
    no_events: bool = False  # there is no event service at all
    notify_only: bool = False  # no pull points, Basic Notification only
    pull_points_full: bool = False  # no subscription is given: ter:BlockedThreadUpperLimit with an empty reason
    subscription_host: str = ""  # subscriptions are said to be at this host
    subscription_s: int = 0  # no subscription lives longer than this without Renew
    no_renew: bool = False  # subscriptions cannot be prolonged
    no_addressing: bool = False  # requests with WS-Addressing headers are refused
    impatient_pulls: bool = False  # PullMessages never waits
    cut_pulls_s: int = 0  # a PullMessages that waits so long is cut off instead of answered
    events_as_channel_1: bool = False  # every event names channel 1
    events_source: str = ""  # every event names this text for its channel
    no_first_states: bool = False  # a new subscription is not told how things stand
    events_only_true: bool = False  # no event is ever said to be over
    down: bool = False  # nothing answers (a restart in progress)

    @classmethod
    def parse(cls, items: list[str]) -> Faults:
        """From ["slow=0.2", "html", "offline=3,5"]. Raises ValueError naming the item and the known names."""
        faults = cls()
        for item in items:
            faults.set(item)
        return faults

    def set(self, item: str) -> None:
        """Switch one fault: "name" (on), "name=value", "name=off"."""
        raw_name, has_value, value = item.partition("=")
        name = _ALIASES.get(raw_name, raw_name.replace("-", "_"))
        kinds = {f.name: type(getattr(Faults(), f.name)) for f in fields(self)}
        if name not in kinds:
            raise ValueError(f"unknown fault {raw_name!r}; known: {', '.join(sorted(fault_names()))}")
        if value in ("off", "0", "no"):
            setattr(self, name, getattr(Faults(), name))
            return
        if not has_value:
            value = _DEFAULT_VALUES.get(name, "on")
        try:
            setattr(self, name, _year(value) if name == "clock_year" else _CONVERT[kinds[name]](value))
        except ValueError:
            raise ValueError(f"fault {raw_name}: cannot understand the value {value!r}") from None


def fault_names() -> list[str]:
    """The names as the command line spells them."""
    back = {v: k for k, v in _ALIASES.items()}
    return [back.get(f.name, f.name.replace("_", "-")) for f in fields(Faults)]


def _flag(value: str) -> bool:
    if value not in ("on", "1", "yes"):
        raise ValueError(value)
    return True


def _year(value: str) -> int:
    if not 1 <= (year := int(value)) <= 9999:
        raise ValueError(value)
    return year


def _channels(value: str) -> frozenset[int]:
    return frozenset(int(part) for part in value.split(","))


_ALIASES = {
    "slow": "slow_s",
    "clock": "clock_year",
    "lockout": "lockout_after",
    "rtsp-slow": "rtsp_slow_s",
    "rtsp-timeout": "rtsp_timeout_s",
}
_DEFAULT_VALUES = {
    "wrong_xaddr_host": "192.0.2.1",
    "clock_year": "2017",
    "slow_s": "1",
    "offline": "1",
    "gaps": "2",
    "speakers": "1",
    "metadata": "1",
    "presets": "2000",
    "rtsp_silent": "1",
    "rtsp_slow_s": "1",
    "rtsp_refuses": "wrong",
    "rtsp_timeout_s": "4",
    "rtsp_sessions": "1",
    "rtsp_resized": "1",
    "udp_loses": "50",
    "udp_delays": "20",
    "udp_repeats": "20",
    "lockout_after": "5",
    "subscription_host": "10.255.0.1",
    "subscription_s": "10",
    "cut_pulls_s": "2",
    "events_source": "1",
}
_CONVERT: dict[type, Callable[[str], object]] = {
    bool: _flag,
    int: int,
    float: float,
    str: str,
    frozenset: _channels,
}
