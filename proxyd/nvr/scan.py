"""Reading an NVR: its identity, its channels and their addresses, with progress and a partial result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proxyd.camera.spec import NvrAccess
from proxyd.errors import UpstreamUnreachable
from proxyd.nvr.result import DeviceIdentity, ScannedChannel, ScanProgress, ScanResult


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """`parallel` calls at once for stream and snapshot addresses; one call, and the whole scan, have a deadline."""

    parallel: int = 3
    call_timeout_s: float = 20
    overall_timeout_s: float = 900


DEFAULT_SETTINGS = ScanSettings()


async def scan(
    access: NvrAccess,
    *,
    on_progress: Callable[[ScanProgress], None],
    on_channel: Callable[[ScannedChannel], None],
    settings: ScanSettings = DEFAULT_SETTINGS,
) -> ScanResult:
    """Read everything. `on_channel` is called once per channel, when its addresses are read.

    Raises UpstreamError; nothing is retried after a refused password.
    """
    raise UpstreamUnreachable(f"{access.host}:{access.port}: not implemented yet.")


async def test(access: NvrAccess, timeout_s: float = 15) -> DeviceIdentity:
    """Check reach, clock, password and number of channels. Raises UpstreamError in words."""
    raise UpstreamUnreachable(f"{access.host}:{access.port}: not implemented yet.")


async def check_alive(access: NvrAccess, timeout_s: float = 5) -> None:
    """Does it answer at all? Without credentials. Raises UpstreamUnreachable."""
    raise UpstreamUnreachable(f"{access.host}:{access.port}: not implemented yet.")
