"""How far a media process goes. All may be set on its command line, for tests and trials."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    moderation_ms: int = 5  # window of wake-ups under load; 0: none
    backlog_kib: int = 512  # of an outlet, beyond what the kernel holds
    pause_ms: int = 250  # a feed waits so long for its only outlet
    blocked_ms: int = 10_000  # an outlet that takes nothing for so long is ended
    key_wait_ms: int = 8_000  # after it an outlet begins anywhere
    end_ms: int = 2_000  # what WriteOutlet gave has so long to go out when an outlet ends
    reorder_ms: int = 50  # a gap in UDP is waited for
    garbage_kib: int = 256  # without anything that makes sense


def parse_arguments(arguments: list[str]) -> tuple[int, Limits]:
    """`FD [--name value]…`: the control socket's descriptor and the limits. Raises ValueError."""
    names = {"--" + one.name.replace("_", "-"): one.name for one in fields(Limits)}
    if not arguments or len(arguments) % 2 == 0:
        raise ValueError(f"usage: python -m proxyd.media FD [{'|'.join(names)} NUMBER]…")
    chosen: dict[str, int] = {}
    for name, value in zip(arguments[1::2], arguments[2::2], strict=True):
        if name not in names or not value.isdecimal():
            raise ValueError(f"{name} {value} is not one of {', '.join(names)} with a number")
        chosen[names[name]] = int(value)
    return int(arguments[0]), Limits(**chosen)
