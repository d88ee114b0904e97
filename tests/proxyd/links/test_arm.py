"""The client of netsetup's arm, against an arm on a real socket that answers, refuses, lies, hangs and dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxyd.camera.view import interface_model
from proxyd.errors import ArmError, ArmUnreachable, Conflict, InvalidInput
from proxyd.links.arm import MOST_ANSWER_BYTES, ArmClient, ArmNotice
from proxyd.links.arm_watch import ArmWatch
from proxyd.store.rows import InterfaceRow

MAC = "a2:6f:00:00:00:01"


def status(*notices: tuple[int, str], instance: str = "one", message: str = "", **more: object) -> dict[str, Any]:
    return {
        "ok": True,
        "instance": instance,
        "cameras": [{"name": "vcam1", "mac": MAC, "message": message, "address": None} | more],
        "notices": [{"id": id_, "level": "warning", "text": text, "camera": "vcam1"} for id_, text in notices],
    }


class FakeArm:
    """Answers `watch` with what `say` is given, everything else with `answers`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, bytes] = {}
        self.arrived = asyncio.Event()
        self.watchers: list[asyncio.StreamWriter] = []
        self._now: dict[str, Any] | bytes = status()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, path=str(self.path))

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.watchers.clear()
        self.path.unlink(missing_ok=True)

    def say(self, answer: dict[str, Any] | bytes) -> None:
        """Bytes are sent as they are, and then the connection is closed."""
        self._now = answer
        for writer in self.watchers:
            if isinstance(answer, bytes):
                writer.write(answer)
                writer.close()
            else:
                writer.write(json.dumps(answer).encode() + b"\n")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                question = json.loads(line)
                self.asked.append(question)
                self.arrived.set()
                if question["do"] == "watch":
                    self.watchers.append(writer)
                    self.say(self._now)
                else:
                    writer.write(self.answers.get(question["do"], b'{"ok": true}\n'))


@pytest.fixture
async def arm(tmp_path: Path) -> AsyncIterator[FakeArm]:
    fake = FakeArm(tmp_path / "arm")
    await fake.start()
    yield fake
    await fake.stop()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b'{"ok": false, "kind": "BadRequest", "error": "Too many.", "hint": "Fewer."}\n', InvalidInput, "Too many."),
        (b'{"ok": false, "kind": "FactsChanged", "error": "Changed.", "hint": ""}\n', Conflict, "Changed."),
        (b'{"ok": false, "kind": "KernelRefused", "error": "No.", "hint": ""}\n', ArmError, "No."),
        (b'{"ok": false}\n', ArmError, "refused"),
        (b"[]\n", ArmUnreachable, "does not answer"),
        (b"garbage\n", ArmUnreachable, "does not answer"),
        (b'{"ok": true', ArmUnreachable, "within"),
        (b'{"ok": true, "deep": ' + b"[" * 200_000 + b"\n", ArmUnreachable, "does not answer"),
        (b'{"ok": false, "error": "\\ud800\\u001b[2J"}\n', ArmError, r"^\[2J"),
        (b'"' + b"x" * MOST_ANSWER_BYTES + b'"\n', ArmUnreachable, "does not answer"),
        (b'{"ok": tr\xff\xfe}\n', ArmUnreachable, "does not answer"),
        (b"", ArmUnreachable, "within"),
    ],
)
async def test_refusals_and_garbage_become_errors_with_a_next_step(
    arm: FakeArm, answer: bytes, error: type[Exception], words: str
) -> None:
    arm.answers["add"] = answer
    with pytest.raises(error, match=words):
        await ArmClient(arm.path).call("add", timeout_s=0.3, count=1)
    assert arm.asked == [{"do": "add", "count": 1}]


async def test_an_arm_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArmUnreachable) as caught:
        await ArmClient(tmp_path / "none").call("status")
    assert "systemctl status netsetup" in caught.value.hint
    with pytest.raises(ArmUnreachable):
        await anext(ArmClient(tmp_path / "none").watch())


class Heard:
    """What a watch reported."""

    def __init__(self, arm: FakeArm, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("proxyd.links.arm_watch._RETRY_FIRST_S", 0.05)
        self.news: asyncio.Queue[str] = asyncio.Queue()
        self.watch = ArmWatch(ArmClient(arm.path), changed=self._changed, noticed=self._noticed)

    async def _changed(self) -> None:
        self.news.put_nowait(f"words {dict(self.watch.words())}")

    async def _noticed(self, notice: ArmNotice) -> None:
        self.news.put_nowait(notice.text)

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return await self.news.get()


async def test_words_and_new_notices_arrive_once(arm: FakeArm, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(arm, monkeypatch)
    arm.say(status((4, "from before"), message="No DHCP answer."))
    await heard.watch.start()
    try:
        assert await heard.next() == f"words {{'{MAC}': 'No DHCP answer.'}}"
        arm.say(status((4, "from before"), (5, "vcam1 is back."), message="No DHCP answer."))
        assert await heard.next() == "vcam1 is back."
        arm.say(status((5, "vcam1 is back.")))
        assert await heard.next() == "words {}"
        await arm.stop()
        assert await heard.next() == "words {}"
        arm.say(status((1, "A new life."), instance="two"))
        await arm.start()
        assert await heard.next() == "A new life."
    finally:
        await heard.watch.stop()


async def test_the_next_try_is_told_while_there_is_no_address(arm: FakeArm, monkeypatch: pytest.MonkeyPatch) -> None:
    at = time.mktime((2026, 3, 4, 15, 16, 17, 0, 0, -1))
    heard = Heard(arm, monkeypatch)
    arm.say(status(message="No DHCP answer.", next_try=at))
    await heard.watch.start()
    try:
        assert await heard.next() == f"words {{'{MAC}': 'No DHCP answer. Next try at 15:16:17.'}}"
        arm.say(status(message="It does not renew.", next_try=at, address="10.77.0.5/24"))
        assert await heard.next() == f"words {{'{MAC}': 'It does not renew.'}}"
        arm.say(status(message="Odd.", next_try=1e300))
        assert await heard.next() == f"words {{'{MAC}': 'Odd.'}}"
    finally:
        await heard.watch.stop()


async def test_how_each_interface_has_its_address_is_known_with_the_end_of_its_lease(
    arm: FakeArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(arm, monkeypatch)
    arm.say(status(parent="eth0", method="dhcp", expires=1_800_000_000.5, address="10.77.0.5/24"))
    row = InterfaceRow(1, "vcam1", MAC, "10.77.0.5", 24, "netlink")
    await heard.watch.start()
    try:
        await heard.next()
        model = interface_model(row, tenure=heard.watch.standing()[MAC])
        assert (model.parent, model.method, model.lease_until) == ("eth0", "dhcp", "2027-01-15T08:00:00Z")
        arm.say(status(parent="eth0", method="static", expires=1e300, address="10.77.0.5/24"))
        await heard.next()
        model = interface_model(row, tenure=heard.watch.standing()[MAC])
        assert (model.method, model.lease_until) == ("static", None)
        await arm.stop()
        await heard.next()
        assert not heard.watch.standing()
    finally:
        await heard.watch.stop()


async def test_names_are_told_again_after_a_restart(arm: FakeArm, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(arm, monkeypatch)
    heard.watch.name_cameras({MAC: "Gate"})

    async def told(names: dict[str, str]) -> None:
        async with asyncio.timeout(10):
            while {"do": "hostnames", "names": names} not in arm.asked:
                arm.arrived.clear()
                await arm.arrived.wait()

    await heard.watch.start()
    try:
        await told({MAC: "Gate"})
        heard.watch.name_cameras({MAC: "Gate 2"})
        await told({MAC: "Gate 2"})
        await arm.stop()
        arm.asked.clear()
        await arm.start()
        await told({MAC: "Gate 2"})
    finally:
        await heard.watch.stop()


@pytest.mark.parametrize(
    "nonsense",
    [
        {"ok": True},
        {**status(), "cameras": 7},
        {**status(), "cameras": ["vcam1"]},
        {**status(), "cameras": {"vcam1": {}}},
        {**status(), "cameras": status()["cameras"] * 3000},
        {**status(), "notices": [{}]},
        {**status((1, "?")), "instance": ["one"]},
        status(next_try={}),
        status(name=7),
        b'{"ok":true,"instance":"i","cameras":[],"notices":[{"id":1e999,"level":"info","text":"","camera":""}]}\n',
        b"[" * 200_000 + b"\n",
        b"x" * 5_000_000,
        b'{"ok": true, "instance"',
        b"\xff\n",
        b"",
    ],
)
async def test_nonsense_from_the_arm_harms_nobody(
    arm: FakeArm, monkeypatch: pytest.MonkeyPatch, nonsense: dict[str, Any] | bytes
) -> None:
    heard = Heard(arm, monkeypatch)
    arm.say(nonsense)
    await heard.watch.start()
    try:
        async with asyncio.timeout(10):
            while len([question for question in arm.asked if question["do"] == "watch"]) < 2:
                arm.arrived.clear()
                await arm.arrived.wait()
        arm.watchers.clear()
        arm.say(status(message="Well again."))
        assert "Well again." in await heard.next()
    finally:
        await heard.watch.stop()


async def test_what_cannot_be_shown_or_kept_is_taken_out_of_its_words(
    arm: FakeArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard(arm, monkeypatch)
    arm.say(status((1, "from before")))
    await heard.watch.start()
    try:
        assert await heard.next() == "words {}"
        arm.say(status((1, "from before"), (2, "half \ud83d \x1b[2Ja pair"), (3, "n" * 100_000)))
        assert await heard.next() == "half    [2Ja pair"
        assert await heard.next() == "n" * 600
    finally:
        await heard.watch.stop()


async def test_an_arm_that_never_stops_talking_leaves_time_for_the_cameras(
    arm: FakeArm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxyd.links.arm._STATUS_EVERY_S", 3600.0)
    heard = Heard(arm, monkeypatch)
    arm.say(status())
    await heard.watch.start()
    try:
        assert await heard.next() == "words {}"
        for number in range(1000):
            arm.say(status((number + 1, "chatter")))
        await ArmClient(arm.path).call("status")
        assert heard.news.empty()
    finally:
        await heard.watch.stop()


async def test_a_fault_of_a_listener_does_not_end_the_watch(arm: FakeArm, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(arm, monkeypatch)
    failing = [ValueError("a bug of the listener")]

    async def noticed(notice: ArmNotice) -> None:
        if failing:
            raise failing.pop()
        heard.news.put_nowait(notice.text)

    heard.watch = ArmWatch(ArmClient(arm.path), changed=heard._changed, noticed=noticed)
    await heard.watch.start()
    try:
        assert await heard.next() == "words {}"
        arm.say(status((1, "lost in the fault")))
        assert await heard.next() == "words {}"
        arm.say(status((1, "lost in the fault"), (2, "The next.")))
        while (news := await heard.next()) != "The next.":
            assert news == "words {}"
    finally:
        await heard.watch.stop()


async def test_without_an_arm_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    watch = ArmWatch(None, changed=never, noticed=never)
    await watch.start()
    watch.name_cameras({MAC: "Gate"})
    assert watch.words() == {}
    await watch.stop()
