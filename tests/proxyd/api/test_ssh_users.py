"""Who may log in by SSH: keys, passwords and the files they are kept in."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from proxyd.api.ssh_keys import KINDS, MAX_COMMENT, SshKey, UnfitKey, parse_key, parse_key_line
from proxyd.api.ssh_passwords import SALT_BYTES, hash_password, parse_hash, verify_password, why_unfit
from proxyd.api.ssh_users import (
    KEYS_HEAD,
    MAX_FILE,
    MAX_KEYS_PER_USER,
    MAX_USERS,
    SshUser,
    SshUsers,
    is_name,
    parse_users,
)
from proxyd.api.ssh_users_folder import SYSTEM_USERS, read_users, users_dir
from proxyd.api.states import Role
from proxyd.errors import ProxyError

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD, b"s" * SALT_BYTES)


def public_line(key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey, comment: str = "") -> str:
    raw = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    return f"{raw} {comment}".strip()


def key(number: int, comment: str = "") -> SshKey:
    """The public key of a private one that is nothing but its number: quick, and always the same."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
    return parse_key(public_line(private.public_key(), comment))


ANNA = SshUser("anna", Role.ADMIN, (key(1, "anna@laptop"), key(2)))
BEN = SshUser("ben", Role.VIEWER, (key(3),), HASH)
CAT = SshUser("cat.2", Role.OPERATOR, (), HASH)
ALL = SshUsers((ANNA, BEN, CAT))


def line(name: str, role: str, made: SshKey) -> str:
    return f'environment="ONVIFTUI_USER={name}",environment="ONVIFTUI_ROLE={role}" {made.line()}'


def blob(*parts: bytes) -> str:
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


SK_ED25519 = f"sk-ssh-ed25519@openssh.com {blob(b'sk-ssh-ed25519@openssh.com', bytes(32), b'ssh:')}"
SK_ECDSA = "sk-ecdsa-sha2-nistp256@openssh.com " + blob(
    b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b"\x04" + bytes(64), b"ssh:"
)


def test_keys_of_every_kind_are_read() -> None:
    made = key(1, "anna@laptop")
    assert made.comment == "anna@laptop"
    # What ssh-keygen -l says of this key.
    assert made.fingerprint == "SHA256:mXhe4VT8IZgX1fUCWPH5SZ3xupG1AvwouipH1zOKCA0"
    curves = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
    lines = [public_line(ec.generate_private_key(curve).public_key()) for curve in curves]
    lines += [public_line(rsa.generate_private_key(65537, 2048).public_key(), "a b"), SK_ED25519, SK_ECDSA]
    assert {parse_key(f"# from a file\n\n{line}\r\n").kind for line in lines} | {made.kind} == set(KINDS)
    assert all(parse_key(line).line() == line for line in lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0", "private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nc2VjcmV0", "private key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "PuTTYgen"),
        (key(1).line() + "\n" + key(2).line(), "several"),
        ("ssh-dss " + blob(b"ssh-dss", b"1"), "DSA"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
        ("no-pty " + key(1).line(), "not a public key of a kind"),
        ('from="10.0.0.1" ' + key(1).line(), "before the key"),
        ("hello", "not a public key of a kind"),
        ("ssh-ed25519", "damaged"),
        ("ssh-ed25519 AAAA", "damaged"),
        ("ssh-ed25519 *", "not base64"),
        ("ssh-ed25519 é", "not base64"),
        ("ssh-ed25519 " + blob(b"ssh-ed25519", bytes(31)), "damaged"),
        ("ssh-ed25519 " + blob(b"ssh-ed25519", bytes(32), b"more"), "damaged"),
        ("ssh-ed25519 " + blob(b"ssh-rsa", b"\x01", b"\x7f" * 256), "damaged"),
        ("ssh-rsa " + blob(b"ssh-rsa", b"\x01\x00\x01", b"\x7f" * 128), "1023 bits is too weak"),
        ("ssh-rsa " + blob(b"ssh-rsa", b"\x01\x00\x01", b"\x7f" * 4096), "damaged"),
        ("ecdsa-sha2-nistp256 " + blob(b"ecdsa-sha2-nistp256", b"nistp384", b"\x04" + bytes(64)), "damaged"),
        ("ecdsa-sha2-nistp256 " + blob(b"ecdsa-sha2-nistp256", b"nistp256", bytes(65)), "damaged"),
        ("ecdsa-sha2-nistp256 " + blob(b"ecdsa-sha2-nistp256", b"nistp256", b""), "damaged"),
        (key(1).line() + " " + "x" * (MAX_COMMENT + 1), "comment"),
        (key(1).line() + " \x1b[2J", "comment"),
        ("ssh-ed25519 " + "A" * 20_000, "16 kB"),
    ],
)
def test_other_keys_are_refused_with_the_reason_and_never_repeated(text: str, words: str) -> None:
    with pytest.raises(UnfitKey, match=words) as error:
        parse_key(text)
    assert error.value.hint
    assert "c2VjcmV0" not in error.value.message + error.value.hint


