"""`onviftui camera certificate` as a process: files, standard input, and nothing of a key anywhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.onviftui.cli_daemon import FakeDaemon
from tests.onviftui.test_cli_process import onviftui

CERT = "-----BEGIN CERTIFICATE-----\nMIIcert\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIhunter2\n-----END PRIVATE KEY-----\n"


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    async with FakeDaemon(tmp_path / "s") as daemon:
        yield daemon


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_text(CERT)
    key.write_text(KEY)
    return str(cert), str(key)


async def test_it_is_shown(daemon: FakeDaemon, tmp_path: Path) -> None:
    code, out, _ = await onviftui("--socket", str(tmp_path / "s"), "camera", "certificate", "Front gate")
    assert code == 0 and b"none yet" in out
    code, out, _ = await onviftui("--socket", str(tmp_path / "s"), "camera", "certificate", "1", "--json")
    assert json.loads(out)["origin"] == "none"
    assert daemon.called("camera.certificate") == [{"id": 1}, {"id": 1}]


async def test_it_is_brought_in_files(daemon: FakeDaemon, tmp_path: Path, files: tuple[str, str]) -> None:
    words = ["--socket", str(tmp_path / "s"), "camera", "certificate", "1", "--cert", files[0]]
    code, out, err = await onviftui(*words, "--key", files[1])
    assert code == 0 and b"CN=House CA" in out and b"AB:CD" in out and b"1 of those that issued it" in out
    assert err == "Note: It does not name the camera's address.\n"
    assert daemon.called("camera.certify") == [{"id": 1, "cert": CERT, "key": KEY}]


async def test_it_is_brought_on_standard_input(daemon: FakeDaemon, tmp_path: Path, files: tuple[str, str]) -> None:
    words = ["--socket", str(tmp_path / "s"), "camera", "certificate", "1", "--cert"]
    both = (KEY + CERT).encode()
    for typed, stdin in (
        (["-"], both),
        (["-", "--key", "-"], both),
        ([files[0], "--key", "-"], KEY.encode()),
    ):
        code, out, err = await onviftui(*words, *typed, stdin=stdin)
        assert code == 0 and "hunter2" not in out.decode() + err
    alone, twice, apart = daemon.called("camera.certify")
    assert alone == twice == {"id": 1, "cert": KEY + CERT}
    assert apart == {"id": 1, "cert": CERT, "key": KEY}


async def test_a_new_one_is_made(daemon: FakeDaemon, tmp_path: Path) -> None:
    code, out, _ = await onviftui("--socket", str(tmp_path / "s"), "--json", "camera", "certificate", "2", "--new")
    assert code == 0 and json.loads(out)["origin"] == "self-made"
    assert daemon.called("camera.certify") == [{"id": 2, "new": True}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--new", "--cert", "CERT"], "Give one of them"),
        (["--key", "KEY"], "Give --cert FILE too"),
        (["--cert", "nowhere.pem"], "Cannot read nowhere.pem"),
        (["--cert", "DER"], "is no PEM"),
        (["--cert", "EMPTY"], "is empty"),
        (["--cert", "LARGE"], "is larger than 64 kB"),
        (["--cert", "CERT", "--key", KEY], "never given on the command line"),
        ([f"--cert={KEY}"], "never given on the command line"),
    ],
)
async def test_what_is_wrong_is_said_without_the_key(
    daemon: FakeDaemon, tmp_path: Path, files: tuple[str, str], words: list[str], said: str
) -> None:
    for name, content in (("DER", b"\x30\x82\xff"), ("EMPTY", b"\n"), ("LARGE", b"x" * 65537)):
        (tmp_path / name).write_bytes(content)
    places = {"CERT": files[0], "KEY": files[1]} | {n: str(tmp_path / n) for n in ("DER", "EMPTY", "LARGE")}
    typed = [places.get(word, word) for word in words]
    code, out, err = await onviftui("--socket", str(tmp_path / "s"), "camera", "certificate", "1", *typed)
    assert (code, out) == (2, b"") and said in err and "hunter2" not in err
    assert daemon.called("camera.certify") == []
