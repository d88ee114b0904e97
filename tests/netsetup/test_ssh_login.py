"""The first administrator's key: taken once, by its shape, in the form that the daemon reads."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from netsetup import cli
from netsetup.admin_key import HEAD, KEYS, USERS, admin_name, first_admin, has_users, with_line
from netsetup.errors import BadRequest
from proxyd.api.ssh_users import KEYS_FILE, KEYS_HEAD, SshUser, SshUsers, parse_users
from proxyd.api.ssh_users_folder import SYSTEM_USERS
from proxyd.api.states import Role
from tests.proxyd.api.test_ssh_users import SK_ECDSA, SK_ED25519, key


def install(root: Path, *options: str) -> int:
    return cli.main(["install", "--root", str(root), "--parent", "eth0", "--yes", *options])


def written(root: Path) -> str:
    return (root / KEYS.lstrip("/")).read_text()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "id.pub"
    path.write_text(key(1, "anna@laptop").line() + "\n")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_the_contract_with_the_daemon() -> None:
    assert Path(USERS) == SYSTEM_USERS and Path(KEYS) == SYSTEM_USERS / KEYS_FILE
    anna = SshUser("anna", Role.ADMIN, (key(1, "anna@laptop"),))
    assert HEAD == KEYS_HEAD
    assert with_line(None, first_admin(key(1, "anna@laptop").line() + "\n", "anna")) == SshUsers((anna,)).keys_text()
    for line in (SK_ED25519, SK_ECDSA, key(2).line(), "# mine\n" + key(3, "a  b c").line()):
        read = parse_users(with_line(None, first_admin(line, "anna")))
        assert read.problems == () and read.users[0].role is Role.ADMIN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n",
        "PuTTY-User-Key-File-3: ssh-ed25519\n",
        key(1).line() + "\n" + key(2).line(),
        'command="/bin/sh" ' + key(1).line(),
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-rsa " + key(1).data,
        "ssh-dss " + key(1).data,
        key(1).line() + ' "\x07',
        "ssh-ed25519 c2VjcmV0" + "A" * 17_000,
    ],
)
def test_what_is_no_public_key_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(BadRequest) as error:
        first_admin(text, "anna")
    assert "c2VjcmV0" not in f"{error.value.message} {error.value.hint}"


def test_the_name_is_what_was_asked_for_else_whoever_called_sudo_where_it_fits() -> None:
    assert admin_name("otto", "anna") == "otto"
    assert admin_name("", "anna") == "anna"
    assert admin_name("", "") == admin_name("", "Anna Alt") == "admin"
    with pytest.raises(BadRequest):
        admin_name("../x", "")


def test_an_installation_with_a_key_says_how_to_log_in(
    root: Path, key_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "anna")
    assert install(root, "--admin-key", str(key_file)) == 0
    said = capsys.readouterr().out
    assert f"write {KEYS}" in said and "Log in by SSH: ssh -p 2222 cameras@" in said
    assert parse_users(written(root)).users == (SshUser("anna", Role.ADMIN, (key(1, "anna@laptop"),)),)
    assert (root / KEYS.lstrip("/")).stat().st_mode & 0o777 == 0o640
    assert (root / "etc/systemd/system/multi-user.target.wants/onviftui-ssh.service").is_symlink()


def test_a_key_from_standard_input(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(key(5).line() + "\n"))
    assert install(root, "--admin-key", "-", "--admin-name", "otto") == 0
    assert [user.name for user in parse_users(written(root)).users] == ["otto"]


def test_only_the_first_one_is_written(root: Path, key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(root, "--admin-key", str(key_file)) == 0
    before = written(root)
    key_file.write_text(key(2).line())
    capsys.readouterr()
    assert install(root, "--admin-key", str(key_file), "--detailed-exitcode") == 0
    said = capsys.readouterr().out
    assert "Everything is installed." in said and "another one: onviftui user add NAME" in said
    assert written(root) == before


def test_what_stands_in_the_file_stays(root: Path, key_file: Path) -> None:
    place = root / KEYS.lstrip("/")
    place.parent.mkdir(parents=True)
    place.write_text("# from the workshop")
    assert install(root, "--admin-key", str(key_file)) == 0
    assert place.read_text().startswith("# from the workshop\nenvironment=")
    assert has_users(place.read_text()) and not has_users("# from the workshop\n")


def test_without_a_key_it_says_how_to_add_the_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(root) == 0
    assert "The first one: onviftui user add NAME --role admin --key-file FILE.pub" in capsys.readouterr().out
    assert not (root / "var").exists()


def test_the_ssh_server_can_be_left_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(root, "--no-ssh") == 0
    units = {path.name for path in (root / "etc/systemd/system").glob("*.service")}
    assert units == {"netsetup.service", "proxyd.service"}
    assert "SSH" not in capsys.readouterr().out


def test_uninstalling_keeps_users_and_host_key_until_a_purge(
    root: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(root, "--admin-key", str(key_file)) == 0
    host_key = root / "var/lib/onviftui-ssh/ssh_host_ed25519_key"
    host_key.parent.mkdir()
    host_key.write_text("x")
    assert cli.main(["uninstall", "--root", str(root), "--yes"]) == 0
    assert "those who log in by SSH stay" in capsys.readouterr().out
    assert host_key.exists() and (root / KEYS.lstrip("/")).exists()
    assert not (root / "etc/systemd/system/onviftui-ssh.service").exists()
    assert cli.main(["uninstall", "--root", str(root), "--yes", "--purge", "--json"]) == 0
    removed = json.loads(capsys.readouterr().out)["changes"]
    assert "remove /var/lib/onviftui with everything in it" in removed
    assert not host_key.exists() and not (root / KEYS.lstrip("/")).exists()


@pytest.mark.parametrize(
    "options", [["--admin-key", "/nowhere"], ["--admin-name", "anna"], ["--no-ssh", "--admin-key", "/nowhere"]]
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    root: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(root, *options) == 1
    assert "admin-key" in capsys.readouterr().err or "/nowhere" in options
    assert list(root.iterdir()) == []