@given(st.text())
def test_any_text_is_a_key_or_refused(text: str) -> None:
    for line in (text, f"ssh-ed25519 {text}"):
        try:
            assert parse_key(line).fingerprint
        except UnfitKey as error:
            assert error.message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_key_or_refused(raw: bytes) -> None:
    for kind in KINDS:
        line = f"{kind} {base64.b64encode(raw).decode()}"
        try:
            assert parse_key_line(line).line() == line
        except UnfitKey as error:
            assert error.message


def test_a_password_is_known_again_and_no_other() -> None:
    assert verify_password(PASSWORD, HASH)
    assert not verify_password(PASSWORD + "!", HASH)
    assert not verify_password(PASSWORD, None)
    assert not verify_password("", None)
    assert parse_hash(HASH.text()) == HASH
    assert PASSWORD not in HASH.text()
    assert repr(HASH) == "PasswordHash()"
    accented = hash_password("caf\u00e9 caf\u00e9", bytes(SALT_BYTES))
    assert verify_password("cafe\u0301 cafe\u0301", accented)  # as another system writes the same letters
    long = hash_password("x" * 128, bytes(SALT_BYTES))
    assert verify_password("x" * 128, long)
    assert not verify_password("x" * 129, long)


def test_passwords_that_are_too_short_too_long_or_cannot_be_typed_are_refused() -> None:
    assert why_unfit("nine char") == why_unfit("x" * 129) == "must have 10 to 128 characters"
    assert "control" in why_unfit("0123456789\n")
    assert why_unfit("0123456789") == ""


@given(st.text(max_size=120))
def test_any_text_is_a_hash_as_we_write_it_or_refused(text: str) -> None:
    for candidate in (text, HASH.text()[: len(text)], f"scrypt$32768$8$3${text}"):
        try:
            read = parse_hash(candidate)
        except ValueError as error:
            assert "is" in str(error)
        else:
            assert read.text() == candidate


def test_users_are_the_same_after_they_were_written_and_read() -> None:
    keys, passwords = ALL.keys_text(), ALL.passwords_text()
    assert keys.startswith(KEYS_HEAD)
    again = parse_users(keys, passwords)
    assert set(again.users) == set(ALL.users)
    assert again.problems == ()
    assert (again.keys_text(), again.passwords_text()) == (keys, passwords)


def test_each_bad_line_costs_itself_alone_and_is_explained() -> None:
    bad = {
        key(9).line(): "no name and no role",
        "garbage": "not understood",
        line("anna", "king", key(9)): "viewer, operator, admin",
        line("Anna", "admin", key(9)): "small letters",
        line("anna", "admin", key(9)).replace("environment", "command"): "not understood",
        f"no-pty,{line('anna', 'admin', key(9))}": "not understood",
        line("anna", "admin", key(9)).replace(" ", ',from="10.0.0.0/8" ', 1): "not understood",
        line("anna", "admin", key(9)).replace("ROLE=admin", "USER=eve"): "twice",
        line("eve", "admin", key(1)): "there already, as anna's",
        line("eve", "admin", key(9))[:-3]: "not base64",
        line("eve", "admin", key(9)) + "x" * 20_000: "16 kB",
    }
    text = "\n".join([line("anna", "admin", key(1)), *bad, "# a comment", "", line("ben", "viewer", key(2))])
    read = parse_users(text)
    assert read.users == (SshUser("anna", Role.ADMIN, (key(1),)), SshUser("ben", Role.VIEWER, (key(2),)))
    for number, (problem, words) in enumerate(zip(read.problems, bad.values(), strict=True), 2):
        assert (problem.file, problem.line) == ("authorized_keys", number)
        assert words in problem.text and key(9).data not in problem.text
    assert read.other_keys == (*(f"# not used: {each}" for each in bad), "# a comment")
    again = parse_users(read.keys_text())
    assert again.other_keys == read.other_keys
    assert len(again.problems) == len(bad)


