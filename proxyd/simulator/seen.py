"""What a simulated NVR remembers of its clients, for tests and the control endpoint."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MAX_OPERATIONS = 200


@dataclass(slots=True)
class Seen:
    """`requests` by operation, refused ones included; Media2's as `Media2.GetProfiles`, pictures as `Snapshot`.
    `wrong_passwords` counts SOAP, snapshots and RTSP; `parallel` SOAP requests in work."""

    requests: Counter[str] = field(default_factory=Counter)
    wrong_passwords: int = 0
    parallel: int = 0
    peak_parallel: int = 0

    def count(self, operation: str) -> None:
        """One more of `operation`; clients that invent names all count as "other"."""
        known = operation in self.requests or len(self.requests) < MAX_OPERATIONS
        self.requests[operation if known else "other"] += 1
