"""Peers as Debian packages: installed when we are root on Debian, as programs and not as services."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_PACKAGES = {"haproxy": ("haproxy",), "nginx": ("nginx", "libnginx-mod-stream")}  # by program
_POLICY = Path("/usr/sbin/policy-rc.d")
_TIMEOUT_S = 300


def install_peers() -> None:
    """What cannot be installed is absent later, which the measurement says."""
    missing = [name for name in _PACKAGES if shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin") is None]
    apt = shutil.which("apt-get")
    if not missing or apt is None or os.geteuid() != 0:
        return
    packages = [package for name in missing for package in _PACKAGES[name]]
    print(f"  installing {' '.join(packages)}", file=sys.stderr, flush=True)
    ours = not _POLICY.exists()
    if ours:  # Debian asks this file before it starts a service
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        for command in ([apt, "-qq", "update"], [apt, "-qq", "install", "--no-install-recommends", *packages]):
            done = subprocess.run(
                command,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
            )
            if done.returncode:
                print(f"  could not install: {done.stderr.strip()[-300:]}", file=sys.stderr, flush=True)
                return
    finally:
        if ours:
            _POLICY.unlink()
    if systemctl := shutil.which("systemctl"):  # nor are they to start with the machine
        subprocess.run([systemctl, "--quiet", "disable", *missing], check=False, capture_output=True, timeout=60)
