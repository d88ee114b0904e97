"""What the arm remembers beside plans and leases: adapters by their MAC, and what cameras are called. Losing the file
harms nobody: adapters are learned anew at the next look, names when proxyd connects."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .journal import write_atomic
from .parents import Known

_LARGEST = 1_000_000
_MOST_HOSTNAME = 63  # RFC 1035 §2.3.1, one label


@dataclass(slots=True)
class Memory:
    known: dict[str, Known] = field(default_factory=dict)
    hostnames: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Memory:
        try:
            with path.open() as file:
                data = json.loads(file.read(_LARGEST))
            return cls(
                {str(name): Known.from_json(known) for name, known in data["known"].items()},
                {str(mac): str(name) for mac, name in data["hostnames"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def save(self, path: Path) -> None:
        """Raises OSError."""
        known = {name: known.to_json() for name, known in self.known.items()}
        write_atomic(path, json.dumps({"known": known, "hostnames": self.hostnames}, indent=1) + "\n")


def hostname(camera: str, default: str) -> str:
    """A camera's name as a DHCP host name (RFC 1123 §2.1): letters, digits, hyphens; `default` when none is left."""
    plain = unicodedata.normalize("NFKD", camera).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")
    return words[:_MOST_HOSTNAME].rstrip("-") or default


def hostnames(names: Mapping[str, str]) -> dict[str, str]:
    return {mac: word for mac, name in names.items() if (word := hostname(name, ""))}
