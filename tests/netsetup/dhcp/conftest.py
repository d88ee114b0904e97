"""One LAN per test that asks for it; skipped with the reason where namespaces are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.netns.lan import Lan, skip_unless_possible


@pytest.fixture
def lan() -> Iterator[Lan]:
    skip_unless_possible()
    with Lan() as made:
        yield made
