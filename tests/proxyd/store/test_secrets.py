"""The key file, its loss, its rotation; nothing readable in the database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from proxyd.errors import StoreError
from proxyd.store.camera_changes import CameraChange
from proxyd.store.secrets import CREDENTIAL_NAME, Secrets
from proxyd.store.store import Store

from .builders import add_nvr, channel, interfaces, scan


def test_a_key_file_is_made_private_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "proxyd.key"
    token = Secrets.load(path).encrypt("täst")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Secrets.load(path).decrypt(token) == "täst"
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_key_is_not_replaced_when_a_database_exists(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="missing") as caught:
        Secrets.load(tmp_path / "proxyd.key", create=False)
    assert "backup" in caught.value.hint
    assert not (tmp_path / "proxyd.key").exists()


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "proxyd.key"
    Secrets.load(path)
    path.chmod(0o640)
    with pytest.raises(StoreError, match="Others may read") as caught:
        Secrets.load(path)
    assert caught.value.hint == f"Run: chmod 600 {path}"


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"not a key\n", b"\xff\x00", b"A" * 20_000])
def test_a_damaged_key_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "proxyd.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StoreError, match="is damaged"):
        Secrets.load(path)


def test_a_systemd_credential_goes_before_the_file(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    (tmp_path / CREDENTIAL_NAME).write_text(key + "\n")
    (tmp_path / CREDENTIAL_NAME).chmod(0o440)
    secrets = Secrets.load(tmp_path / "unused.key", credentials_directory=tmp_path)
    assert Fernet(key).decrypt(secrets.encrypt("x").encode()) == b"x"
    assert not (tmp_path / "unused.key").exists()


def test_without_a_credential_the_file_is_used(tmp_path: Path) -> None:
    Secrets.load(tmp_path / "proxyd.key", credentials_directory=tmp_path / "nothing")
    assert (tmp_path / "proxyd.key").exists()


def test_repr_and_errors_hold_no_key(tmp_path: Path) -> None:
    secrets = Secrets.load(tmp_path / "proxyd.key")
    key = (tmp_path / "proxyd.key").read_text().split()[-1]
    assert key not in repr(secrets)
    with pytest.raises(StoreError) as caught:
        secrets.decrypt(Fernet(Fernet.generate_key()).encrypt(b"x").decode())
    assert key not in str(caught.value)


async def test_the_wrong_key_is_noticed_at_once(database: Path, secrets: Secrets, store: Store) -> None:
    await store.close()
    with pytest.raises(StoreError, match="does not fit") as caught:
        await Store.open(database, Secrets([Fernet.generate_key().decode()]))
    assert "Put back the key file" in caught.value.hint
    again = await Store.open(database, secrets)
    await again.close()


async def test_rotation_renews_everything_and_survives_a_stop_in_between(
    tmp_path: Path, database: Path, secrets: Secrets, store: Store
) -> None:
    key_file = tmp_path / "keys" / "proxyd.key"
    nvr = await add_nvr(store)
    await store.register_interfaces(interfaces(1))
    await scan(store, nvr.id, [channel(1)])
    await store.change_camera(CameraChange(1, username="own", password="own-secret-1"))
    before = await store.cameras(), await store.default_credentials()

    both = secrets.add_key(key_file)
    assert Secrets.load(key_file).decrypt(secrets.encrypt("old")) == "old"  # a stop here loses nothing
    await store.rotate_secrets(both)
    newest = both.forget_old_keys(key_file)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    await store.close()

    reopened = await Store.open(database, newest)
    try:
        assert (await reopened.cameras(), await reopened.default_credentials()) == before
    finally:
        await reopened.close()
    with pytest.raises(StoreError, match="does not fit"):
        await Store.open(database, secrets)


async def test_no_secret_is_readable_in_any_file(tmp_path: Path, database: Path, store: Store) -> None:
    nvr = await add_nvr(store)
    await scan(store, nvr.id, [channel(1)])
    await store.change_camera(CameraChange(1, username="own", password="own-secret-1"))
    _, default_password = await store.default_credentials()
    await store.backup(tmp_path / "copy.db")
    camera = await store.camera(1)
    shown = repr(camera) + repr(await store.nvrs()) + repr(await store.interfaces())
    on_disk = b"".join(path.read_bytes() for path in [*database.parent.iterdir(), tmp_path / "copy.db"])
    assert b"Camera 1" in on_disk, "the search can find things"
    for secret in ("nvr-secret-1", "own-secret-1", "hunter2", default_password):
        assert secret.encode() not in on_disk
        assert secret not in shown
    assert camera.streams[0].upstream_url is not None
    assert "hunter2" in camera.streams[0].upstream_url
