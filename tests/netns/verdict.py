"""The judgement that everything here is about: does each camera look like a machine of its own on the cable?

An ARP request for a camera has exactly one answer, with the camera's MAC; every frame from a camera's address has the
camera's MAC as its source, and no frame from anywhere else has it; and frames of all the expected kinds were seen, so
that silence is no success.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from .frames import ARP, ICMP, IPV4, RST, TCP, UDP, Capture, Frame, captured
from .lan import MACS, RECORDER, ROUTER, Lan, Namespace
from .recipe import Camera

_NOBODY = "0.0.0.0"
EXCHANGES = {"http", "rtsp", "refused", "echo", "unicast probe"}
KINDS: dict[str, Callable[[Frame], bool]] = {
    "HTTP": lambda f: f.protocol == TCP and f.source_port == 80 and bool(f.payload),
    "RTSP over TCP": lambda f: f.protocol == TCP and f.source_port == 554 and bool(f.payload),
    "media over UDP": lambda f: f.protocol == UDP and f.source_port not in (0, 3702),
    "answer to a probe": lambda f: f.protocol == UDP and f.source_port == 3702 and f.target[:4] != "239.",
    "hello": lambda f: f.protocol == UDP and f.source_port == 3702 and f.target == "239.255.255.250",
    "reset": lambda f: f.protocol == TCP and bool(f.flags & RST),
    "echo reply": lambda f: f.protocol == ICMP and f.flags == 0,
}


@dataclass
class Verdict:
    cameras: int
    frames: int = 0
    right_frames: int = 0
    right_arp: int = 0  # cameras whose requests had one right answer each
    strays: int = 0  # frames with a camera's MAC that are not that camera's
    missing: list[str] = field(default_factory=list)  # "kind from camera": never seen
    wrong: Counter[str] = field(default_factory=Counter)

    @property
    def right(self) -> bool:
        return (
            self.frames == self.right_frames > 0
            and self.right_arp == self.cameras
            and not self.strays
            and not self.missing
        )

    def __str__(self) -> str:
        words = f"ARP right {self.right_arp}/{self.cameras}, frames right {self.right_frames}/{self.frames}"
        words += f", strays {self.strays}"
        return "; ".join([words, *self.missing[:5], *(f"{n}× {what}" for what, n in self.wrong.most_common(5))])


def judge(capture: Capture, chosen: Sequence[Camera], kinds: Iterable[str] = KINDS) -> Verdict:
    """Of what a capture on the host's cable has seen."""
    by_address = {camera.address: camera for camera in chosen}
    names = {camera.mac: camera.name for camera in chosen}
    verdict = Verdict(len(chosen))
    seen: set[tuple[str, str]] = set()
    wanted = {kind: KINDS[kind] for kind in kinds}
    requests: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    wrong_answers: set[str] = set()
    for frame in list(capture.frames):
        if frame.outgoing:
            if frame.ethertype == ARP and frame.protocol == 1 and frame.target in by_address:
                requests[frame.target] += 1
            continue
        camera = by_address.get(frame.source)
        if camera is None:
            if frame.source_mac in names and frame.source != _NOBODY:  # ARP probes, DHCP and IGMP may come from nobody
                verdict.strays += 1
                verdict.wrong[f"frame of {frame.source or hex(frame.ethertype)} by {names[frame.source_mac]}"] += 1
            continue
        right = frame.source_mac == camera.mac
        if frame.ethertype == ARP:
            right = right and frame.arp_mac == camera.mac
            if frame.protocol == 2:
                answers[camera.address] += 1
            if not right:
                wrong_answers.add(camera.address)
        elif frame.ethertype == IPV4:
            verdict.frames += 1
            verdict.right_frames += right
            seen.update((kind, camera.name) for kind, fits in wanted.items() if fits(frame))
        if not right:
            verdict.wrong[f"frame of {camera.name} with the MAC {frame.source_mac}"] += 1
    for camera in chosen:
        address = camera.address
        one_each = 0 < answers[address] == requests[address] and address not in wrong_answers
        verdict.right_arp += one_each
        if not one_each:
            verdict.wrong[f"{camera.name}: {requests[address]} ARP requests, {answers[address]} answers"] += 1
        verdict.missing += [f"no {kind} from {camera.name}" for kind in wanted if (kind, camera.name) not in seen]
    return verdict


def judge_host(capture: Capture, address: str, mac: str) -> None:
    """Raises AssertionError unless the host spoke, and only by its own MAC."""
    spoken = capture.sent(lambda frame: frame.source == address and frame.ethertype in (ARP, IPV4))
    assert {frame.source_mac for frame in spoken} == {mac}
    assert {frame.arp_mac for frame in spoken if frame.ethertype == ARP} <= {mac}


def ask_arp(machine: Namespace, addresses: Sequence[str], own_mac: str, own_address: str) -> None:
    """One ARP request for each address, as a recorder's kernel sends it. Answers are for a capture to see."""
    with machine.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind(("eth0", 0))
        mac, sender = bytes.fromhex(own_mac.replace(":", "")), socket.inet_aton(own_address)
        for address in addresses:
            head = b"\xff" * 6 + mac + struct.pack("!HHHBBH", ARP, 1, IPV4, 6, 4, 1)
            raw.send(head + mac + sender + bytes(6) + socket.inet_aton(address))


def announce(machine: Namespace, mac: str, address: str) -> None:
    """A gratuitous ARP request (RFC 5227, 2.3): this address is mine."""
    ask_arp(machine, [address], mac, address)


def start_stand_in(host: Namespace, chosen: Sequence[Camera]) -> subprocess.Popen[str]:
    """Returns when all cameras' sockets are open and the hellos are on the cable."""
    words = [f"{camera.name}={camera.address}" for camera in chosen]
    program = host.popen([sys.executable, "-m", "tests.netns.stand_in", *words], stdout=subprocess.PIPE)
    assert program.stdout
    assert program.stdout.readline() == "ready\n"
    return program


def visit(machine: Namespace, chosen: Sequence[Camera], link: str = "eth0") -> dict[str, set[str]]:
    """Visits all cameras from `machine`; `link` "" from behind a router, where multicast does not come."""
    words = [sys.executable, "-m", "tests.netns.visitor", link, *(camera.address for camera in chosen)]
    done = machine.run(words, timeout=240)
    return {kind: set(addresses) for kind, addresses in json.loads(done.stdout).items()}


def watch_visits(lan: Lan, chosen: Sequence[Camera]) -> tuple[Verdict, Verdict]:
    """The whole examination with stand-ins: from the same LAN, then from behind the router.

    Raises AssertionError when a camera could not be reached at all; the verdicts say what the frames looked like.
    """
    everyone = {camera.address for camera in chosen}
    with captured(lan.bridge, "p-host") as near:
        start_stand_in(lan.host, chosen)
        ask_arp(lan.recorder, sorted(everyone), MACS["recorder"], RECORDER)
        answered = visit(lan.recorder, chosen)
    assert answered == dict.fromkeys(EXCHANGES | {"multicast probe"}, everyone)
    with captured(lan.bridge, "p-host") as routed:
        ask_arp(lan.router, sorted(everyone), MACS["router"], ROUTER)
        answered = visit(lan.outside, chosen, "")
    assert answered == dict.fromkeys(EXCHANGES, everyone)
    return judge(near, chosen), judge(routed, chosen, set(KINDS) - {"hello"})
