"""The units and the files of the network managers as they are installed, checked by systemd's own tools."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from netsetup import cli
from netsetup.installed import HOMES, SERVICES, SIGNS, USERS, sources

HIGHEST_EXPOSURE = 2.0


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation in a folder."""
    folder = tmp_path_factory.mktemp("root")
    (folder / "etc").mkdir()
    (folder / "etc/dhcpcd.conf").write_text("hostname\n")
    assert cli.main(["install", "--root", str(folder), "--yes", "--parent", "eth0"]) == 0
    return folder


def analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt install systemd)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def unit(root: Path, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (root / "etc/systemd/system" / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_no_mistake(root: Path, name: str, tmp_path: Path) -> None:
    """`verify` wants the program to exist: a stand-in is enough."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for service in SERVICES:
        text = (root / "etc/systemd/system" / service).read_text()
        text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", text)
        (tmp_path / service).write_text(text)
    assert analyze("verify", "--man=no", "--recursive-errors=no", str(tmp_path / name)).strip() == ""


@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_is_low(root: Path, name: str) -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(root / "etc/systemd/system" / name))
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert level and float(level[1]) <= HIGHEST_EXPOSURE, said


def test_each_service_has_its_own_user_and_its_capabilities_only(root: Path) -> None:
    arm, daemon, ssh = (unit(root, name) for name in SERVICES)
    assert arm["User"] == ["netsetup"] and daemon["User"] == ["proxyd"]
    assert arm["CapabilityBoundingSet"] == arm["AmbientCapabilities"] == ["CAP_NET_ADMIN CAP_NET_RAW"]
    assert daemon["CapabilityBoundingSet"] == daemon["AmbientCapabilities"] == ["CAP_NET_BIND_SERVICE"]
    assert arm["Before"] == ["proxyd.service"] and "netsetup.service" in daemon["After"][0]
    assert arm["Group"] == ["proxyd"]  # its socket's group
    assert "AF_INET" not in arm["RestrictAddressFamilies"][0].split()
    assert ssh["User"] == ssh["Group"] == ["onviftui"] and ssh["SupplementaryGroups"] == ["proxyd"]
    assert ssh["CapabilityBoundingSet"] == ssh["AmbientCapabilities"] == [""]
    assert "proxyd.service" in ssh["After"][0] and "Requires" not in ssh
    assert ssh["OOMPolicy"] == ["continue"]  # one session that takes too much does not end all others
    for settings in (arm, daemon, ssh):
        assert settings["ExecStart"][0].startswith(str(sources().programs))
        assert settings["Type"] == ["notify"] and settings["Restart"] == ["on-failure"]


def test_the_arm_may_write_the_sysctls_of_interfaces(root: Path) -> None:
    assert unit(root, "netsetup.service")["ProtectKernelTunables"] == ["no"]


def test_only_the_daemon_writes_who_may_log_in_by_ssh(root: Path) -> None:
    assert unit(root, "proxyd.service")["ReadWritePaths"] == ["-/var/lib/onviftui"]
    ssh = unit(root, "onviftui-ssh.service")
    assert ssh["ProtectSystem"] == ["strict"] and "ReadWritePaths" not in ssh
    assert "/var/lib/onviftui" not in [f"/var/lib/{name}" for name in ssh["StateDirectory"]]
    rules = (root / "etc/tmpfiles.d/onviftui.conf").read_text()
    assert "d /var/lib/onviftui 0750 proxyd proxyd -" in rules and "Z /var/lib/onviftui - proxyd proxyd -" in rules
    assert "m onviftui proxyd" in (root / "etc/sysusers.d/onviftui.conf").read_text()


def test_users_and_folders(root: Path) -> None:
    for user in USERS:
        line = (root / f"etc/sysusers.d/{user}.conf").read_text().splitlines()[-1]
        assert re.fullmatch(rf'u {user} - "[\w ]+" {HOMES[user]}', line)
    assert "d /var/lib/netsetup 0700 netsetup proxyd -" in (root / "etc/tmpfiles.d/netsetup.conf").read_text()


def test_sysusers_makes_the_users(root: Path) -> None:
    program = shutil.which("systemd-sysusers")
    if program is None:
        pytest.skip("systemd-sysusers is not installed (Debian: apt install systemd)")
    done = subprocess.run(
        [program, f"--root={root}"], capture_output=True, text=True, timeout=120, check=False, env={"PATH": "/usr/bin"}
    )
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("only root may make users")
    assert done.returncode == 0, done.stderr
    names = {line.partition(":")[0] for line in (root / "etc/passwd").read_text().splitlines()}
    assert set(USERS) <= names


def test_network_managers_are_told(root: Path) -> None:
    for manager, path, sign in SIGNS:
        assert sign in (root / path.lstrip("/")).read_text(), manager
    for path in ("NetworkManager/conf.d/90-onviftui-cameras.conf", "systemd/network/05-onviftui-cameras.network"):
        read = configparser.ConfigParser()
        read.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser wants it
        read.read(root / "etc" / path)
        assert any("vcam*" in value for section in read.sections() for value in read[section].values())


def test_sysctls_are_those_that_are_set_at_once(root: Path) -> None:
    text = (root / "etc/sysctl.d/60-onviftui.conf").read_text()
    values = dict(re.findall(r"^net\.ipv4\.neigh\.default\.(\w+) = (\d+)$", text, re.MULTILINE))
    assert values == {"gc_thresh1": "1024", "gc_thresh2": "4096", "gc_thresh3": "8192"}
