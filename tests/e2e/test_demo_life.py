"""The demo's promise: it comes up, says so once, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onviftui.demo_processes import DemoFailed, Workplace, free_loopback

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 120.0
GONE_TIMEOUT_S = 60.0


class Demo:
    """One headless demo in a folder for temporary files of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        with (folder.parent / f"{folder.name}.err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "onviftui", "demo", "--headless", "--json", "--channels", "1"],
                stdout=subprocess.PIPE,
                stderr=err,
                cwd=ROOT,
                env=os.environ | {"TMPDIR": str(folder)},
            )

    def document(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], READY_TIMEOUT_S)
        assert ready, self.said()
        line = self.process.stdout.readline()
        assert line, self.said()
        document: dict[str, Any] = json.loads(line)
        return document

    def said(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.err").read_text()

    def wait_until_said(self, words: str) -> None:
        wait_until(lambda: words in self.said(), READY_TIMEOUT_S)

    def left(self) -> list[str]:
        """Processes that mention the demo's folder, and what is in it."""
        return [
            *(path.name for path in self.folder.iterdir()),
            *(line for line in running_commands() if str(self.folder) in line),
        ]

    def assert_nothing_left(self) -> None:
        wait_until(lambda: not self.left(), GONE_TIMEOUT_S)
        assert self.left() == []


def running_commands() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # ended meanwhile
            continue


def wait_until(condition: Any, timeout_s: float) -> None:
    """Foreign processes and files send no events: looked at often, with a deadline."""
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    # A short path: the daemon's socket is in it.
    demo = Demo(tmp_path_factory.mktemp("d") / "t")
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.terminate()
        demo.process.communicate(timeout=60)


def test_two_at_once_and_sigterm(demo: Demo, tmp_path: Path) -> None:
    second = Demo(tmp_path / "t")
    try:
        documents = [demo.document(), second.document()]
    finally:
        second.process.send_signal(signal.SIGINT)
        second.process.communicate(timeout=60)
    assert set(documents[0]) == {"nvr", "socket", "cameras", "credentials"}
    assert set(documents[0]["nvr"]) == {"host", "port", "username", "password", "dialect", "channels"}
    assert set(documents[0]["credentials"]) == {"username", "password"}
    assert [camera["state"] for camera in documents[0]["cameras"]] == ["running"]
    addresses = {camera["address"] for document in documents for camera in document["cameras"]}
    assert len(addresses) == 2
    assert second.process.returncode == 0
    second.assert_nothing_left()
    secrets = [documents[0]["nvr"]["password"], documents[0]["credentials"]["password"]]
    assert not [line for line in running_commands() for secret in secrets if secret in line]
    assert not [secret for secret in secrets if secret in demo.said()]
    demo.process.terminate()
    rest, _ = demo.process.communicate(timeout=60)
    assert (demo.process.returncode, rest) == (0, b"")
    demo.assert_nothing_left()


def test_killed_without_a_chance(demo: Demo) -> None:
    demo.document()
    assert len(demo.left()) >= 3
    demo.process.kill()
    demo.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ended_while_starting(demo: Demo, number: int) -> None:
    demo.wait_until_said("starting the daemon")
    demo.process.send_signal(number)
    out, _ = demo.process.communicate(timeout=60)
    assert (demo.process.returncode, out) == (1, b"")
    assert "stopped before everything ran" in demo.said() and "Traceback" not in demo.said()
    demo.assert_nothing_left()


def test_a_part_that_dies_is_named_with_its_last_words(demo: Demo) -> None:
    demo.document()
    daemon = next(
        entry
        for entry in Path("/proc").glob("[0-9]*")
        if b"proxyd\0run\0--data\0" + str(demo.folder).encode() in read_or_nothing(entry / "cmdline")
    )
    os.kill(int(daemon.name), signal.SIGKILL)
    demo.process.communicate(timeout=60)
    assert demo.process.returncode == 1
    assert "failed: the daemon ended with exit code -9" in demo.said()
    demo.assert_nothing_left()


def read_or_nothing(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_part_that_cannot_start_is_named_with_its_last_words() -> None:
    with Workplace() as workplace:
        child = workplace.spawn("the daemon", "daemon", ["run", "--no-such-option"])
        with pytest.raises(DemoFailed, match="the daemon ended with exit code 2") as caught:
            child.first_line(20)
    assert "--no-such-option" in caught.value.log
    assert not workplace.folder.exists()


def test_secret_files_are_private() -> None:
    with Workplace() as workplace:
        path = workplace.secret_file("password", "s3cret")
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700


def test_loopback_networks_differ() -> None:
    with free_loopback() as (first, nvr), free_loopback() as (second, _):
        assert first != second and not nvr.startswith(first.removesuffix("0/24"))
