"""Makes .venv of this checkout ready, once: `bootstrap.py runtime|pictures|dev`. Standard library only.

Installs exactly what the lock file names (sha256 of every file) by uv, by the venv's own pip, or by a pip wheel that is
pinned here. A stamp makes later runs immediate and offline; a set-up that was interrupted is done again from the start.
Every way to fail ends in one sentence and exit code 1.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / "set-up-unfinished"
LOG = VENV / "set-up.log"
LOCKS = {
    "runtime": ROOT / "requirements.lock",
    "pictures": ROOT / "requirements-pictures.lock",
    "dev": ROOT / "requirements-dev.lock",
}
HELD_BY = {"runtime": ("dev", "pictures"), "pictures": ("dev",), "dev": ()}  # sets that hold more
LAYOUT = "2"  # raise it when what this file writes into .venv changes

PIP = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
INDEX_NAME = "pypi"
PYPI = f"https://{INDEX_NAME}.org/simple"
FETCH_TIMEOUT_S = 30
LARGEST_DOWNLOAD = 20_000_000

NETWORK_TROUBLE = re.compile(
    r"name resolution|network is unreachable|connection refused|connection reset|timed out|max retries|no route to host"
    r"|failed to (fetch|connect|lookup)|dns error|error sending request|newconnectionerror|could not connect",
    re.IGNORECASE,
)
LAUNCHER = """#!/bin/sh
exec "$(dirname -- "$(readlink -f -- "$0")")/python" -P -m {module} "$@"
"""


class SetUpError(Exception):
    """One sentence for the user."""


def main(kind: str) -> int:
    try:
        if not _is_ready(kind):
            _set_up_once(kind)
    except SetUpError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{_words_for(error)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nSetting up was interrupted; run it again to go on.\n")
        return 1
    return 0


def _set_up_once(kind: str) -> None:
    """Only one at a time: the kernel frees the lock of a set-up that died."""
    with (ROOT / ".bootstrap.lock").open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("Another set-up is running in this folder; waiting for it …\n")
            fcntl.flock(guard, fcntl.LOCK_EX)
        if not _is_ready(kind):
            _set_up(kind)


def _stamp(kind: str) -> str:
    lock = hashlib.sha256(LOCKS[kind].read_bytes()).hexdigest()
    return f"{LAYOUT} {sys.version_info.major}.{sys.version_info.minor} {lock} {ROOT}\n"


def _is_ready(kind: str) -> bool:
    """The venv's interpreter must still start: it may have been uninstalled."""
    for candidate in (*HELD_BY[kind], kind):
        stamp = VENV / f"stamp-{candidate}"
        if not UNFINISHED.exists() and stamp.is_file() and stamp.read_text() == _stamp(candidate):
            return _venv_version() == f"{sys.version_info.major}.{sys.version_info.minor}"
    return False


def _venv_version() -> str:
    """Like "3.12"; empty when there is no usable interpreter in .venv."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _set_up(kind: str) -> None:
    sys.stderr.write("Setting up .venv, once; this takes about a minute …\n")
    if UNFINISHED.exists() or _venv_version() != f"{sys.version_info.major}.{sys.version_info.minor}":
        shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir()
        UNFINISHED.touch()
        # Without pip: ensurepip is missing on Debian without python3-venv, and uv does not need it.
        _run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "making .venv")
    UNFINISHED.touch()
    for stamp in VENV.glob("stamp-*"):
        stamp.unlink()
    _install(kind)
    _make_importable()
    (VENV / f"stamp-{kind}").write_text(_stamp(kind))
    UNFINISHED.unlink()


def _install(kind: str) -> None:
    """setuptools first: WSDiscovery is built with it, without fetching anything outside the lock."""
    build_lock = VENV / "build.lock"
    build_lock.write_text(_lock_entry(LOCKS[kind].read_text(), "setuptools"))
    installer, environment = _installer()
    for lock in (build_lock, LOCKS[kind]):
        _run([*installer, "--require-hashes", "--no-build-isolation", "-r", str(lock)], "installing", environment)


def _lock_entry(lock: str, package: str) -> str:
    """The lines of one package: its pin and its hashes."""
    found = re.search(rf"^{package}==[^\\\n]*(?:\\\n[^\\\n]*)+", lock, re.MULTILINE)
    if found is None:
        raise SetUpError(f"The lock file does not pin {package}: the checkout is damaged, clone it again.")
    return found.group() + "\n"


def _installer() -> tuple[list[str], dict[str, str]]:
    """The install command, and its environment without settings that would lead it elsewhere."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")}
    environment |= {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment |= {"PIP_NO_INPUT": "1", "PYTHONNOUSERSITE": "1"}
    uv = shutil.which("uv")
    if uv and _starts([uv, "--version"]):
        environment.setdefault("UV_SYSTEM_CERTS", "1")
        if "PIP_INDEX_URL" in os.environ and "UV_INDEX_URL" not in os.environ:
            environment.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])
        # As pip does it: services may not write into .venv, and would compile all modules anew at every start.
        return [uv, "pip", "install", "--compile-bytecode", "--python", str(PYTHON)], environment
    if importlib.util.find_spec("ensurepip"):
        _run([str(PYTHON), "-m", "ensurepip", "--default-pip"], "setting up pip", environment)
        pip = ["-m", "pip"]
    else:
        pip = [str(_fetch_pip() / "pip")]
    retries = ["--retries", "2", "--timeout", "30", "--no-warn-script-location", "--use-pep517"]
    return [str(PYTHON), *pip, "install", *retries], environment


