"""What an installation asks of the running system around its files: users, sysctls, services, and whoever manages the
network. Every question only reads.
"""

from __future__ import annotations

import grp
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .admin_key import USERS as SSH_USERS
from .errors import BadRequest
from .host import read_host
from .installation import PutFile, RemovePath, Run, SetKernel, Step
from .installed import ARM, CONFIG, HOMES, SERVICES, USERS

_RUNNING_SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
_STATE = Path("/var/lib/netsetup")
_ASK_TIMEOUT_S = 10.0
_RELOAD = ("systemctl", "daemon-reload")


def around_install(files: Sequence[Step], *, member: str, services: Sequence[str] = SERVICES) -> list[Step]:
    """The files, then what makes them count. [] when all of that is so already. Raises BadRequest."""
    paths = {step.path for step in files if isinstance(step, PutFile)}
    new_key = any(path.startswith(SSH_USERS) for path in paths)
    steps: list[Step] = [*files, *_users(member), *_folders(new_key=new_key), *_sysctls()]
    systemd = _RUNNING_SYSTEMD.is_dir()
    if systemd and any(path.startswith("/etc/systemd/system/") for path in paths):
        steps = [Run(undo=_RELOAD), *steps, Run(_RELOAD)]
    steps += _read_anew(paths)
    if systemd:
        steps += _services(paths, services)
    return steps


def around_uninstall(files: Sequence[Step], *, purge: bool) -> list[Step]:
    """Services stop first, then the interfaces go, then the files."""
    steps: list[Step] = []
    systemd = _RUNNING_SYSTEMD.is_dir()
    if systemd:
        running = [service for service in SERVICES if _is_active(service)]
        steps += [Run(("systemctl", "stop", s), ("systemctl", "start", s)) for s in reversed(running)]
    if _has_plans():
        steps.append(Run(("netsetup", "remove", "--all", "--keep-plans", "--yes"), ("netsetup", "apply", "--yes")))
    steps += files
    if systemd and any(isinstance(s, RemovePath) and s.path.startswith("/etc/systemd/system/") for s in files):
        steps.append(Run(_RELOAD, _RELOAD))
    steps += _read_anew({s.path for s in files if isinstance(s, (PutFile, RemovePath))})
    if purge:
        steps += [Run(("userdel", name)) for name in reversed(USERS) if _has_user(name)]
    return steps


def _has_plans() -> bool:
    """Who may not look is not root, and sees a dry run only."""
    try:
        return (_STATE / "plans.json").exists()
    except PermissionError:
        return True


def _users(member: str) -> list[Step]:
    missing = [name for name in USERS if not _has_user(name)]
    steps: list[Step] = [Run(undo=("userdel", name)) for name in missing]
    if missing and shutil.which("systemd-sysusers"):
        steps.append(Run(("systemd-sysusers", *(f"/etc/sysusers.d/{name}.conf" for name in USERS))))
    elif missing:
        steps += [_useradd(name) for name in missing]
    if member and not _is_member(member):
        if not _has_user(member):
            raise BadRequest(f"There is no user {member}.", "Choose another one with --member.")
        steps.append(Run(("usermod", "-aG", "proxyd", member), ("gpasswd", "-d", member, "proxyd")))
    return steps


def _useradd(name: str) -> Run:
    """As sysusers.d has it."""
    groups = ("--groups", "proxyd") if name == "onviftui" else ()
    home = ("--home-dir", HOMES[name], "--no-create-home", "--shell", "/usr/sbin/nologin")
    return Run(("useradd", "--system", "--user-group", *groups, *home, name))


def _folders(*, new_key: bool = False) -> list[Step]:
    """The arm must be able to read what root writes there, and what root wrote before there was a user for it; the
    daemon what root writes for it."""
    if not new_key and _is_all_of("netsetup", _STATE) and _is_all_of("proxyd", Path(SSH_USERS)):
        return []
    if shutil.which("systemd-tmpfiles"):
        return [Run(("systemd-tmpfiles", "--create", *(f"/etc/tmpfiles.d/{name}.conf" for name in USERS)))]
    steps: list[Step] = [
        Run(("install", "-d", "-m", "0700", "-o", name, "-g", "proxyd", HOMES[name])) for name in USERS
    ]
    steps.append(Run(("install", "-d", "-m", "0750", "-o", "proxyd", "-g", "proxyd", SSH_USERS)))
    steps.append(Run(("chown", "-R", "proxyd:proxyd", SSH_USERS)))
    return [*steps, Run(("chown", "-R", "netsetup:proxyd", str(_STATE)))]


def _is_all_of(user: str, folder: Path) -> bool:
    """Whether the folder is there, and it and its files belong to that user. Who may not look takes it for granted."""
    try:
        uid = pwd.getpwnam(user).pw_uid
        return folder.stat().st_uid == uid and all(path.lstat().st_uid == uid for path in folder.iterdir())
    except PermissionError:
        return True
    except (KeyError, FileNotFoundError):
        return False


def _sysctls() -> list[Step]:
    """As the file in sysctl.d has it for the next boot; never lower than the administrator chose."""
    steps: list[Step] = []
    for key, value in (("gc_thresh3", 8192), ("gc_thresh2", 4096), ("gc_thresh1", 1024)):  # 1 < 2 < 3 at every moment
        place = Path("/proc/sys/net/ipv4/neigh/default") / key
        if place.exists() and int(place.read_text()) < value:
            steps.append(SetKernel(str(place), str(value)))
    return steps


def _read_anew(paths: set[str]) -> list[Step]:
    """Only programs that run, and only when one of their files changed; none of them drops a connection for that."""
    running = read_host().managers
    steps: list[Step] = []
    if "NetworkManager" in running and any("/NetworkManager/" in path for path in paths):
        steps.append(_again("nmcli", "general", "reload", "conf"))
    if "systemd-networkd" in running and any(path.endswith(".network") for path in paths):
        steps.append(_again("networkctl", "reload"))
    if Path("/run/udev/control").exists() and any(path.endswith(".link") for path in paths):
        steps.append(_again("udevadm", "control", "--reload"))
    return steps


def _again(*argv: str) -> Run:
    return Run(argv, argv)


def _services(paths: set[str], services: Sequence[str]) -> list[Step]:
    """Started, or started again when their unit changed, or what is read at the start alone: the arm's limits."""
    steps: list[Step] = []
    for service in services:
        if not _is_active(service):
            steps.append(Run(("systemctl", "start", service), ("systemctl", "stop", service)))
        elif f"/etc/systemd/system/{service}" in paths or (service == ARM and CONFIG in paths):
            steps.append(_again("systemctl", "restart", service))
    return steps


def _is_active(service: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 — a fixed command
            ["systemctl", "is-active", "--quiet", service],  # noqa: S607 — root runs this, with root's PATH
            capture_output=True,
            timeout=_ASK_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _is_member(name: str) -> bool:
    try:
        group = grp.getgrnam("proxyd")
        return name in group.gr_mem or pwd.getpwnam(name).pw_gid == group.gr_gid
    except KeyError:
        return False
