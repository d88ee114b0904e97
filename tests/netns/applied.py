"""netsetup on the LAN's host, as an installer calls it: plan, apply, status, remove, with the state in a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from .lan import PATIENCE_S, ROUTER, Lan
from .recipe import Camera


@dataclass
class Netsetup:
    lan: Lan
    state: Path

    def __call__(
        self, *words: str | Path, check: bool = True, timeout: float = 2 * PATIENCE_S
    ) -> CompletedProcess[str]:
        """`netsetup WORDS… --state DIR` on the host."""
        argv = [sys.executable, "-m", "netsetup", *words, "--state", self.state]
        return self.lan.host.run(argv, check=check, timeout=timeout)

    def apply(self, count: int, *words: str, parent: str = "eth0", first: str = "10.77.0.101/24") -> list[Camera]:
        """Static addresses, which nobody is asked about (that takes seconds); the cameras as they are kept."""
        how = ["--parent", parent, "--count", str(count), "--static", first, "--gateway", ROUTER]
        self("apply", *how, "--yes", "--no-probe", *words)
        return self.cameras()

    def again(self, *, check: bool = True) -> CompletedProcess[str]:
        """Puts everything right that is not as planned."""
        return self("apply", "--yes", "--no-probe", check=check)

    def plans(self) -> Sequence[Any]:
        """As they are kept."""
        plans: Sequence[Any] = json.loads((self.state / "plans.json").read_text())["plans"]
        return plans

    def cameras(self) -> list[Camera]:
        """Of static plans."""
        return [
            Camera(slot["name"], slot["mac"], slot["address"].split("/")[0])
            for plan in self.plans()
            for slot in plan["slots"]
        ]
