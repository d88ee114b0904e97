"""The arm examines the network for everybody who may look: one examination at a time, since it sends ARP requests."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from proxyd.links.arm import ArmClient


class Examining:
    """Those who ask while it examines share the next examination, so asking often costs no more than asking once."""

    def __init__(self, arm: ArmClient | None) -> None:
        self._arm = arm
        self._turn = asyncio.Lock()
        self._began = -1.0  # time.monotonic() when the last one that was answered began
        self._answer: dict[str, Any] = {}

    async def answer(self) -> dict[str, Any] | None:
        """The arm's answer to "doctor", of an examination that began after this was called; None without an arm.
        Raises ArmUnreachable, ArmError."""
        if self._arm is None:
            return None
        asked = time.monotonic()
        async with self._turn:
            if self._began < asked:
                began = time.monotonic()
                self._answer = await self._arm.call("doctor")
                self._began = began
            return self._answer
