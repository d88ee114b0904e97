"""Shared-address mode, for machines where macvlan cannot work (Wi-Fi, containers): all cameras on one address of the
host, each with ports of its own. Not for recorders that tell cameras apart by MAC or address, such as UniFi Protect.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Awaitable, Callable

from pyroute2.netlink.exceptions import NetlinkError

from proxyd.errors import InvalidInput
from proxyd.store.rows import FoundInterface, InterfaceKind

from .netlink import link_with_address
from .port import mac_from_address

log = logging.getLogger(__name__)

MOST = 256  # below the distance between the HTTP and the RTSP ports
_LOOK_EVERY_S = 5.0


class SharedLinks:
    mode: InterfaceKind = "shared"
    warning = (
        "Not for recorders that go by MAC or address, such as UniFi Protect: all cameras share one address and differ "
        "by their ports only, so such a recorder takes one of them and no more."
    )

    def __init__(self, address: str) -> None:
        """Raises InvalidInput unless `address` is one IPv4 address that a machine can have."""
        try:
            self._address = ipaddress.IPv4Address(address)
        except ValueError:
            raise InvalidInput(f"--shared {address} is no IPv4 address.", "Use one of this machine's own.") from None
        if self._address.is_unspecified or self._address.is_multicast:
            raise InvalidInput(f"--shared {address} is no address of a machine.", "Use one of this machine's own.")
        self._task: asyncio.Task[None] | None = None

    def interfaces(self, link: str | None) -> list[FoundInterface]:
        """`link` is the host's interface that has the address now; None: it is not there, the cameras wait."""
        host = self._address.packed[2:]
        return [
            FoundInterface(
                name=f"{link or 'shared'}:{number}",
                mac=mac_from_address(0xA4, host + number.to_bytes(2, "big")),
                address=str(self._address) if link else None,
                prefix_length=32,
                kind="shared",
                port_offset=number,
            )
            for number in range(1, MOST + 1)
        ]

    async def start(self, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        link = await link_with_address(str(self._address))
        await changed(self.interfaces(link))
        self._task = asyncio.create_task(self._watch(link, changed), name="shared address watch")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self, known: str | None, changed: Callable[[list[FoundInterface]], Awaitable[None]]) -> None:
        """Wi-Fi comes late after a boot, and goes at times."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                link = await link_with_address(str(self._address))
            except (OSError, NetlinkError, TimeoutError) as error:
                log.warning("cannot ask the kernel for its addresses (%s); asking again", error)
                continue
            if link != known:
                known = link
                await changed(self.interfaces(link))