def _starts(command: list[str]) -> bool:
    """False for a uv that is only a stub, as pyenv's shims can be."""
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _fetch_pip() -> Path:
    """The pinned pip wheel, which runs without being unpacked. Source of the index format: PEP 503."""
    target = VENV / PIP
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == PIP_SHA256:
        return target
    index = os.environ.get("PIP_INDEX_URL", PYPI).rstrip("/") + "/pip/"
    links = re.findall(r"""href\s*=\s*["']([^"']+)["']""", _download(index).decode("utf-8", "replace"))
    link = next((link for link in links if f"/{PIP}" in f"/{link}"), None)
    if link is None:
        raise SetUpError(f"The package index {_host_of(index)} does not have {PIP}: install python3-venv, or uv.")
    wheel = _download(urllib.parse.urljoin(index, link.replace("&amp;", "&")))
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        raise SetUpError(f"What {_host_of(index)} sent as {PIP} is not that file: check the network, then try again.")
    target.write_bytes(wheel)
    return target


def _download(url: str) -> bytes:
    """Certificates cannot be checked on a system without ca-certificates; then the wheel's sha256 alone decides."""
    request = urllib.request.Request(url, headers={"Accept": "text/html", "User-Agent": "onviftui-bootstrap"})  # noqa: S310 — of pip's own setting
    unverified = ssl.create_default_context()
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    for context in (ssl.create_default_context(), unverified):
        try:
            with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S, context=context) as answer:  # noqa: S310 — as above
                return bytes(answer.read(LARGEST_DOWNLOAD))
        except urllib.error.HTTPError as error:
            raise SetUpError(f"The package index {_host_of(url)} answered {error.code}: check PIP_INDEX_URL.") from None
        except OSError as error:
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                continue
            raise _no_network(url) from None
    raise _no_network(url)


def _host_of(url: str) -> str:
    """Without the account that an index URL may hold."""
    return urllib.parse.urlsplit(url).hostname or url


def _no_network(url: str) -> SetUpError:
    return SetUpError(
        f"No network: {_host_of(url)} cannot be reached, and the first run must fetch the packages from there once."
    )


def _make_importable() -> None:
    """The checkout itself needs no build: a path file and two launchers. The launchers hold no
    path: a checkout with spaces in its name works, and a moved one works again after the next run."""
    packages = next((VENV / "lib").glob("python3*/site-packages"))
    (packages / "onviftui-checkout.pth").write_text(f"{ROOT}\n")
    for command, module in (("proxyd", "proxyd.cli"), ("onviftui", "onviftui.cli"), ("netsetup", "netsetup.cli")):
        launcher = VENV / "bin" / command
        launcher.write_text(LAUNCHER.format(module=module))
        launcher.chmod(0o755)


def _run(command: list[str], doing: str, environment: dict[str, str] | None = None) -> None:
    """Output goes to the log, of which a failure shows what matters."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment,
        check=False, cwd=ROOT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    with LOG.open("a") as log:
        log.write(done.stdout)
    if done.returncode == 0:
        return
    if "no space left" in done.stdout.lower():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "certificate" in done.stdout.lower() and "verif" in done.stdout.lower():
        host = _host_of(os.environ.get("PIP_INDEX_URL", PYPI))
        raise SetUpError(f"The certificate of {host} is not trusted here: install ca-certificates, or set PIP_CERT.")
    if NETWORK_TROUBLE.search(done.stdout):
        raise _no_network(os.environ.get("PIP_INDEX_URL", PYPI))
    tail = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    raise SetUpError(f"Setting up failed while {doing}: {tail[-1] if tail else 'no output'} (all of it: {LOG})")


def _words_for(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"No space left on the disk of {ROOT}: free about 300 MB, then run it again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"You may not write to {ROOT}: clone the project into a folder of your own."
    return f"Setting up failed: {error.strerror or error} ({error.filename or ROOT}); run it again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "runtime"))
