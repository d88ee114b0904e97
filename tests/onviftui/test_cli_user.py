"""`onviftui user …` as a process, against the daemon's own methods and files: keys and passwords go one way only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxyd.api.models import Role
from proxyd.api.ssh_passwords import verify_password
from proxyd.api.ssh_users import KEYS_FILE, SshUser
from proxyd.api.ssh_users_folder import read_users
from tests.onviftui.test_cli_process import onviftui
from tests.onviftui.test_ui_users import ANNA, BEN, UsersDaemon
from tests.proxyd.api.test_ssh_users import PASSWORD, key

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[UsersDaemon]:
    async with UsersDaemon(tmp_path, ANNA, BEN) as daemon:
        yield daemon


async def user(daemon: UsersDaemon, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
    code, out, err = await onviftui("--socket", str(daemon.socket), "user", *words, stdin=stdin)
    return code, out.decode(), err


async def test_the_list_has_a_line_per_key(daemon: UsersDaemon) -> None:
    code, out, err = await user(daemon, "list")
    assert (code, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split() == ["NAME", "ROLE", "PASSWORD", "KEY", "COMMENT"]
    assert rows[0].split() == ["anna", "admin", "no", ANNA.keys[0].fingerprint, "anna@laptop", "(ed25519)"]
    assert rows[1].split() == [ANNA.keys[1].fingerprint, "anna@tablet", "(ed25519)"]
    assert rows[2].split()[:4] == ["ben", "viewer", "yes", BEN.keys[0].fingerprint]
    code, out, _ = await user(daemon, "list", "--json")
    assert [one["name"] for one in json.loads(out)["users"]] == ["anna", "ben"]
    assert "scrypt" not in out and ANNA.keys[0].data not in out


async def test_bad_lines_are_told_beside_the_list(daemon: UsersDaemon) -> None:
    with (daemon.folder / KEYS_FILE).open("a") as file:
        file.write(f"{key(7).line()}\n")
    code, out, err = await user(daemon, "list")
    assert code == 0 and "anna" in out
    assert err == "Note: authorized_keys, line 5: The key has no name and no role in front of it. It lets nobody in.\n"


async def test_nobody_yet_says_how_to_begin(tmp_path: Path) -> None:
    async with UsersDaemon(tmp_path) as empty:
        code, out, _ = await user(empty, "list")
        assert code == 0 and "onviftui user add NAME --role admin --key-file FILE.pub" in out


async def test_somebody_is_added_by_a_file_by_standard_input_and_by_a_password(
    daemon: UsersDaemon, tmp_path: Path
) -> None:
    (tmp_path / "cat.pub").write_text(key(11, "cat@home").line() + "\n")
    code, out, _ = await user(daemon, "add", "cat", "--role", "operator", "--key-file", str(tmp_path / "cat.pub"))
    assert (code, out) == (0, "cat (operator) may log in by SSH, with 1 key.\n")
    code, out, _ = await user(daemon, "add", "cat", "--key-stdin", "--json", stdin=key(12).line().encode())
    assert code == 0 and len(json.loads(out)["keys"]) == 2
    code, out, err = await user(daemon, "add", "dan", "--password-stdin", stdin=f"{PASSWORD}\n".encode())
    assert (code, out) == (0, "dan (viewer) may log in by SSH, with a password.\n")
    assert PASSWORD not in out + err
    assert daemon.user("cat") == SshUser("cat", Role.OPERATOR, (key(11, "cat@home"), key(12)))
    assert verify_password(PASSWORD, daemon.user("dan").secret)


async def test_role_key_password_and_removal(daemon: UsersDaemon) -> None:
    assert (await user(daemon, "role", "ben", "operator"))[0] == 0
    code, out, _ = await user(daemon, "password", "ben", "--clear")
    assert (code, out) == (0, "ben has no password any more; logs in with 1 key.\n")
    code, out, _ = await user(daemon, "password", "ben", "--password-stdin", stdin=b"another secret\n")
    assert code == 0 and "1 key or a password" in out
    code, out, _ = await user(daemon, "remove-key", "anna", ANNA.keys[0].fingerprint)
    assert (code, out) == (0, "Removed the key. anna still has 1 key.\n")
    code, out, _ = await user(daemon, "remove", "ben", "--yes")
    assert (code, out) == (0, "ben cannot log in by SSH any more.\n")
    assert [one.name for one in read_users(daemon.folder).users] == ["anna"]


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (("add", "eve"), "", 2, "Give one of: --key-file FILE.pub"),
        (("add", "eve", "--key-stdin", "--password-stdin"), "", 2, "Give one of"),
        (("add", "eve", "--key-stdin"), PRIVATE, 2, "private key"),
        (("add", "eve", "--key-stdin"), "", 2, "no key in it"),
        (("add", "eve", "--key-file", "/nowhere.pub"), "", 2, "Cannot read /nowhere.pub"),
        (("add", "Eve!", "--key-stdin"), key(21).line(), 2, "small letters, digits"),
        (("add", "eve", "--key-stdin"), ANNA.keys[0].line(), 1, "anna has this key already"),
        (("add", "eve", "--password-stdin"), "short\n", 2, "10 to 128 characters"),
        (("role", "anna", "viewer"), "", 1, "anna is the only administrator"),
        (("role", "anna", "king"), "", 2, "invalid choice"),
        (("remove", "anna", "--yes"), "", 1, "anna is the only administrator"),
        (("remove", "ben"), "", 2, "Add --yes"),
        (("remove", "nobody", "--yes"), "", 1, "There is no user nobody."),
        (("remove-key", "ben", BEN.keys[0].fingerprint + "x"), "", 1, "ben has no key"),
        (("password", "ben", "--clear", "--password-stdin"), "", 2, "Give one of them"),
        (("password", "ben"), "", 2, "--password-stdin"),
    ],
)
async def test_what_is_refused_says_why_and_changes_nothing(
    daemon: UsersDaemon, words: tuple[str, ...], stdin: str, code: int, said: str
) -> None:
    before = read_users(daemon.folder)
    ended, out, err = await user(daemon, *words, stdin=stdin.encode())
    assert (ended, out) == (code, "") and said in err
    assert "hunter2" not in err and "short" not in err
    assert read_users(daemon.folder) == before


async def test_a_private_key_is_not_even_sent(daemon: UsersDaemon) -> None:
    await user(daemon, "add", "eve", "--key-stdin", stdin=PRIVATE.encode())
    assert not daemon.called("user.add")
