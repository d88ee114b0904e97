"""Installing into a folder, into nothing twice, over what is there, and with every step failing."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from netsetup import cli, installation, system
from netsetup.config import load_limits
from netsetup.errors import NetsetupError
from netsetup.installation import (
    PutFile,
    PutLink,
    RemovePath,
    Run,
    SetKernel,
    Step,
    perform,
    steps_to_install,
    steps_to_uninstall,
    words,
)
from netsetup.installed import (
    CONFIG,
    SERVICES,
    InstalledFile,
    InstalledLink,
    Item,
    items,
    sources,
    with_block,
    without_block,
)
from netsetup.model import Limits

LIMITS = Limits(("eth0",))


def picture(root: Path) -> dict[str, tuple[int, str]]:
    """Every path with its mode and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        content = f"-> {path.readlink()}" if path.is_symlink() else path.read_text() if path.is_file() else "/"
        found[str(path.relative_to(root))] = (0 if path.is_symlink() else mode, content)
    return found


def refuse(argv: Sequence[str]) -> None:
    raise AssertionError(f"nothing may be run: {argv}")


def parts() -> tuple[Item, ...]:
    return items(LIMITS, sources())


def test_a_dry_run_changes_nothing_and_names_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["install", "--root", str(tmp_path), "--parent", "eth0", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert not shown["done"] and len(shown["changes"]) == len(parts()) - 1  # there is no dhcpcd.conf
    assert picture(tmp_path) == {}
    assert cli.main(["install", "--root", str(tmp_path), "--parent", "eth0", "--detailed-exitcode"]) == 2
    assert shown["digest"] in capsys.readouterr().out


def test_the_digest_of_the_dry_run_is_consent_and_only_for_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install = ["install", "--root", str(tmp_path), "--parent", "eth0", "--json"]
    assert cli.main(install) == 0
    digest = json.loads(capsys.readouterr().out)["digest"]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/dhcpcd.conf").write_text("hostname\n")
    assert cli.main([*install, "--digest", digest]) == 1
    assert "not as it was" in json.loads(capsys.readouterr().out)["error"]
    assert sorted(picture(tmp_path)) == ["etc", "etc/dhcpcd.conf"]
    (tmp_path / "etc/dhcpcd.conf").unlink()
    assert cli.main([*install, "--digest", digest]) == 0
    assert json.loads(capsys.readouterr().out)["done"]


def test_twice_changes_nothing_and_uninstall_takes_all_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/dhcpcd.conf").write_text("hostname\ninterface eth0\nstatic ip_address=10.0.0.2/24\n")
    before = picture(tmp_path)
    root = ["--root", str(tmp_path), "--yes", "--detailed-exitcode"]
    assert cli.main(["install", *root, "--parent", "eth0"]) == 2
    installed = picture(tmp_path)
    assert load_limits(tmp_path / CONFIG.lstrip("/")) == LIMITS
    assert installed["etc/dhcpcd.conf"][1].startswith("# onviftui cameras: begin")
    assert installed["etc/systemd/system/multi-user.target.wants/proxyd.service"][1].endswith("/proxyd.service")
    assert "/opt/onviftui" not in installed["etc/systemd/system/netsetup.service"][1]
    assert cli.main(["install", *root]) == 0
    assert picture(tmp_path) == installed
    assert cli.main(["uninstall", *root]) == 2
    left = {path for path, (_, content) in picture(tmp_path).items() if content != "/"}
    assert left == {"etc/dhcpcd.conf", "etc/netsetup/netsetup.toml"}
    assert picture(tmp_path)["etc/dhcpcd.conf"] == before["etc/dhcpcd.conf"]
    assert cli.main(["uninstall", *root, "--purge"]) == 2
    assert cli.main(["uninstall", *root, "--purge"]) == 0
    assert {path for path, (_, content) in picture(tmp_path).items() if content != "/"} == {"etc/dhcpcd.conf"}
    capsys.readouterr()


def test_the_administrators_limits_stay_until_others_are_asked_for(tmp_path: Path) -> None:
    root = ["install", "--root", str(tmp_path), "--yes"]
    config = tmp_path / CONFIG.lstrip("/")
    assert cli.main([*root, "--parent", "eth0"]) == 0
    edited = config.read_text().replace("most = 128", "most = 32") + "# mine\n"
    config.write_text(edited)
    assert cli.main(root) == 0
    assert config.read_text() == edited
    assert cli.main([*root, "--parent", "eth1", "--range", "10.77.0.0/25"]) == 0
    limits = load_limits(config)
    assert limits.parents == ("eth1",) and limits.most == 32 and str(limits.ranges[0]) == "10.77.0.0/25"


@pytest.mark.parametrize("wrong", [["--most", "0"], ["--name-prefix", "eth"], ["--parent", "a/b"], ["--range", "x"]])
def test_limits_that_no_arm_would_take_are_refused(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        assert cli.main(["install", "--root", str(tmp_path), "--yes", "--parent", "eth0", *wrong]) == 1
    except SystemExit as error:
        assert error.code == 1
    assert picture(tmp_path) == {} and capsys.readouterr().err


def test_names_of_interfaces_reach_the_files_of_the_managers(tmp_path: Path) -> None:
    assert cli.main(["install", "--root", str(tmp_path), "--yes", "--parent", "eth0", "--name-prefix", "cam"]) == 0
    texts = [content for path, (_, content) in picture(tmp_path).items() if "onviftui-cameras" in path]
    assert len(texts) == 3 and all("cam*" in text and "vcam" not in text for text in texts)


def test_what_somebody_else_put_there_is_kept_aside(tmp_path: Path) -> None:
    unit = tmp_path / "etc/systemd/system/proxyd.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Unit]\nDescription=mine\n")
    assert cli.main(["install", "--root", str(tmp_path), "--yes", "--parent", "eth0"]) == 0
    assert unit.with_name("proxyd.service.saved").read_text() == "[Unit]\nDescription=mine\n"
    unit.write_text(unit.read_text() + "# edited\n")
    assert cli.main(["uninstall", "--root", str(tmp_path), "--yes"]) == 0
    assert not unit.exists() and unit.with_name("proxyd.service.saved").read_text().endswith("# edited\n")


@pytest.mark.parametrize("path", ["/usr/local/bin/netsetup", "/etc/netsetup/netsetup.toml/x", CONFIG])
def test_what_stands_in_the_way_is_named(tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / path.lstrip("/")
    there.parent.mkdir(parents=True)
    if path == CONFIG:
        there.mkdir()
    else:
        there.write_text("mine")
    before = picture(tmp_path)
    assert cli.main(["install", "--root", str(tmp_path), "--yes", "--parent", "eth0"]) == 1
    assert "netsetup:" in capsys.readouterr().err
    assert picture(tmp_path) == before


def steps_on(root: Path) -> list[Step]:
    """All kinds of steps, over things that are there and things that are not."""
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "etc/dhcpcd.conf").write_text("hostname\n")
    (root / "etc/dhcpcd.conf").chmod(0o640)
    (root / "etc/systemd/system/proxyd.service").write_text("mine")
    (root / "usr/local/bin").mkdir(parents=True)
    (root / "usr/local/bin/proxyd").symlink_to("/elsewhere")
    (root / "proc/sys/net").mkdir(parents=True)
    (root / "proc/sys/net/knob").write_text("1")
    (root / "etc/old").write_text("old\n")
    extra: list[Step] = [
        SetKernel("/proc/sys/net/knob", "2"),
        RemovePath("/etc/old", aside=True),
        Run(("start",), ("stop",)),
        Run(("last",)),
    ]
    return [Run(undo=("reload",)), *steps_to_install(parts(), root), *extra]


def test_a_failure_at_any_step_puts_everything_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = len(steps_on(tmp_path / "count"))
    real = installation._do
    for failing in range(count):
        for after in (False, True):
            root = tmp_path / f"{failing}{after}"
            steps = steps_on(root)
            before = picture(root)
            ran: list[str] = []

            def do(
                step: Step, *rest: object, steps: list[Step] = steps, failing: int = failing, after: bool = after
            ) -> None:
                if step is steps[failing] and not after:
                    raise OSError(28, "No space left on device")
                real(step, *rest)  # type: ignore[arg-type]  # passed on as it came
                if step is steps[failing]:
                    raise NetsetupError("Broken.")

            monkeypatch.setattr(installation, "_do", do)
            with pytest.raises(NetsetupError, match=r"Everything is as it was before"):
                perform(steps, root, lambda argv, ran=ran: ran.append(argv[0]))  # type: ignore[misc]  # mypy does not infer lambdas with defaults
            assert picture(root) == before, (steps[failing], after)
            assert ran.count("start") == ran.count("stop") and (ran[-1:] == ["reload"] or failing == 0)


def test_what_cannot_be_put_back_is_said(tmp_path: Path) -> None:
    def run(argv: Sequence[str]) -> None:
        if argv[0] != "start":
            raise NetsetupError(f"{argv[0]} failed.", "Look.")

    with pytest.raises(NetsetupError, match=r"Could not put back: stop failed"):
        perform([Run(("start",), ("stop",)), Run(("other",))], tmp_path, run)


def test_writing_through_a_planted_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/.x.new").symlink_to(tmp_path / "victim")
    with pytest.raises(NetsetupError):
        perform([PutFile("/etc/x", "text")], tmp_path, refuse)
    assert not (tmp_path / "victim").exists()


def test_nothing_is_run_into_a_folder(tmp_path: Path) -> None:
    steps = steps_to_install(parts(), tmp_path)
    assert not any(isinstance(step, (Run, SetKernel)) for step in steps)
    perform(steps, tmp_path, refuse)
    perform(steps_to_uninstall(parts(), tmp_path), tmp_path, refuse)


def test_around_the_files_services_users_and_sysctls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The steps only: nothing is run on this machine."""
    monkeypatch.setattr(system, "_RUNNING_SYSTEMD", tmp_path)
    monkeypatch.setattr(system, "_is_active", lambda service: service == "proxyd.service")
    monkeypatch.setattr(system, "_has_user", lambda name: name == "anna")
    unit = PutFile("/etc/systemd/system/proxyd.service", "x")
    said = [words(step) for step in system.around_install([unit], member="anna")]
    assert said[1] == "write /etc/systemd/system/proxyd.service"
    assert "run usermod -aG proxyd anna" in said
    without = system.around_install([unit], member="anna", services=SERVICES[:2])
    assert not any("onviftui-ssh" in words(step) for step in without if "systemctl" in words(step))
    assert said[-4:] == [
        "run systemctl daemon-reload",
        "run systemctl start netsetup.service",
        "run systemctl restart proxyd.service",
        "run systemctl start onviftui-ssh.service",
    ]
    monkeypatch.setattr(system, "_is_active", lambda service: True)
    said = [words(step) for step in system.around_install([PutFile(CONFIG, "x")], member="")]
    assert said[-1] == "run systemctl restart netsetup.service"  # it reads its limits when it starts
    gone = [words(s) for s in system.around_uninstall([RemovePath("/etc/systemd/system/proxyd.service")], purge=True)]
    stops = ["run systemctl stop onviftui-ssh.service", "run systemctl stop proxyd.service"]
    assert gone[:2] == stops and "run systemctl daemon-reload" in gone


def test_blocks_in_files_of_others() -> None:
    assert without_block(with_block("a\nb\n", "deny x")) == "a\nb\n"
    assert with_block(with_block("a\n", "deny x"), "deny y").count("begin") == 1
    half = "# onviftui cameras: begin (netsetup install)\ndeny x\na\n"
    assert without_block(half) == half


def test_every_item_has_a_place_of_its_own() -> None:
    paths = [item.path for item in parts()]
    assert len(paths) == len(set(paths))
    links = [item for item in parts() if isinstance(item, InstalledLink)]
    files = {item.path for item in parts() if isinstance(item, InstalledFile)}
    assert all(link.target in files for link in links if "wants" in link.path)
    assert all(words(PutLink(link.path, link.target)) for link in links)


def test_what_root_wrote_before_the_user_existed_becomes_the_arms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    assert system._is_all_of(me, tmp_path) and not system._is_all_of(me, tmp_path / "none")
    (tmp_path / "plans.json").symlink_to("/elsewhere")
    assert system._is_all_of(me, tmp_path)
    assert not system._is_all_of("no-such-user", tmp_path)
    monkeypatch.setattr(system, "_STATE", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(system, "_is_all_of", lambda user, folder: False)
    said = [words(step) for step in system._folders()]
    assert "run install -d -m 0750 -o proxyd -g proxyd /var/lib/onviftui" in said
    assert said[-2:] == ["run chown -R proxyd:proxyd /var/lib/onviftui", f"run chown -R netsetup:proxyd {tmp_path}"]
    monkeypatch.setattr(system, "_is_all_of", lambda user, folder: True)
    assert system._folders() == []
    assert system._folders(new_key=True)  # what root has just written must become the daemon's
