"""The state folder: plans, leases, journal and the lock that everyone who changes the kernel or the plans must hold.

Protocol for writers (command line and arm alike): `async with state.lock():` read the plans, converge, save the plans.
Readers need no lock: every file is replaced as a whole.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from .disk import cannot_write, give_to_owner_of, read_file, trust_folder, write_atomic
from .errors import NetsetupError
from .model import Lease, Plan

DEFAULT_STATE = Path("/var/lib/netsetup")
_LARGEST = 4_000_000
_POLL_S = 0.02
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class StateDir:
    """Folder 0700, files 0600. Made when first written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def journal(self) -> Path:
        """For `converge` and Journal."""
        return self.path / "journal"

    def plans(self) -> tuple[Plan, ...]:
        """() when there are none yet. Raises NetsetupError for a damaged file."""
        data = self._read("plans.json")
        try:
            return tuple(Plan.from_json(plan) for plan in data["plans"]) if data else ()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged("plans.json") from error

    def has_plans(self) -> bool:
        """Whether they were saved once, be they none."""
        return os.path.lexists(self.path / "plans.json")

    def save_plans(self, plans: Iterable[Plan]) -> None:
        self._write("plans.json", {"plans": [plan.to_json() for plan in plans]})

    def leases(self) -> dict[str, Lease]:
        """By MAC. A damaged file counts as empty: the DHCP servers know better anyway. When the realtime clock was set
        since then (a Raspberry Pi has none of its own), the leases are told in the new time, as long as the machine
        was not started anew."""
        try:
            data = self._read("leases.json")
            if not data:
                return {}
            same_life = data.get("boot") and data["boot"] == _boot()
            set_by_s = _ahead_s() - float(data["ahead_s"]) if same_life else 0.0
            return {lease["mac"]: _lease(lease, set_by_s) for lease in data["leases"]}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, NetsetupError):
            return {}

    def save_leases(self, leases: Mapping[str, Lease]) -> None:
        rows = []
        for _, lease in sorted(leases.items()):
            row = asdict(lease)
            rows.append(row | {k: str(row[k]) for k in ("address", "gateway", "server") if row[k] is not None})
        self._write("leases.json", {"boot": _boot(), "ahead_s": _ahead_s(), "leases": rows})

    @asynccontextmanager
    async def lock(self, timeout_s: float = 60.0) -> AsyncIterator[None]:
        """Among processes (flock). Raises NetsetupError when another one keeps it for too long."""
        try:
            self._make()
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        try:
            give_to_owner_of(self.path, descriptor)
            try:
                async with asyncio.timeout(timeout_s):
                    while not _locked(descriptor):  # noqa: ASYNC110 — flock cannot be waited for otherwise
                        await asyncio.sleep(_POLL_S)
            except TimeoutError:
                raise NetsetupError(
                    f"Another netsetup is at work in {self.path} and does not finish.",
                    "See `systemctl status netsetup`, then try again.",
                ) from None
            yield
        finally:
            os.close(descriptor)

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        trust_folder(self.path)

    def _read(self, name: str) -> Any:
        trust_folder(self.path)
        try:
            text = read_file(self.path / name, _LARGEST)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise NetsetupError(f"{self.path / name} may not be read.", "Try it as root.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(name) from error
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> NetsetupError:
        return NetsetupError(
            f"{self.path / name} is damaged.",
            "Move it away; `netsetup apply` then makes a new one with the same MAC addresses.",
        )

    def _write(self, name: str, data: Any) -> None:
        self._make()
        write_atomic(self.path / name, json.dumps(data, indent=1) + "\n")


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _boot() -> str:
    """Another one after each start of the machine; "" where the kernel does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _ahead_s() -> float:
    """What CLOCK_REALTIME, which people and NTP set, is ahead of the time since the machine's start."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _lease(row: Mapping[str, Any], set_by_s: float) -> Lease:
    return Lease(
        str(row["mac"]),
        IPv4Interface(row["address"]),
        IPv4Address(row["gateway"]) if row["gateway"] else None,
        IPv4Address(row["server"]),
        *(float(row[key]) + set_by_s for key in ("obtained", "t1", "t2", "expires")),
    )
