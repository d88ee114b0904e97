"""How long and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`only`: names of rows, none for all. `window_s` is what is measured of a run; `minutes` that of the endurance
    row; `stuck_s` how long a client does not read."""

    rounds: int = 5
    only: tuple[str, ...] = ()
    window_s: float = 5.0
    minutes: float = 30.0
    stuck_s: float = 60.0
