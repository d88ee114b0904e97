"""Numbers and durations out of answers, whatever a device wrote there. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from proxyd.camera.features import Span

_LARGEST = 1e6  # ranges "to infinity" end here: JSON knows no infinity


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def items(value: object, most: int) -> list[Any]:
    """Of a list, or of what should be one."""
    if value is None:
        return []
    return value[:most] if isinstance(value, list) else [value]


def real(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return None if math.isnan(number) else min(max(number, -_LARGEST), _LARGEST)


def span(raw: object) -> Span | None:
    """A tt:FloatRange; None without two numbers in order."""
    low, high = (real(mapping(raw).get(name)) for name in ("Min", "Max"))
    return None if low is None or high is None or low > high else Span(low, high)


def seconds(value: object) -> float | None:
    """A duration as zeep reads it; None for what is none."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    whole = getattr(value, "tdelta", None)  # isodate's own class, for durations with months
    return whole.total_seconds() if isinstance(whole, timedelta) else None


def is_true(value: object) -> bool:
    return value is True or str(value).strip().lower() in ("true", "1")
