"""Methods of the noun interface: they go through netsetup's arm."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from proxyd.api import models as m
from proxyd.errors import Conflict, InvalidInput

from .access import Caller
from .diagnosis import diagnosis, not_understood
from .examining import Examining
from .parts import Parts

MOST_KNOWN = 4096  # the arm takes no more; the newest


class InterfaceMethods:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._examining = Examining(parts.arm)

    async def interface_list(self, p: m.NoParams, who: Caller) -> list[m.Interface]:
        return self._parts.cameras.interfaces()

    async def interface_available(self, p: m.NoParams, who: Caller) -> list[m.Interface]:
        by_id = {interface.id: interface for interface in self._parts.cameras.interfaces()}
        return [by_id[row.id] for row in await self._parts.store.free_interfaces() if row.id in by_id]

    async def interface_add(self, p: m.InterfaceAdd, who: Caller) -> m.InterfaceChange:
        known = {row.mac: row.name for row in (await self._parts.store.interfaces())[-MOST_KNOWN:]}
        answer = await self._ask_arm("add", p, count=p.count, parent=p.parent, known=known)
        change = _interface_change(answer, p)
        if change.done:
            await self._parts.log("info", "interfaces", f"Added {_names(change.added)}.", who)
        return change

    async def interface_remove(self, p: m.InterfaceRemove, who: Caller) -> m.InterfaceChange:
        self._require_free(p.names)
        change = _interface_change(await self._ask_arm("remove", p, names=p.names), p)
        if change.done:
            await self._parts.log("warning", "interfaces", f"Removed {_names(change.removed)}.", who)
        return change

    async def interface_doctor(self, p: m.NoParams, who: Caller) -> list[m.Finding]:
        return diagnosis(
            await self._examining.answer(), self._parts.cameras.interfaces(), self._parts.cameras.cameras()
        )

    def _require_free(self, names: list[str]) -> None:
        taken = {interface.name: interface.camera for interface in self._parts.cameras.interfaces() if interface.camera}
        for name in names:
            if camera := taken.get(name):
                raise Conflict(
                    f"{name} is in use by {self._parts.cameras.row(camera).name}.",
                    f"Remove that camera first: onviftui camera remove {camera}",
                )

    async def _ask_arm(self, do: str, p: m.InterfaceAdd | m.InterfaceRemove, **fields: Any) -> dict[str, Any]:
        if self._parts.arm is None:
            raise InvalidInput(
                "Interfaces are not made in this mode.", "Start proxyd without --loopback and --shared for that."
            )
        given = {**fields, "dry_run": p.dry_run, "digest": p.digest}
        return await self._parts.arm.call(do, **{name: value for name, value in given.items() if value is not None})


def _interface_change(answer: dict[str, Any], p: m.InterfaceAdd | m.InterfaceRemove) -> m.InterfaceChange:
    try:
        return m.InterfaceChange.model_validate({**answer, "done": not p.dry_run})
    except ValidationError:
        raise not_understood() from None


def _names(interfaces: list[m.PlannedInterface]) -> str:
    return ", ".join(interface.name for interface in interfaces)
