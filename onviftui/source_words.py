"""What command line and UI say alike of cameras that are known by their RTSP addresses. Pure."""

from __future__ import annotations

from proxyd.api.models import PlannedSource

LIST_KB = 128  # as large as a list may be
TOO_LARGE = "Leave out what is not about cameras."


def remark(source: PlannedSource) -> str:
    """Why it is not added, and what is left out of it; "" where all is well."""
    return " ".join(filter(None, (source.why, *source.notes)))
