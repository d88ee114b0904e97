"""What the arm remembers beside plans and leases: adapters by their MAC, what cameras are called, which static
addresses were in use. Losing the file harms nobody: adapters are learned anew at the next look, names when proxyd
connects, and addresses are probed as long as before their first use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from .disk import read_file, write_atomic
from .parents import KnownAdapter

_LARGEST = 1_000_000


@dataclass(slots=True)
class Memory:
    known: dict[str, KnownAdapter] = field(default_factory=dict)
    hostnames: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)  # static ones that were in use, by MAC

    @classmethod
    def load(cls, path: Path) -> Memory:
        try:
            data = json.loads(read_file(path, _LARGEST))
            return cls(
                {str(name): KnownAdapter.from_json(known) for name, known in data["known"].items()},
                {str(mac): str(name) for mac, name in data["hostnames"].items()},
                {str(mac): str(address) for mac, address in data.get("addresses", {}).items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()

    def save(self, path: Path) -> None:
        """Raises OSError."""
        known = {name: known.to_json() for name, known in self.known.items()}
        data = {"known": known, "hostnames": self.hostnames, "addresses": self.addresses}
        write_atomic(path, json.dumps(data, indent=1) + "\n")
