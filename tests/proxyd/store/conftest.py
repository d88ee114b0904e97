"""An open store on a temporary file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from proxyd.store.secrets import Secrets
from proxyd.store.store import Store


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets.load(tmp_path / "keys" / "proxyd.key")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "proxyd.db"


@pytest_asyncio.fixture
async def store(database: Path, secrets: Secrets) -> AsyncIterator[Store]:
    store = await Store.open(database, secrets)
    try:
        yield store
    finally:
        await store.close()
