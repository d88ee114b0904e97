"""Results about interfaces, and what an examination of cameras and host found."""

from __future__ import annotations

from typing import Literal

from .model import Model


class Interface(Model):
    """An interface of the host that a camera has, or may get: `camera` is None while it is free."""

    id: int
    name: str
    mac: str
    address: str | None
    kind: Literal["loopback", "netlink", "shared"]
    camera: int | None
    up: bool = True
    message: str = ""  # what keeps it from its address, or threatens it
    parent: str = ""  # the network interface of the host that it is made on; "" where that is not known
    method: Literal["", "dhcp", "static"] = ""
    lease_until: str | None = None  # by DHCP: it is renewed long before


class PlannedInterface(Model):
    """An interface that comes or goes. `address` is null when a DHCP server gives it."""

    name: str
    mac: str
    parent: str
    address: str | None


class InterfaceChange(Model):
    """What interface.add or interface.remove does, or with `dry_run` would do; `digest` names exactly that."""

    added: list[PlannedInterface] = []
    removed: list[PlannedInterface] = []
    digest: str
    done: bool


class Finding(Model):
    """What an examination found. `interface` is "" for the host itself, `camera` the one that stands there;
    `recorder` the address of the one that it is about."""

    id: str  # stable, such as "mac-blocked"
    severity: Literal["ok", "note", "warning", "problem"]
    what: str
    why: str = ""
    todo: str = ""
    interface: str = ""
    camera: int | None = None
    recorder: str = ""
