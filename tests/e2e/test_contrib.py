"""The set-up scripts: sentences for people when something is missing, immediate when nothing is to do.

Each test works on a copy of what the scripts need, never on this checkout's own .venv.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("demo", "check", "bench", "setup", "lock", "bootstrap.sh")
TOOLS = ("sh", "dirname", "readlink", "env", "id", "cat")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Scripts and locks in a folder with a space in its name."""
    copy = tmp_path / "a checkout"
    shutil.copytree(ROOT / "contrib", copy / "contrib", ignore=shutil.ignore_patterns("__pycache__"))
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, copy / lock.name)
    return copy


def folder_of_tools(folder: Path, **programs: str) -> Path:
    """A PATH with the most basic tools and these scripts."""
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (folder / tool).symlink_to(found)
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def run(script: Path, path: Path, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(script), "--headless", "--json"],
        env={"PATH": str(path), "HOME": str(path)} | environment,
        capture_output=True,
        text=True,
        timeout=240,
        cwd="/",
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def bootstrap_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", ROOT / "contrib" / "bootstrap.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_posix_sh(name: str) -> None:
    shell = shutil.which("dash") or shutil.which("sh")
    assert shell
    subprocess.run([shell, "-n", str(ROOT / "contrib" / name)], check=True)
    text = (ROOT / "contrib" / name).read_text()
    assert name.endswith(".sh") or text.startswith("#!/bin/sh\n")
    assert not re.search(r"\[\[|\blocal\b|<<<|function ", text)


def test_without_python_it_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    code, said = run(checkout / "contrib/demo", folder_of_tools(tmp_path / "bin"))
    assert code == 1
    assert said == (
        "onviftui needs Python 3.11 or newer, but there is no python3: install it with 'sudo apt install python3'.\n"
    )


def test_with_an_old_python_it_says_so(checkout: Path, tmp_path: Path) -> None:
    old = 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi'
    code, said = run(checkout / "contrib/demo", folder_of_tools(tmp_path / "bin", python3=old))
    assert code == 1
    assert said.count("\n") == 1 and "only Python 3.9.2" in said


def test_a_newer_python_beside_an_old_one_is_found(checkout: Path, tmp_path: Path) -> None:
    ready(checkout)
    tools = folder_of_tools(tmp_path / "bin", python3="exit 1", **{"python3.13": f'exec "{sys.executable}" "$@"'})
    _, said = run(checkout / "contrib/bench", tools)
    assert "needs Python" not in said and "No module named 'tests'" in said


def test_without_network_it_is_one_sentence_and_an_unfinished_set_up_is_repaired(
    checkout: Path, tmp_path: Path
) -> None:
    """Port 1 on loopback refuses, as a machine without network does."""
    ready(checkout)
    (checkout / ".venv/set-up-unfinished").touch()
    (checkout / ".venv/half a package").touch()
    tools = folder_of_tools(tmp_path / "bin", python3=f'exec "{sys.executable}" "$@"')
    code, said = run(checkout / "contrib/demo", tools, PIP_INDEX_URL="http://127.0.0.1:1/simple")
    assert code == 1
    assert said.splitlines() == [
        "Setting up .venv, once; this takes about a minute …",
        "No network: 127.0.0.1 cannot be reached, and the first run must fetch the packages from there once.",
    ]
    assert (checkout / ".venv/set-up-unfinished").exists() and not (checkout / ".venv/half a package").exists()


def test_a_folder_that_cannot_be_written(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv").write_text("in the way")
    tools = folder_of_tools(tmp_path / "bin", python3=f'exec "{sys.executable}" "$@"')
    code, said = run(checkout / "contrib/demo", tools)
    assert code == 1 and said.count("\n") == 2 and "run it again" in said


def ready(checkout: Path) -> ModuleType:
    """A set-up that is done, as far as bootstrap.py can see."""
    module = bootstrap_module()
    module.__dict__.update(
        ROOT=checkout,
        VENV=checkout / ".venv",
        PYTHON=checkout / ".venv/bin/python",
        UNFINISHED=checkout / ".venv/set-up-unfinished",
        LOCKS={kind: checkout / lock.name for kind, lock in module.LOCKS.items()},
    )
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    (checkout / ".venv/stamp-dev").write_text(module._stamp("dev"))
    return module


def test_when_all_is_ready_it_goes_at_once_and_offline(checkout: Path, tmp_path: Path) -> None:
    ready(checkout)
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *onviftui.cli*) exit 42 ;; *) exec "{sys.executable}" "$@" ;; esac\n',
    )
    python.chmod(0o755)
    tools = folder_of_tools(tmp_path / "bin", python3=f'exec "{sys.executable}" "$@"')
    started = time.monotonic()
    code, said = run(checkout / "contrib/demo", tools, PIP_INDEX_URL="http://127.0.0.1:1/simple")
    assert (code, said) == (42, "")
    assert time.monotonic() - started < 10  # 0.3 s on an idle machine; the promise is 2 s


def test_ready_means_lock_version_place_and_finished(checkout: Path) -> None:
    module = ready(checkout)
    assert all(map(module._is_ready, ("runtime", "pictures", "dev")))
    (checkout / ".venv/stamp-dev").rename(checkout / ".venv/stamp-pictures")
    (checkout / ".venv/stamp-pictures").write_text(module._stamp("pictures"))
    assert [kind for kind in module.LOCKS if module._is_ready(kind)] == ["runtime", "pictures"]
    (checkout / ".venv/stamp-dev").write_text(module._stamp("dev"))
    lock = checkout / "requirements-dev.lock"
    lock.write_text(lock.read_text() + "\n")
    assert not module._is_ready("dev")
    (checkout / ".venv/stamp-dev").write_text(module._stamp("dev"))
    assert module._is_ready("dev")
    (checkout / ".venv/set-up-unfinished").touch()
    assert not module._is_ready("dev")
    (checkout / ".venv/set-up-unfinished").unlink()
    (checkout / ".venv/bin/python").unlink()
    assert not module._is_ready("dev")


def test_two_at_once_wait_for_each_other(checkout: Path) -> None:
    ready(checkout)
    stamp = (checkout / ".venv/stamp-dev").read_text()
    (checkout / ".venv/stamp-dev").unlink()
    with (checkout / ".bootstrap.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [sys.executable, str(checkout / "contrib/bootstrap.py"), "dev"], stderr=subprocess.PIPE, text=True
        )
        assert waiting.stderr is not None
        assert "Another set-up is running" in waiting.stderr.readline()
        (checkout / ".venv/stamp-dev").write_text(stamp)
    _, rest = waiting.communicate(timeout=120)
    assert (waiting.returncode, rest) == (0, "")


def test_the_lock_pins_what_builds() -> None:
    module = bootstrap_module()
    entry = module._lock_entry((ROOT / "requirements.lock").read_text(), "setuptools")
    assert entry.startswith("setuptools==") and entry.count("--hash=sha256:") == 2
    with pytest.raises(module.SetUpError, match="does not pin nothing"):
        module._lock_entry("a==1", "nothing")


def test_units_let_the_service_do_only_its_work() -> None:
    unit = (ROOT / "contrib/systemd/proxyd.service").read_text()
    for line in ("User=proxyd", "NoNewPrivileges=yes", "RuntimeDirectoryMode=0750", "Type=notify"):
        assert f"\n{line}\n" in unit
    capabilities = re.findall(r"^(?:Ambient|.*Bounding).*=(.*)$", unit, re.MULTILINE)
    assert capabilities == ["CAP_NET_BIND_SERVICE"] * 2
    program = shutil.which("systemd-analyze")
    if program and os.access("/run/systemd/system", os.R_OK):
        subprocess.run([program, "verify", "--man=no", str(ROOT / "contrib/systemd/proxyd.service")], check=False)


@pytest.mark.parametrize("command", ["proxyd", "onviftui", "netsetup"])
def test_every_launcher_starts_its_command(command: str, tmp_path: Path) -> None:
    """As contrib/setup and the systemd units use them: by the file in .venv/bin."""
    module = re.search(rf'\("{command}", "([a-z.]+)"\)', (ROOT / "contrib/bootstrap.py").read_text())
    assert module
    launcher = tmp_path / command
    launcher.write_text(bootstrap_module().LAUNCHER.format(module=module[1]))
    launcher.chmod(0o755)
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / "python").chmod(0o755)
    words = subprocess.run(
        [str(launcher), "--help"], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert (words.returncode, words.stderr) == (0, "")
    assert words.stdout.startswith(f"usage: {command} ")
