"""Whom a camera refuses now, and what to do about it: the answer to a recorder's "Invalid credentials". Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxyd.api.models import TraceEntry


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recorder that was refused and has not signed in since."""

    host: str
    reason: str

    @property
    def is_account(self) -> bool:
        return not self.is_clock and ("password" in self.reason or "user name" in self.reason)

    @property
    def is_clock(self) -> bool:
        return "clock" in self.reason


def newest_refusal(trace: Sequence[TraceEntry]) -> Refusal | None:
    """`trace` is oldest first. Exchanges that need no account say nothing about one."""
    judged: set[str] = set()
    for entry in reversed(trace):
        if entry.protocol == "discovery" or (entry.ok and not entry.auth):
            continue
        host = entry.client.rsplit(":", 1)[0] if entry.client.count(":") == 1 else entry.client
        if host in judged:
            continue
        if not entry.ok:
            return Refusal(host, entry.reason or "no reason was kept")
        judged.add(host)
    return None


def refusal_words(refusal: Refusal, account: str) -> str:
    """What happened and what to do; `account` says where this camera's user and password are shown."""
    said = f"{refusal.host} was refused: {refusal.reason}."
    if refusal.is_clock:
        return f"{said} Set the clock of the recorder and of this machine."
    if refusal.is_account:
        return f"{said} Type this camera's own user and password into it, not the NVR's: {account}."
    return said
