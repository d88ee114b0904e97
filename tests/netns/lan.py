"""A small LAN of network namespaces, made without root: a bridge and what is plugged into it.

`with Lan() as lan:` gives `lan.bridge` (the switch), `lan.host` (where cameras will live), `lan.recorder`, `lan.nvr`,
`lan.router` and, behind the router, `lan.outside`. Every namespace lives as long as one holder process reads an open
pipe, so nothing is left behind when the tests die. Nothing touches the network of the machine.
"""

from __future__ import annotations

import array
import contextlib
import functools
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0  # in vain: what comes at all comes much earlier, but not on every machine at every load
PREFIX_LENGTH = 24
LAN = "10.77.0.0/24"
HOST, RECORDER, NVR, ROUTER = "10.77.0.10", "10.77.0.20", "10.77.0.30", "10.77.0.1"
OUTSIDE_NET, OUTSIDE, OUTSIDE_GATEWAY = "10.88.0.0/24", "10.88.0.2", "10.88.0.1"
MACS = {
    "host": "02:00:00:00:00:10",
    "recorder": "02:00:00:00:00:20",
    "nvr": "02:00:00:00:00:30",
    "router": "02:00:00:00:00:01",
}

_HOLD = "mount -t sysfs sysfs /sys && ip link set lo up && echo ready && exec cat >/dev/null"
_MAKE_SOCKET = """
import array, socket, sys
family, kind, protocol, channel = (int(word) for word in sys.argv[1:])
made = socket.socket(family, kind, protocol)
with socket.socket(fileno=channel) as out:
    out.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [made.fileno()]).tobytes())])
"""


