"""`netsetup doctor`: every camera examined from the machine itself; the arm answers "doctor" with the same."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from .dhcp.engine import DhcpState
from .model import Finding, Lease, Plan


async def examine(
    plans: Sequence[Plan], leases: Mapping[str, Lease], *, states: Mapping[str, DhcpState] | None = None
) -> list[Finding]:
    """Never raises for what is wrong with the host: that is a finding. `states`: the lease engines', by MAC; None when
    nobody asks who holds the leases. Changes nothing; takes at most a few seconds whatever the number of cameras."""
    raise NotImplementedError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    raise NotImplementedError
