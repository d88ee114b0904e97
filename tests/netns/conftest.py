"""A LAN for each test that asks for it, and a machine with systemd there; skipped with the reason where refused."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .booted import Booted, skip_unless_bootable
from .lan import Lan, skip_unless_possible


@pytest.fixture
def lan() -> Iterator[Lan]:
    skip_unless_possible()
    with Lan() as made:
        yield made


@pytest.fixture
def machine(lan: Lan) -> Iterator[Booted]:
    """Booted."""
    skip_unless_bootable()
    with tempfile.TemporaryDirectory(prefix="sd-") as folder:
        made = Booted(lan, Path(folder))
        try:
            made.boot()
            yield made
        finally:
            made.close()