@functools.cache
def refusal() -> str:
    """Why this machine cannot make such namespaces; "" when it can."""
    for program in ("unshare", "nsenter", "setpriv", "ip"):
        if shutil.which(program, path=_path()) is None:
            return f"{program} is not installed (Debian: apt install util-linux iproute2)"
    script = (
        "mount -t sysfs sysfs /sys && ip link add name br0 type bridge && ip link add name eth0 type veth peer eth1"
    )
    script += " && ip link add name vcam0 link eth0 type macvlan mode bridge"
    tried = subprocess.run(
        ["unshare", "-Urnm", "sh", "-c", script],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return "" if tried.returncode == 0 else f"network namespaces are refused here: {tried.stderr.strip()}"


def skip_unless_possible() -> None:
    if reason := refusal():
        pytest.skip(reason)


def wait_until(what: str, condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """The first true value of `condition`. For states of the kernel and of other processes, which send us no event.

    To ask mostly means to start a program: half of the time is left to those who are waited for.
    """
    end = time.monotonic() + timeout_s
    while True:
        asked = time.monotonic()
        if value := condition():
            return value
        answered = time.monotonic()
        if answered > end:
            raise AssertionError(f"waited {timeout_s:g} s in vain: {what}")
        time.sleep(max(0.01, answered - asked))


def halt_at(process: subprocess.Popen[str], what: str, reached: Callable[[], bool]) -> bool:
    """Whether `process` was halted (SIGSTOP) when it had just `reached` it; False when it had ended by itself.

    It also stands still while it is looked at: on a busy machine it would run far past the moment meanwhile.
    """

    def is_there() -> bool:
        if process.poll() is not None:
            return True
        process.send_signal(signal.SIGSTOP)
        if reached():
            return True
        process.send_signal(signal.SIGCONT)
        return False

    wait_until(what, is_there)
    return process.poll() is None


def flood(machine: Namespace, asleep: subprocess.Popen[str]) -> None:
    """Changes links and addresses until the kernel has dropped events for this program, which does not read them."""
    sockets = _sockets_of(asleep.pid)
    machine.ip("link add name noise0 type veth peer name noise1")
    some = "\n".join(f"address add 192.0.2.{n}/32 dev noise0" for n in range(1, 255))
    once = f"{some}\n{some.replace(' add ', ' del ')}"
    for _ in range(50):
        machine.ip(once)
        rows = [line.split() for line in machine.run(["cat", "/proc/net/netlink"]).stdout.splitlines()[1:]]
        if any(int(row[8]) for row in rows if row[9] in sockets):  # Drops, Inode
            break
    else:
        raise AssertionError("it is not behind: it reads no events, or is not asleep")
    machine.ip("link del noise0")


def _sockets_of(pid: int) -> set[str]:
    """Their inodes."""
    names = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return {name.removeprefix("socket:[").removesuffix("]") for name in names if name.startswith("socket:[")}


class Namespace:
    """One network (and mount) namespace and the programs running in it."""

    def __init__(self, name: str, inside: Sequence[str]) -> None:
        """`inside` is the command that a holder is started by: nothing for the first, nsenter for the others."""
        self.name = name
        self.processes: list[subprocess.Popen[str]] = []
        first = ["unshare", "-Urnm"] if not inside else [*inside, "unshare", "-nm"]
        self._holder = subprocess.Popen(
            [*first, "sh", "-c", _HOLD],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._holder.stdout
        if self._holder.stdout.readline() != b"ready\n":
            self.close()
            raise RuntimeError(f"could not make the namespace {name}")

    @property
    def pid(self) -> int:
        """Of the holder: what `ip link set … netns` wants."""
        return self._holder.pid

    def enter(self, argv: Sequence[str | Path]) -> list[str]:
        """The command that runs `argv` in here, in the project's folder; it dies with the thread that started it."""
        target = ["nsenter", "-t", str(self.pid), "-U", "-n", "-m", "--preserve-credentials", "--"]
        return [*target, "env", "-C", str(ROOT), "setpriv", "--pdeathsig", "KILL", "--", *map(str, argv)]

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        env: Mapping[str, str] | None = None,
        timeout: float = 2 * PATIENCE_S,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs to the end; what it printed is in the error when `check` fails."""
        done = subprocess.run(
            self.enter(argv),
            input=input if input is not None else "",
            env=_environment(env),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            words = " ".join(map(str, argv))
            raise AssertionError(f"{self.name}: {words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def popen(
        self, argv: Sequence[str | Path], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Starts it; its pid is the program's own. Killed with its children when the namespace ends."""
        options.setdefault("stdin", subprocess.DEVNULL)
        process: subprocess.Popen[str] = subprocess.Popen(
            self.enter(argv), env=_environment(env), text=True, start_new_session=True, **options
        )
        self.processes.append(process)
        return process

    def python(self, code: str, *arguments: str, timeout: float = 2 * PATIENCE_S) -> str:
        """What the program printed. It can import the project and the tests."""
        return self.run([sys.executable, "-c", code, *arguments], timeout=timeout).stdout

    def ip(self, batch: str) -> None:
        """Several lines for ip(8)."""
        self.run(["ip", "-batch", "-"], input=batch)

    def sysctl(self, key: str, value: object | None = None) -> str:
        """Reads, or sets, such as `net/ipv4/conf/eth0/arp_ignore` (slashes: names of interfaces may have dots)."""
        path = f"/proc/sys/{key}"
        script = 'printf %s "$2" > "$1"; cat "$1"' if value is not None else 'cat "$1"'
        return self.run(["sh", "-c", script, "sh", path, str(value)]).stdout.strip()

    def mac(self, link: str) -> str:
        return self.run(["cat", f"/sys/class/net/{link}/address"]).stdout.strip()

    def ping(self, target: str, timeout_s: float = 10.0) -> bool:
        """Whether an ICMP echo comes back; asks again every half second."""
        echo = struct.pack("!BBHHH", 8, 0, 0xF7FE, 1, 0)  # identifier 1, its checksum worked out
        with self.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.settimeout(0.1)
            end, again = time.monotonic() + timeout_s, 0.0
            while time.monotonic() < end:
                if time.monotonic() >= again:
                    with contextlib.suppress(OSError):  # no route at this moment
                        raw.sendto(echo, (target, 0))
                    again = time.monotonic() + 0.5
                with contextlib.suppress(TimeoutError):
                    octets, sender = raw.recvfrom(2048)
                    if sender[0] == target and octets[20] == 0:
                        return True
        return False

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of this namespace in this process: it may be bound, connected and read right here."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            words = [str(int(word)) for word in (family, kind, protocol, theirs.fileno())]
            done = subprocess.run(
                self.enter([sys.executable, "-I", "-S", "-c", _MAKE_SOCKET, *words]),
                env=_environment(),
                pass_fds=[theirs.fileno()],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            if done.returncode:
                raise OSError(f"{self.name}: no socket: {done.stderr.strip()}")
            rights = array.array("i")
            _, ancillary, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(rights.itemsize))
            rights.frombytes(ancillary[0][2][: rights.itemsize])
        return socket.socket(fileno=rights[0])

    def end(self, process: subprocess.Popen[str], how: int = signal.SIGTERM, timeout_s: float = PATIENCE_S) -> int:
        """Signals one program that was started here and waits for its end."""
        if process.poll() is None:
            process.send_signal(how)
        code = process.wait(timeout_s)
        self._forget(process)
        return code

    def kill_everything(self) -> None:
        """SIGKILL for all programs started here and what they started (not for the namespace)."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in list(self.processes):
            process.wait(PATIENCE_S)
            self._forget(process)

    def _forget(self, process: subprocess.Popen[str]) -> None:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        if process in self.processes:
            self.processes.remove(process)

    def close(self) -> None:
        self.kill_everything()
        assert self._holder.stdin and self._holder.stdout
        self._holder.kill()
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait(PATIENCE_S)


class Lan:
    """The namespaces, wired: host, recorder, NVR and router on one bridge, and one machine behind the router."""

    def __init__(self, *, host_gateway: bool = True) -> None:
        self._host_gateway = host_gateway
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> Lan:
        with contextlib.ExitStack() as ends:
            self.bridge = ends.enter_context(contextlib.closing(Namespace("bridge", [])))
            self._inside = ["nsenter", "-t", str(self.bridge.pid), "-U", "--preserve-credentials", "--"]
            self.bridge.ip("link add br0 type bridge mcast_snooping 0\nlink set br0 up")
            self.recorder = self._machine(ends, "recorder", RECORDER)
            self.nvr = self._machine(ends, "nvr", NVR)
            self.router = self._machine(ends, "router", ROUTER)
            self.outside = ends.enter_context(contextlib.closing(Namespace("outside", self._inside)))
            self._wire_outside()
            self.host = self._new_host()
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.host.close()
        self._ends.close()

    def reboot_host(self) -> None:
        """Everything in the host's kernel and all its programs are gone; its files stay."""
        self.bridge.ip("link del p-host")
        self.host.close()
        self.host = self._new_host()

    def unplug_host(self) -> None:
        """The cable of the host's eth0 is pulled: it loses its carrier."""
        self.bridge.ip("link set p-host down")

    def plug_host(self) -> None:
        self.bridge.ip("link set p-host up")

    def namespace(self, name: str) -> Namespace:
        """One more namespace with nothing in it; the caller closes it."""
        return Namespace(name, self._inside)

    def plug(self, machine: Namespace, port: str, mac: str, link: str = "eth0") -> None:
        """A cable from the bridge's port `port` to `machine`."""
        self.bridge.ip(
            f"link add {port} type veth peer name {link} address {mac} netns {machine.pid}\n"
            f"link set {port} master br0\n"
            f"link set {port} up"
        )

    def _machine(self, ends: contextlib.ExitStack, name: str, address: str) -> Namespace:
        machine = ends.enter_context(contextlib.closing(Namespace(name, self._inside)))
        self.plug(machine, f"p-{name}", MACS[name])
        machine.ip(f"address add {address}/{PREFIX_LENGTH} brd + dev eth0\nlink set eth0 up")
        if name != "router":
            machine.ip(f"route add default via {ROUTER}")
        return machine

    def _new_host(self) -> Namespace:
        host = Namespace("host", self._inside)
        try:
            self.plug(host, "p-host", MACS["host"])
            host.ip(f"address add {HOST}/{PREFIX_LENGTH} brd + dev eth0\nlink set eth0 up")
            if self._host_gateway:
                host.ip(f"route add default via {ROUTER}")
        except BaseException:
            host.close()
            raise
        return host

    def _wire_outside(self) -> None:
        self.router.ip(
            f"link add eth1 type veth peer name eth0 netns {self.outside.pid}\n"
            f"address add {OUTSIDE_GATEWAY}/24 dev eth1\n"
            "link set eth1 up"
        )
        self.router.sysctl("net/ipv4/ip_forward", 1)
        self.outside.ip(f"address add {OUTSIDE}/24 dev eth0\nlink set eth0 up\nroute add default via {OUTSIDE_GATEWAY}")


def _path() -> str:
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


def _environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Bytecode is kept, as where the program is installed: dozens of programs start here."""
    environment = {**os.environ, "PATH": _path(), "PYTHONPATH": str(ROOT), **(more or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment
