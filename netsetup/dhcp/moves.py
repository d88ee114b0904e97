"""What one step of a camera's lease machine can do, whatever the reason: change, send, wait, lose. Pure.

`machine` has the rules that say when.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netsetup.dhcp.client import Action, Ask, Client, Lose, Phase, Reason, Send
from netsetup.dhcp.packet import Kind, Request
from netsetup.dhcp.terms import Uniform, retransmission


class Move:
    """One step being worked out: `client` is the new state, `actions` what it wants done, in order."""

    def __init__(self, client: Client, now: float, random: Uniform) -> None:
        self.client = client
        self.now = now
        self.random = random
        self.actions: list[Action] = []

    def set(self, **changes: Any) -> None:
        """Fields of the client; `since` follows the phase."""
        if "phase" in changes and changes["phase"] is not self.client.phase:
            changes["since"] = self.now
        self.client = replace(self.client, **changes)

    def wait(self, seconds: float, reason: Reason) -> None:
        at = self.now + seconds
        self.set(phase=Phase.WAITING, at=at, sent=0, offer=None, granted=None, probing=None, reason=reason)

    def lose(self, reason: Reason) -> None:
        """The lease, if there is one, may no longer be used."""
        lease = self.client.lease
        if lease:
            self.set(lease=None, verified=False, announce_at=None, reason=reason, subject=lease.address.ip)
            self.actions.append(Lose(reason))

    def announce(self) -> None:
        """The next of RFC 5227's announcements (§2.3), if one is left."""
        client = self.client
        if client.lease is None or not client.verified or client.announced >= client.times.announce_num:
            self.set(announce_at=None)
            return
        self.actions.append(Ask(client.lease.address.ip, client.lease.address.ip))
        announced = client.announced + 1
        more = announced < client.times.announce_num
        self.set(announced=announced, announce_at=self.now + client.times.announce_interval if more else None)

    def send(self, kind: Kind, **fields: Any) -> None:
        """Two transmissions ask for a unicast answer, the next two for a broadcast one: some relays and switches pass
        only one of them."""
        client = self.client
        broadcast = client.sent // 2 % 2 == 1 and "in_use" not in fields and kind in (Kind.DISCOVER, Kind.REQUEST)
        secs = int(self.now - client.began) if kind in (Kind.DISCOVER, Kind.REQUEST) else 0
        request = Request(
            kind, client.mac, client.xid, secs, hostname=client.hostname, want_broadcast=broadcast, **fields
        )
        self.actions.append(Send(request))

    def again(self) -> None:
        """One transmission was made: when the next one is due."""
        sent = self.client.sent + 1
        self.set(sent=sent, at=self.now + retransmission(sent, self.random))

    def new_xid(self) -> int:
        return int(self.random() * 0xFFFFFFFF) + 1
