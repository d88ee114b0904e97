"""Who keeps his session when the users' files change, or cannot be read."""

from __future__ import annotations

import pytest

from onviftui.ssh.login import CHANGED, UNREADABLE, Identity, Logins
from onviftui.ssh.settings import Settings
from proxyd.api.ssh_users import Problem, SshUser, SshUsers
from proxyd.api.states import Role
from proxyd.errors import ProxyError

ANNA = SshUser("anna", Role.ADMIN)
OLGA = SshUser("olga", Role.VIEWER)
DAMAGED = SshUsers(problems=(Problem("authorized_keys", 1, "This is no key."),))


class Files:
    """What is read; an error while there is none."""

    def __init__(self, *users: SshUser) -> None:
        self.now: SshUsers | None = SshUsers(users)

    def read(self) -> SshUsers:
        if self.now is None:
            raise ProxyError("Cannot read it.")
        return self.now


def why(logins: Logins, name: str, role: Role) -> str:
    return logins.why_not(Identity(name, role, "key"), logins.look())


def test_who_is_taken_out_or_may_do_less_goes() -> None:
    files = Files(ANNA, OLGA)
    logins = Logins(Settings(), files.read)
    assert why(logins, "anna", Role.ADMIN) == ""
    assert why(logins, "olga", Role.OPERATOR) == CHANGED
    assert why(logins, "vic", Role.VIEWER) == CHANGED
    files.now = SshUsers()  # everybody, on purpose
    assert why(logins, "anna", Role.ADMIN) == CHANGED


@pytest.mark.parametrize("damaged", [None, DAMAGED])
def test_who_is_in_stays_for_a_while_when_nothing_can_be_read(
    damaged: SshUsers | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    files = Files(ANNA)
    logins = Logins(Settings(unreadable_s=600), files.read)
    assert [user.name for user in logins.users().users] == ["anna"]
    files.now = damaged
    assert logins.users().users == (), "nobody logs in"
    assert why(logins, "anna", Role.ADMIN) == ""
    now += 599
    assert why(logins, "anna", Role.ADMIN) == ""
    now += 1
    assert why(logins, "anna", Role.ADMIN) == UNREADABLE
    files.now = SshUsers((ANNA,))
    assert why(logins, "anna", Role.ADMIN) == ""
    files.now = damaged
    assert why(logins, "anna", Role.ADMIN) == "", "the time counts anew"
