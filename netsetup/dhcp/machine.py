"""One camera's DHCP client: RFC 2131 §4.4 with RFC 5227 in front of every use of an address. Pure.

`step` is the whole machine: (state, event, now, randomness) → (state, actions); `client.wake` says when it wants a
Tick. Between `Bind` and `Lose` the lease may be used; a remembered lease that has not expired counts as being used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netsetup.dhcp.acd import UNDISPUTED, Defence, advance, begin_probing, disputes_probe, disputes_use
from netsetup.dhcp.client import (
    START_SPREAD,
    Action,
    Answer,
    Ask,
    Bind,
    Client,
    Configured,
    Event,
    Heard,
    LinkUp,
    Phase,
    Reason,
    ServerSeen,
    Stop,
    Tick,
)
from netsetup.dhcp.frames import ANY, Arp
from netsetup.dhcp.moves import Move
from netsetup.dhcp.packet import Kind, Reply
from netsetup.dhcp.terms import LONGEST_DELAY, Terms, Uniform, renewal_delay, terms_of

REQUEST_TRIES = 4  # §3.1 step 5
REBOOT_TRIES = 4
REBOOT_PATIENCE = 2  # unanswered requests before a remembered lease is used without confirmation (§3.2 step 4)
DECLINE_WAIT = 10.0  # §3.1 step 5: at least ten seconds
MANY_CONFLICTS, CONFLICT_INTERVAL = 10, 60.0  # RFC 5227 §2.1.1


def step(client: Client, event: Event, now: float, random: Uniform) -> tuple[Client, tuple[Action, ...]]:
    if client.phase is Phase.STOPPED:
        return client, ()
    run = _Step(client, now, random)
    run.expire()
    match event:
        case Tick():
            run.tick()
        case Answer(reply):
            run.answer(reply)
        case Heard(arp):
            run.heard(arp)
        case LinkUp():
            run.link_up()
        case ServerSeen():
            run.server_seen()
        case Configured():
            run.configured()
        case Stop(release):
            run.stop(release)
    return run.client, tuple(run.actions)


class _Step(Move):
    """The rules: what follows from each event in each phase."""

    # Events --------------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """§4.4.5: at expiry all use stops at once."""
        client = self.client
        if client.lease and self.now >= client.lease.expires:
            self.lose(Reason.EXPIRED)
            self._search()
        elif client.granted and self.now >= client.granted.expires:
            self.set(reason=Reason.UNUSABLE, subject=client.granted.address.ip)  # it was over before it could be used
            self._search()

    def tick(self) -> None:
        client = self.client
        if client.announce_at is not None and self.now >= client.announce_at:
            self.announce()
        if client.defence.over(self.now, client.times):
            self.set(defence=UNDISPUTED)
        if client.probing:
            self._probe()
        elif client.at is not None and self.now >= client.at:
            self._due[client.phase](self)

    def answer(self, reply: Reply) -> None:
        client = self.client
        if reply.xid != client.xid or reply.mac != client.mac:
            return
        if reply.kind is Kind.OFFER:
            if client.phase is Phase.SEARCHING:
                self._offered(reply)
        elif reply.kind is Kind.ACK:
            self._acknowledged(reply)
        elif reply.kind is Kind.NAK and client.phase in _NAK_COUNTS:
            self._refused(reply)

    def heard(self, arp: Arp) -> None:
        client = self.client
        if client.probing:
            if disputes_probe(arp, client.mac, client.probing.address):
                self._decline(arp.sender_mac)
        elif client.lease and client.verified and disputes_use(arp, client.mac, client.lease.address.ip):
            defence, again = client.defence.conflict(arp.sender_mac, self.now, client.times)
            self.set(defence=defence)
            if again:
                self._decline(arp.sender_mac)
            else:
                self.actions.append(Ask(client.lease.address.ip, client.lease.address.ip))

    def link_up(self) -> None:
        client = self.client
        if client.lease:
            self._reboot()
        elif not (client.phase is Phase.WAITING and client.reason is Reason.CONFLICT):
            self.wait(self.random() * START_SPREAD, Reason.NONE)

    def server_seen(self) -> None:
        client = self.client
        soon = self.now + self.random()
        if client.phase is Phase.SEARCHING and client.sent > 1 and client.at is not None and client.at > soon:
            self.set(at=soon, sent=1)

    def configured(self) -> None:
        if self.client.lease and self.client.verified:
            self.set(announce_at=self.now, announced=0)
            self.announce()

    def stop(self, release: bool) -> None:
        client = self.client
        held = client.lease or client.granted
        if release and held:
            in_use = held.address.ip
            self.send(Kind.RELEASE, in_use=in_use, server=held.server, to=held.server, to_mac=held.server_mac)
        self.set(
            phase=Phase.STOPPED,
            lease=None,
            verified=False,
            granted=None,
            probing=None,
            offer=None,
            announce_at=None,
            at=None,
        )

    # Phases --------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self.client.lease:
            self._reboot()
        else:
            self._search()

    def _search(self) -> None:
        self.set(
            phase=Phase.SEARCHING,
            xid=self.new_xid(),
            sent=0,
            began=self.now,
            offer=None,
            granted=None,
            probing=None,
            confirmed=False,
        )
        self._discover()

    def _discover(self) -> None:
        self.send(Kind.DISCOVER, requested=self.client.wanted)
        self.again()

    def _offered(self, reply: Reply) -> None:
        terms = terms_of(reply, self.now, self.random)
        if terms is None or terms.expires - self.now <= self.client.times.longest:
            self.set(reason=Reason.UNUSABLE, subject=reply.address)
            return
        self.set(phase=Phase.REQUESTING, offer=terms, sent=0, asked=self.now, reason=Reason.NONE)
        self._request()

    def _request(self) -> None:
        offer = self.client.offer
        if offer is None or self.client.sent >= REQUEST_TRIES:
            self._search()
            return
        self.send(Kind.REQUEST, requested=offer.address.ip, server=offer.server)
        self.again()

    def _reboot(self) -> None:
        """§3.2: ask for the remembered address, whatever network this is by now."""
        self.set(
            phase=Phase.REBOOTING,
            xid=self.new_xid(),
            sent=0,
            began=self.now,
            asked=self.now,
            granted=None,
            probing=None,
            confirmed=False,
        )
        self._ask_again()

    def _ask_again(self) -> None:
        """The next INIT-REBOOT request, or what follows when there was no answer to enough of them."""
        client = self.client
        assert client.lease
        if client.sent == REBOOT_PATIENCE and not client.verified:
            self._check(client.lease)
        elif client.sent >= REBOOT_TRIES:
            self._settle()
        else:
            self.send(Kind.REQUEST, requested=client.lease.address.ip)
            self.again()

    def _acknowledged(self, reply: Reply) -> None:
        client = self.client
        expected = client.offer if client.phase is Phase.REQUESTING else client.lease
        if expected is None or client.phase not in _ACK_COUNTS:
            return
        if reply.server is None:
            reply = replace(reply, server=expected.server)
        terms = terms_of(reply, client.asked, self.random)
        if terms is None or terms.address.ip != expected.address.ip or self.now >= terms.expires:
            if client.phase is Phase.REQUESTING:
                self.set(reason=Reason.UNUSABLE, subject=reply.address)
            return
        if client.phase is Phase.REQUESTING:
            if terms.server == expected.server:
                self.set(confirmed=True)
                self._check(terms)
        elif client.phase is Phase.REBOOTING:
            self.set(lease=terms, confirmed=True)
            self._check(terms)
        else:
            self.set(confirmed=True)
            self._bind(terms)

    def _refused(self, reply: Reply) -> None:
        client = self.client
        asked = client.offer if client.phase is Phase.REQUESTING else client.lease
        only_server = client.phase in (Phase.REQUESTING, Phase.RENEWING) and asked is not None
        if only_server and asked and reply.server not in (None, asked.server):
            return
        self.lose(Reason.REFUSED)
        failures = client.failures + 1
        # The first refusal is usually a change of network: ask again at once. A server that goes on is given time.
        seconds = 0.0 if failures == 1 else min(2.0 ** min(failures - 1, 8), LONGEST_DELAY)
        self.set(wanted=None, failures=failures, subject=asked.address.ip if asked else None)
        self.wait(seconds + self.random() * START_SPREAD, Reason.REFUSED)

    def _check(self, terms: Terms) -> None:
        probing = begin_probing(self.client.mac, terms.address.ip, self.now, self.random, self.client.times)
        self.set(phase=Phase.CHECKING, granted=terms, probing=probing, at=None, announce_at=None)

    def _probe(self) -> None:
        client = self.client
        assert client.probing and client.granted
        probing, send = advance(client.probing, self.now, self.random, client.times)
        self.set(probing=probing)
        if send:
            self.actions.append(Ask(ANY, client.probing.address))
        if probing is not None:
            return
        granted = client.granted
        self.set(granted=None)
        if client.confirmed:
            self._bind(granted)
        else:
            self._hold(granted)
            self.set(phase=Phase.REBOOTING, reason=Reason.UNCONFIRMED)
            self.send(Kind.REQUEST, requested=granted.address.ip)
            self.again()

    def _hold(self, terms: Terms) -> None:
        """From here on `terms` may be used."""
        self.set(lease=terms, granted=None, verified=True, offer=None, wanted=terms.address.ip)
        self.actions.append(Bind(terms))

    def _bind(self, terms: Terms) -> None:
        self._hold(terms)
        self.set(reason=Reason.NONE, subject=None, failures=0)
        self._settle()

    def _settle(self) -> None:
        """The phase that the lease's own times say."""
        client = self.client
        assert client.lease
        if self.now < client.lease.t1:
            self.set(phase=Phase.BOUND, at=client.lease.t1, sent=0)
        elif self.now < client.lease.t2:
            self._enter(Phase.RENEWING)
        else:
            self._enter(Phase.REBINDING)

    def _enter(self, phase: Phase) -> None:
        self.set(phase=phase, sent=0, began=self.now)
        self._extend()

    def _extend(self) -> None:
        """One request to extend the lease: to its server until T2, then to any (§4.4.5)."""
        client = self.client
        lease = client.lease
        assert lease
        if client.phase is Phase.RENEWING and self.now >= lease.t2:
            self._enter(Phase.REBINDING)
            return
        # A new transaction each time: the new lease counts from this request, not from one of an hour ago.
        self.set(xid=self.new_xid(), asked=self.now, sent=client.sent + 1)
        if client.phase is Phase.RENEWING:
            self.send(Kind.REQUEST, in_use=lease.address.ip, to=lease.server, to_mac=lease.server_mac)
            self.set(at=min(self.now + renewal_delay(self.now, lease.t2, lease.t1), lease.t2))
        else:
            self.send(Kind.REQUEST, in_use=lease.address.ip)
            self.set(at=min(self.now + renewal_delay(self.now, lease.expires, lease.t2), lease.expires))

    def _decline(self, claimant: str) -> None:
        """§3.1 step 5, RFC 5227 §2.1.1: the address is somebody else's; tell the server, begin anew later."""
        client = self.client
        held = client.granted or client.lease
        assert held
        self.set(xid=self.new_xid())
        self.send(Kind.DECLINE, requested=held.address.ip, server=held.server)
        self.lose(Reason.CONFLICT)
        failures = client.failures + 1
        seconds = DECLINE_WAIT if failures < MANY_CONFLICTS else CONFLICT_INTERVAL
        defence = Defence(claimant, self.now, self.now)
        self.set(wanted=None, failures=failures, subject=held.address.ip, defence=defence)
        self.wait(seconds + self.random(), Reason.CONFLICT)

    _due: dict[Phase, Callable[[_Step], None]] = {  # noqa: RUF012 — a table, never changed
        Phase.WAITING: _start,
        Phase.SEARCHING: _discover,
        Phase.REQUESTING: _request,
        Phase.REBOOTING: _ask_again,
        Phase.BOUND: _settle,
        Phase.RENEWING: _extend,
        Phase.REBINDING: _extend,
    }


_ACK_COUNTS = (Phase.REQUESTING, Phase.REBOOTING, Phase.RENEWING, Phase.REBINDING)
_NAK_COUNTS = _ACK_COUNTS
