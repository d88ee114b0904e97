"""xs:duration and xs:dateTime as WS-Notification uses them. Pure; bounded input, seconds out."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DURATION = re.compile(
    r"(-)?P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,6})D)?"
    r"(?:T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{1,9})?)S)?)?"
)
_FACTORS = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)


def parse_duration(text: str) -> float | None:
    """`PT1M30S` → 90.0; None when it is no duration. Years and months count as 365 and 30 days."""
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    total = sum(
        float(part) * factor for part, factor in zip(match.groups()[1:], _FACTORS, strict=True) if part is not None
    )
    return -total if match[1] else total


def format_duration(seconds: float) -> str:
    """90.5 → `PT90.5S`, to the millisecond; never with an exponent, which xs:duration does not know."""
    return f"PT{f'{seconds:.3f}'.rstrip('0').rstrip('.')}S"


def seconds_until(text: str, now: datetime) -> float | None:
    """An AbsoluteOrRelativeTime as seconds from `now`; None when it is neither."""
    relative = parse_duration(text)
    if relative is not None:
        return relative
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (ValueError, OverflowError):
        return None


def format_instant(moment: datetime) -> str:
    """xs:dateTime in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
