"""Who may have a stored password sent where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxyd.api import models as m
from proxyd.errors import NotAllowed
from proxyd.nvr.refused_tries import RefusedTries
from proxyd.rpc.access import Caller
from proxyd.rpc.nvr_methods import NvrMethods
from proxyd.store.secrets import Secrets
from proxyd.store.store import Store
from tests.proxyd.nvr.odd_device import OddDevice

OPERATOR, ADMIN = Caller(1000, "ollie", m.Role.OPERATOR), Caller(0, "root", m.Role.ADMIN)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "proxyd.db", Secrets.load(tmp_path / "keys" / "proxyd.key"))
    yield store
    await store.close()


async def test_an_operator_does_not_choose_where_a_stored_password_goes(store: Store) -> None:
    parts = SimpleNamespace(store=store, refuse_own_camera=lambda host: None, refused_tries=RefusedTries())
    methods = NvrMethods(cast(Any, parts))
    async with OddDevice() as stranger:
        row = await store.add_nvr(host="192.0.2.1", port=80, username="admin", password="stored", name="Garage")
        there = {"host": stranger.access.host, "port": stranger.port}
        for part in (there, {"host": there["host"]}, {"port": there["port"]}):
            with pytest.raises(NotAllowed, match="stored password at another address"):
                await methods.nvr_test(m.NvrTestParams.model_validate({"id": row.id, **part}), OPERATOR)
        assert not stranger.requests
        typed = m.NvrTestParams.model_validate({"id": row.id, "password": "typed", **there})
        assert (await methods.nvr_test(typed, OPERATOR)).ok
        assert (await methods.nvr_test(m.NvrTestParams.model_validate({"id": row.id, **there}), ADMIN)).ok
