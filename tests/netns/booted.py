"""A machine on the LAN with a systemd of its own as process 1, on this machine's /usr: what units need to be tried.

Its /etc, /var and /usr/local are folders of the test and live through reboots; the checkout is at /opt/onviftui, as
docs/install.md has it. Only root can make one; nothing of this machine's services or settings is in it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from .lan import HOST, PATIENCE_S, PREFIX_LENGTH, ROOT, ROUTER, Lan, wait_until

MAC = "02:00:00:00:00:11"
_SYSTEMD = Path("/lib/systemd/systemd")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # nothing stays when the tests die
# Of this machine's packages, and none of our business: users, log-ins, terminals, other buses.
_MASKED = ("dbus.service", "dbus.socket", "getty.target", "systemd-logind.service", "systemd-firstboot.service")

# A group of its own, before the namespaces are made: systemd takes the root of what it sees.
_GROUP = """
set -e
mount --make-rprivate /
mkdir -p "$1/cgroup"
mount -t cgroup2 cgroup2 "$1/cgroup"
mkdir -p "$1/cgroup/$2"
echo $$ > "$1/cgroup/$2/cgroup.procs"
umount "$1/cgroup"
exec unshare --mount --uts --ipc --net --pid --fork --kill-child --cgroup --propagation private sh -c "$3" sh "$1"
"""
# Every other name than /proc/sys/net is this machine's, too.
_BOOT = """
set -e
cd "$1/root"
mount --bind . .
cd "$1/root"
mount --bind -o ro /usr usr && mount -o remount,bind,ro usr
mount --bind "$1/local" usr/local
mount --bind "$1/etc" etc
mount --bind "$1/var" var
mount --bind "$1/checkout" opt/onviftui
mount -t proc proc proc
mount --bind proc/sys/net mnt && mount --bind proc/sys proc/sys && mount -o remount,bind,ro proc/sys
mount --move mnt proc/sys/net
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -o remount,bind,ro sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/shm dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
for name in null zero full random urandom tty; do : > dev/$name; mount --bind /dev/$name dev/$name; done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
. "$1/mounts"
read go
pivot_root . mnt
exec env -i PATH="$PATH" container=other chroot . sh -c 'umount -l /mnt && exec /lib/systemd/systemd \
    --log-target=console --show-status=no </dev/null'
