"""What an installation consists of: every file, folder link and sysctl, with its content. The sources are in contrib/.

Nothing here writes: `install` compares these with the host and does the difference.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .config import format_limits
from .errors import NetsetupError
from .model import Limits

CHECKOUT = "/opt/onviftui/.venv/bin"  # as the units in contrib name it
COMMANDS = ("proxyd", "onviftui", "netsetup")
ARM = "netsetup.service"
SSH = "onviftui-ssh.service"
SERVICES = (ARM, "proxyd.service", SSH)  # in the order of their start
USERS = ("proxyd", "netsetup", "onviftui")
HOMES = {"proxyd": "/var/lib/proxyd", "netsetup": "/var/lib/netsetup", "onviftui": "/var/lib/onviftui-ssh"}
CONFIG = "/etc/netsetup/netsetup.toml"
BEGIN, END = "# onviftui cameras: begin (netsetup install)", "# onviftui cameras: end"
_UNITS = "/etc/systemd/system"
_NETWORK_MANAGER = "/etc/NetworkManager/conf.d/90-onviftui-cameras.conf"
_NETWORKD = "/etc/systemd/network/05-onviftui-cameras.network"
_DHCPCD = "/etc/dhcpcd.conf"

# (manager, file, what stands in it): how `check` sees that a manager was told to leave our interfaces alone.
SIGNS = (
    ("NetworkManager", _NETWORK_MANAGER, "managed=0"),
    ("systemd-networkd", _NETWORKD, "Unmanaged=yes"),
    ("dhcpcd", _DHCPCD, BEGIN),
)


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """Replaced as a whole. `keep`: a file that is there already is the administrator's and stays as it is."""

    path: str
    content: str
    mode: int = 0o644
    keep: bool = False


@dataclass(frozen=True, slots=True)
class InstalledLink:
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class InstalledBlock:
    """Lines at the top of a file that belongs to another program; only when that file exists."""

    path: str
    lines: str


Item = InstalledFile | InstalledLink | InstalledBlock


@dataclass(frozen=True, slots=True)
class Sources:
    """Where contrib/ and the commands are."""

    contrib: Path
    programs: Path

    def text(self, name: str) -> str:
        """Raises NetsetupError when the checkout is not whole."""
        try:
            return (self.contrib / name).read_text()
        except OSError:
            raise NetsetupError(
                f"{self.contrib / name} is missing: the checkout is damaged.", "Clone it again, then try again."
            ) from None


def sources() -> Sources:
    """Of the running program: a wheel carries contrib/ inside the package, a checkout beside it."""
    package = Path(__file__).resolve().parent
    contrib = package / "contrib"
    return Sources(contrib if contrib.is_dir() else package.parent / "contrib", Path(sys.prefix) / "bin")


def items(limits: Limits, there: Sources, services: Sequence[str] = SERVICES) -> tuple[Item, ...]:
    """Everything, in the order in which it is written, with these services. Raises NetsetupError."""
    prefix = f"{limits.name_prefix}*"

    def named(name: str) -> str:
        return there.text(name).replace("vcam*", prefix)

    files: list[Item] = [
        InstalledFile(f"/etc/{folder}/{user}.conf", there.text(f"{folder}/{user}.conf"))
        for user in USERS
        for folder in ("sysusers.d", "tmpfiles.d")
    ]
    files += [
        InstalledFile(CONFIG, format_limits(limits), keep=True),
        InstalledFile("/etc/sysctl.d/60-onviftui.conf", there.text("sysctl.d/60-onviftui.conf")),
        InstalledFile(_NETWORK_MANAGER, named("network/NetworkManager.conf")),
        InstalledFile(_NETWORKD, named("network/systemd-networkd.network")),
        InstalledFile("/etc/systemd/network/05-onviftui-cameras.link", named("network/udev.link")),
        InstalledBlock(_DHCPCD, named("network/dhcpcd.conf")),
    ]
    for service in services:
        unit = there.text(f"systemd/{service}").replace(CHECKOUT, str(there.programs))
        files.append(InstalledFile(f"{_UNITS}/{service}", unit))
        files.append(InstalledLink(f"{_UNITS}/multi-user.target.wants/{service}", f"{_UNITS}/{service}"))
    files += [InstalledLink(f"/usr/local/bin/{name}", str(there.programs / name)) for name in COMMANDS]
    return tuple(files)


def with_block(text: str, lines: str) -> str:
    """The file with our lines at its top: options below an `interface` line would count for that interface only."""
    return f"{BEGIN}\n{lines.rstrip()}\n{END}\n{without_block(text)}"


def without_block(text: str) -> str:
    """The file as it is without us. A block whose end was deleted is left to the administrator."""
    head, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, tail = rest.partition(f"{END}\n")
    return head + tail if begin and end else text
