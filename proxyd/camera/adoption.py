"""Which recorder has adopted a camera. Pure.

Adopted is a camera whose recorder signed in, was given the URIs of its streams, and played. What is known of it
outlives the daemon; another recorder takes over when the first has been silent for long, so that a look with another
program changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from .meeting import Meeting

TAKE_OVER_AFTER = timedelta(minutes=10)


def adopter(
    known: str,
    meetings: Sequence[Meeting],
    *,
    playing: Collection[str],
    since: datetime,
    now: datetime,
    take_over_after: timedelta = TAKE_OVER_AFTER,
) -> str:
    """The address of the recorder that has the camera; "" while none has. `known`: who had it so far; `playing`: the
    addresses that play now; `since`: when listening began, before which nobody could be heard; `take_over_after`: how
    long the known one has to be silent before another takes over."""
    if known and (known in playing or now - _heard(known, meetings, since) < take_over_after):
        return known
    complete = [meeting for meeting in meetings if meeting.complete and meeting.address != known]
    if not complete:
        return known
    return max(complete, key=lambda meeting: (meeting.address in playing, meeting.last_at)).address


def _heard(known: str, meetings: Sequence[Meeting], since: datetime) -> datetime:
    """When the known one was last heard; a recorder that was away with the daemon may still come back."""
    return next((meeting.last_at for meeting in meetings if meeting.address == known), since)