def test_a_line_that_let_nobody_in_never_begins_to() -> None:
    """Here eve's line has anna's key: it must not become eve's when anna goes."""
    read = parse_users("\n".join((line("anna", "viewer", key(1)), line("eve", "admin", key(1)))))
    assert parse_users(read.without_user("anna").keys_text()).users == ()
    assert [user.name for user in parse_users(read.keys_text()).users] == ["anna"]


def test_bad_lines_among_passwords() -> None:
    good = f"ben:viewer:{HASH.text()}"
    bad = ["ben", "ben:viewer", "ben:viewer:x", f"Ben:viewer:{HASH.text()}", f"x:king:{HASH.text()}", good]
    read = parse_users("", "\n".join([good, *bad]))
    assert read.users == (SshUser("ben", Role.VIEWER, (), HASH),)
    assert [problem.line for problem in read.problems] == [2, 3, 4, 5, 6, 7]
    assert not any(HASH.text() in str(problem) for problem in read.problems)


def test_the_least_of_several_roles_counts() -> None:
    read = parse_users(
        "\n".join((line("anna", "admin", key(1)), line("anna", "operator", key(2)))), f"anna:admin:{HASH.text()}"
    )
    assert read.users == (SshUser("anna", Role.OPERATOR, (key(1), key(2)), HASH),)
    assert [str(problem) for problem in read.problems] == [
        "authorized_keys, line 2: anna is admin in one line and operator in another; operator counts.",
        "passwords, line 1: anna is operator in one line and admin in another; operator counts.",
    ]


def test_limits_on_users_and_keys() -> None:
    crowd = [line(f"u{n}", "viewer", key(n + 1)) for n in range(MAX_USERS + 1)]
    read = parse_users("\n".join(crowd))
    assert len(read.users) == MAX_USERS and f"{MAX_USERS} users" in read.problems[0].text
    read = parse_users("\n".join(line("u", "viewer", key(n + 1)) for n in range(MAX_KEYS_PER_USER + 1)))
    assert len(read.users[0].keys) == MAX_KEYS_PER_USER and "16 keys" in read.problems[0].text


@given(st.text(), st.text())
def test_any_text_is_read(keys: str, passwords: str) -> None:
    read = parse_users(keys + "\n" + line("anna", "admin", key(1)), passwords)
    assert read.get("anna") is not None
    again = parse_users(read.keys_text(), read.passwords_text())
    assert again.users == read.users


def test_names_may_be_names_of_files() -> None:
    assert all(is_name(name) for name in ("anna", "a", "a.b-c_1", "7", "x" * 32))
    assert not any(is_name(name) for name in ("", ".", "..", "-a", "A", "a b", "a/b", "x" * 33, "a\n", "é"))


def test_daemon_and_ssh_server_look_in_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONVIFTUI_USERS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    monkeypatch.setenv("XDG_DATA_HOME", "/home/anna/data")
    assert users_dir(Path("/run/proxyd/proxyd.sock")) == SYSTEM_USERS
    assert users_dir(Path("/run/user/7/proxyd/proxyd.sock")) == Path("/home/anna/data/onviftui")
    assert users_dir(tmp_path / "x.sock") == tmp_path / "users"
    monkeypatch.setenv("ONVIFTUI_USERS", "/somewhere")
    assert users_dir(Path("/run/proxyd/proxyd.sock")) == Path("/somewhere")


def test_files_are_read_empty_when_absent_and_refused_when_too_large(tmp_path: Path) -> None:
    assert read_users(tmp_path) == SshUsers()
    (tmp_path / "passwords").write_bytes(b"\xff\n" + ALL.passwords_text().encode())
    assert [user.name for user in read_users(tmp_path).users] == ["ben", "cat.2"]
    (tmp_path / "authorized_keys").write_text("#" * (MAX_FILE + 1))
    with pytest.raises(ProxyError, match="more than 256 kB"):
        read_users(tmp_path)
    (tmp_path / "authorized_keys").unlink()
    (tmp_path / "authorized_keys").mkdir()
    with pytest.raises(ProxyError, match=r"Cannot read .*authorized_keys"):
        read_users(tmp_path)
