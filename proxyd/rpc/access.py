"""Who is at the other end of the Unix socket, and what may he do.

The socket's mode (0660, group proxyd) decides who may connect at all; `[access]` in the config can hold users of that
group to less than admin. Source of the identity: SO_PEERCRED, unix(7).
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from proxyd.api.models import Role
from proxyd.errors import NotAllowed

_ORDER = list(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` goes into the audit log; `person` is who logged in by SSH, "" for one who came by himself."""

    uid: int
    name: str
    role: Role
    person: str = ""

    def acting_for(self, name: str, role: Role) -> Caller:
        """The same connection from now on: somebody else's calls, with no more rights than this user has himself."""
        return Caller(self.uid, f"{name} via {self.name}", min(self.role, role, key=_ORDER.index), name)

    def require(self, role: Role, method: str) -> None:
        """Raises NotAllowed, with what an administrator can do about it."""
        if _ORDER.index(self.role) < _ORDER.index(role):
            where = f": onviftui user role {self.person} {role}" if self.person else " in [access]."
            raise NotAllowed(
                f"{self.name} is {self.role}; {method} needs {role}.", f"An administrator can change this{where}"
            )


def peer_uid(sock: socket.socket) -> int:
    """Of the process at the other end of a Unix socket, as the kernel knows it."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return int(uid)


def caller(uid: int, roles: Mapping[str, Role]) -> Caller:
    """Root and the daemon's own user are always admin."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid {uid}"
    role = Role.ADMIN if uid in (0, os.getuid()) else roles.get(name, Role.ADMIN)
    return Caller(uid, name, role)
