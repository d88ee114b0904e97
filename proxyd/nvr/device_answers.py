"""What a device answers about itself: clock, services, names. Pure; odd answers give less, never an error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from proxyd.api.names import without_account
from proxyd.onvif.namespaces import ANALYTICS, DEVICEIO, EVENTS, IMAGING, MEDIA, PTZ

_MAX_SERVICES = 64
_CAPABILITY_NAMESPACES = {
    "Media": MEDIA,
    "Events": EVENTS,
    "PTZ": PTZ,
    "Imaging": IMAGING,
    "Analytics": ANALYTICS,
    "DeviceIO": DEVICEIO,  # inside Extension
}


def parse_device_time(answer: object) -> datetime | None:
    """The UTC time in a GetSystemDateAndTime answer, None when it is missing or impossible."""
    utc: Any = answer.get("UTCDateTime") if isinstance(answer, dict) else None
    try:
        date, time = utc["Date"], utc["Time"]
        start = datetime(date["Year"], date["Month"], date["Day"], tzinfo=UTC)
        # Seconds of 60 and hours of 24 occur; a timedelta takes them.
        return start + timedelta(hours=time["Hour"], minutes=time["Minute"], seconds=time["Second"])
    except (TypeError, KeyError, ValueError, OverflowError):
        return None


def service_addresses(answer: object) -> list[tuple[str, str]]:
    """(namespace, address) pairs of a GetServices answer."""
    services = answer if isinstance(answer, list) else []
    return [
        (s["Namespace"].strip(), s["XAddr"])
        for s in services[:_MAX_SERVICES]
        if isinstance(s, dict) and isinstance(s.get("Namespace"), str) and isinstance(s.get("XAddr"), str)
    ]


def capability_addresses(answer: object) -> list[tuple[str, str]]:
    """(namespace, address) pairs of a GetCapabilities answer, which has no place for Media2."""
    capabilities = answer if isinstance(answer, dict) else {}
    extension = capabilities.get("Extension")
    if isinstance(extension, dict):
        capabilities = {**extension, **capabilities}
    found = []
    for name, namespace in _CAPABILITY_NAMESPACES.items():
        capability = capabilities.get(name)
        if isinstance(capability, dict) and isinstance(capability.get("XAddr"), str):
            found.append((namespace, capability["XAddr"]))
    return found


def clean_text(value: object) -> str:
    """What a device says of itself, short and printable."""
    return "".join(c for c in without_account(str(value or "")) if c.isprintable()).strip()[:64]


def shown_offset(offset_s: float | None) -> float | None:
    """The clock difference as people should see it: devices tell whole seconds, so less than 1.5 s is none."""
    if offset_s is None:
        return None
    return 0.0 if abs(offset_s) < 1.5 else round(offset_s)