"""


@functools.cache
def refusal() -> str:
    """Why this machine cannot boot one; "" when it can."""
    if os.geteuid() != 0:
        return "only root can boot a systemd"
    if not _SYSTEMD.exists():
        return "systemd is not installed (Debian: apt install systemd)"
    script = 'mount --make-rprivate / && mount -t cgroup2 cgroup2 /mnt && mkdir "/mnt/$0" && rmdir "/mnt/$0"'
    words = ["unshare", "--mount", "--pid", "--fork", "--cgroup", "sh", "-c", script, f"onviftui-try-{os.getpid()}"]
    tried = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return "" if tried.returncode == 0 else f"no control groups of our own here: {tried.stderr.strip()}"


def skip_unless_bootable() -> None:
    if reason := refusal():
        pytest.skip(reason)


class Booted:
    """`boot()` as often as wanted; `close()` ends it hard. In its network: eth0 on the LAN with the host's address."""

    def __init__(self, lan: Lan, folder: Path) -> None:
        self.lan = lan
        self.folder = folder
        self.console = folder / "console.log"
        self._group = f"onviftui-{os.getpid()}-{folder.name}"
        self._process: subprocess.Popen[str] | None = None
        self._pid = 0
        _make_folders(folder)

    def boot(self) -> None:
        """Returns when systemd has started everything. Raises AssertionError when something failed to start."""
        with self.console.open("a") as console:
            self._process = subprocess.Popen(
                [*_WITH_US, "unshare", "--mount", "sh", "-c", _GROUP, "sh", str(self.folder), self._group, _BOOT],
                env={"PATH": _PATH},
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=console,
                text=True,
                start_new_session=True,
            )
        process = self._process
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

        def child() -> int:
            """Not one of the short programs before it, which are still in our own network."""
            assert process.poll() is None, self.console.read_text()
            for pid in children.read_text().split():
                with contextlib.suppress(FileNotFoundError):
                    if Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink():
                        return int(pid)
            return 0

        self._pid = wait_until("the namespaces are there", child)
        self._plug()
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.close()
        wait_until("systemd is ready", lambda: self._state() in ("running", "degraded"))
        failed = self.run("systemctl", "--failed", "--plain", "--no-legend")
        assert not failed.strip(), failed + self.console.read_text()

    def run(self, *words: str, stdin: str = "", code: int | None = 0, timeout: float = 240) -> str:
        """What it printed, both ways. Raises AssertionError for another exit code; None takes any."""
        ended, said = self._run(words, stdin, timeout)
        assert code in (None, ended), f"{' '.join(words)}: {ended}\n{said}{self.log()}"
        return said

    def log(self) -> str:
        """The newest lines of the journal."""
        return self._run(("journalctl", "--no-pager", "-n", "60"))[1]

    def _run(self, words: Sequence[str], stdin: str = "", timeout: float = PATIENCE_S) -> tuple[int, str]:
        done = subprocess.run(
            ["nsenter", "-t", str(self._pid), "-a", "--", *words],
            env={"PATH": _PATH, "LANG": "C.UTF-8"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def reboot(self) -> None:
        """As its administrator does it."""
        assert self._process
        self.run("systemctl", "reboot", code=None)
        self._process.wait(2 * PATIENCE_S)
        self.boot()

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # --kill-child: systemd ends with it, and all else with that
            self._process.wait(PATIENCE_S)
        if self._process and self._process.stdin:
            self._process.stdin.close()
        wait_until("its processes have ended", self._without_group)

    def _state(self) -> str:
        assert self._process
        assert self._process.poll() is None, self.console.read_text()
        return self.run("systemctl", "is-system-running", code=None).strip()

    def _plug(self) -> None:
        """Root's namespaces are not those of the LAN's own root: it makes the cable with the rights of this machine."""
        port = f"p-{self.folder.name[:10]}"
        cable = f"link add {port} type veth peer name eth0 address {MAC} netns {self._pid}\n"
        cable += f"link set {port} master br0\nlink set {port} up\n"
        address = f"link set lo up\naddress add {HOST}/{PREFIX_LENGTH} brd + dev eth0\nlink set eth0 up\n"
        address += f"route add default via {ROUTER}\n"
        if f" {port}@" in self.lan.bridge.run(["ip", "link"]).stdout:  # before a reboot; the kernel tidies up later
            self.lan.bridge.run(["ip", "link", "del", port], check=False)
        for pid, batch in ((self.lan.bridge.pid, cable), (self._pid, address)):
            words = ["nsenter", "-t", str(pid), "-n", "ip", "-batch", "-"]
            done = subprocess.run(
                words, input=batch, env={"PATH": _PATH}, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
            assert done.returncode == 0, f"{batch}{done.stderr}"

    def _without_group(self) -> bool:
        """systemd leaves its groups behind; they can go as soon as nothing runs in them."""
        script = 'mount -t cgroup2 cgroup2 /mnt && cd /mnt && { ! [ -d "$0" ] || find "$0" -depth -type d -delete; }'
        words = ["unshare", "--mount", "sh", "-c", script, self._group]
        done = subprocess.run(words, env={"PATH": _PATH}, capture_output=True, timeout=PATIENCE_S, check=False)
        return done.returncode == 0


def _make_folders(folder: Path) -> None:
    """What `_BOOT` mounts."""
    root, etc, checkout = folder / "root", folder / "etc", folder / "checkout"
    for name in ("usr", "etc", "var", "opt/onviftui", "proc", "sys", "run", "tmp", "dev", "mnt", "root"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (folder / "var").mkdir()
    (folder / "local/bin").mkdir(parents=True)
    for name in ("systemd/system/multi-user.target.wants", "systemd/network", "sysctl.d", "sysusers.d", "tmpfiles.d"):
        (etc / name).mkdir(parents=True)
    files = {"passwd": _PASSWD, "group": "root:x:0:\nnogroup:x:65534:\n", "hostname": "cameras\n", "fstab": ""}
    files |= {"machine-id": "0123456789abcdef0123456789abcdef\n", "nsswitch.conf": "passwd: files\ngroup: files\n"}
    files["login.defs"] = "USERGROUPS_ENAB yes\n"  # as every distribution has it: userdel takes the user's group, too
    for name, text in files.items():
        (etc / name).write_text(text)
    for unit in _MASKED:
        (etc / "systemd/system" / unit).symlink_to("/dev/null")
    (etc / "systemd/system/default.target").symlink_to("/lib/systemd/system/multi-user.target")
    _make_checkout(folder, checkout)


def _make_checkout(folder: Path, checkout: Path) -> None:
    """This checkout with a .venv that needs nothing below /root or /home: the units do not see those."""
    programs = checkout / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("netsetup", "proxyd", "onviftui", "contrib"):
        shutil.copytree(ROOT / name, checkout / name)
    shutil.copy(ROOT / "schema.sql", checkout)
    for name in ("netsetup", "proxyd", "onviftui"):
        (programs / name).write_text(
            f'#!/bin/sh\nexec "$(dirname -- "$(readlink -f -- "$0")")/python" -P -m {name}.cli "$@"\n'
        )
        (programs / name).chmod(0o755)
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    at = base if base == Path("/usr") else Path("/opt/python")
    (programs / "python").symlink_to(at / "bin" / version)
    (checkout / ".venv/pyvenv.cfg").write_text(f"home = {at / 'bin'}\n")
    site = checkout / ".venv/lib" / version / "site-packages"
    site.mkdir(parents=True)
    (site / "here.pth").write_text("/opt/onviftui\n/opt/packages\n")
    (folder / "etc/ld.so.conf").write_text(f"{at}/lib\n")
    mounts = {"/opt/packages": sysconfig.get_path("purelib"), str(at): str(base)}
    lines = [
        f"mkdir -p '.{inside}' && mount --bind '{there}' '.{inside}' && mount -o remount,bind,ro '.{inside}'"
        for inside, there in mounts.items()
        if inside != "/usr"
    ]
    (folder / "mounts").write_text("\n".join([*lines, "chroot . ldconfig", ""]))
