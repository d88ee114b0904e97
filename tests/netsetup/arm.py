"""The privileged arm as a real process on the host of the tests' LAN, asked through its socket."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.netns.lan import PATIENCE_S, Lan, wait_until


class Arm:
    """`folder` keeps state and socket; the arm may be started and ended as often as wanted."""

    def __init__(self, lan: Lan, folder: Path, *, parents: str = '["eth0"]', more: str = "") -> None:
        self.lan = lan
        self.state = folder / "state"
        self.socket = folder / "arm.sock"
        self.log = folder / "arm.log"
        self._config = folder / "netsetup.toml"
        user = pwd.getpwuid(os.getuid()).pw_name
        self._config.write_text(f'parents = {parents}\nuser = "{user}"\n{more}\n')
        self.words: list[str | Path] = ["--config", self._config, "--state", self.state, "--socket", self.socket]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Arm:
        with self.log.open("a") as log:
            self.process = self.lan.host.popen(
                [sys.executable, "-m", "netsetup", "serve", *self.words], stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(f"the arm answers: {self.log}", self._answers)
        return self

    def end(self, how: int = signal.SIGTERM) -> int:
        assert self.process
        process, self.process = self.process, None
        return self.lan.host.end(process, how)

    def ask(self, do: str, timeout_s: float = 60.0, **fields: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(self.socket))
            with sock.makefile("rwb") as stream:
                stream.write(json.dumps({"do": do, **fields}).encode() + b"\n")
                stream.flush()
                answer: dict[str, Any] = json.loads(stream.readline())
        return answer

    def done(self, do: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask(do, **fields)
        assert answer["ok"], answer
        return answer

    def status(self) -> dict[str, Any]:
        return self.done("status")

    def cameras(self) -> dict[str, dict[str, Any]]:
        return {camera["name"]: camera for camera in self.status()["cameras"]}

    def notices(self) -> list[str]:
        return [notice["text"] for notice in self.status()["notices"]]

    def wait_for(self, what: str, condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
        try:
            return wait_until(what, condition, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(self.status(), indent=1)}\n{self.log.read_text()}") from None

    def wait_for_notice(self, part: str) -> str:
        found: str = self.wait_for(part, lambda: next((text for text in self.notices() if part in text), None))
        return found

    def addresses(self) -> dict[str, list[str]]:
        """IPv4 addresses by interface of ours, as the kernel has them."""
        rows = json.loads(self.lan.host.run(["ip", "-j", "address", "show"]).stdout)
        return {
            row["ifname"]: [
                one["local"] for one in row["addr_info"] if one["family"] == "inet" and not one.get("deprecated")
            ]
            for row in rows
            if row["ifname"].startswith("vcam")
        }

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.ask("status")["ok"])
        except OSError:
            return False
