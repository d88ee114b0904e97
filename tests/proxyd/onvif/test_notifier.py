"""Notifications over real sockets: delivered, tried again with bounds, ended, never sent where they may not go."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.event_filter import EventFilter
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, motion_events
from proxyd.onvif.names import Resolve, SystemNames
from proxyd.onvif.notifier import MAX_FAILED_BATCHES, Notifier, is_own_address
from proxyd.onvif.subscriptions import Subscription, Subscriptions

from .builders import NOW, camera_spec
from .recorder import Recorder, running_recorder
from .schemas import Validator


@dataclass
class Bench:
    """A notifier of a camera at 127.0.0.3 and the trace of that camera."""

    spec: CameraSpec = field(default_factory=lambda: camera_spec(address="127.0.0.3", prefix_length=8))
    trace: list[dict[str, Any]] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    post_timeout_s: float = 5.0
    resolve: Resolve | None = None

    def __post_init__(self) -> None:
        numbers = count()
        self.subscriptions = Subscriptions(lambda: f"s{next(numbers)}")
        self.notifier = Notifier(
            lambda: self.spec,
            self.subscriptions,
            record=self._record,
            now=self.now,
            pauses_s=(0, 0, 0),
            grace_s=0,
            post_timeout_s=self.post_timeout_s,
            resolve=self.resolve,
        )

    def _record(self, **entry: Any) -> None:
        self.trace.append(entry)

    def subscribe(self, url: str, lifetime_s: float = 60) -> Subscription:
        made = self._create(url, lifetime_s)
        self.notifier.start(made)
        return made

    async def admit(self, url: str) -> str:
        return await self.notifier.admit(self._create(url, 60))

    def _create(self, url: str, lifetime_s: float) -> Subscription:
        made = self.subscriptions.create(
            client="127.0.0.1", lifetime_s=lifetime_s, wanted=EventFilter(), now=self.now(), consumer=url
        )
        assert made is not None
        return made

    def motion(self, moving: bool) -> None:
        for event in motion_events(moving, NOW):
            self.subscriptions.deliver(event, self.now())

    async def ended(self, subscription: Subscription) -> None:
        """Until the subscription has ended and its task is gone."""
        async with asyncio.timeout(30):
            while not subscription.closed or self.notifier._tasks:
                await asyncio.sleep(0)

    @property
    def reasons(self) -> list[str]:
        return [entry["reason"] for entry in self.trace]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    bench.subscriptions.close()
    await bench.notifier.stop()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with running_recorder() as recorder:
        yield recorder


async def test_states_first_then_what_happens_in_order(bench: Bench, recorder: Recorder, validator: Validator) -> None:
    bench.subscribe(recorder.url)
    await recorder.wait_for(1)
    for moving in (True, False, True):
        bench.motion(moving)
        await recorder.wait_for(len(recorder.bodies) + 1)
    assert recorder.heard() == [
        (MOTION_ALARM, "false", "Initialized"),
        (CELL_MOTION, "false", "Initialized"),
        *((topic, value, "Changed") for value in ("true", "false", "true") for topic in (MOTION_ALARM, CELL_MOTION)),
    ]
    for body in recorder.bodies:
        validator.body(body)
    assert set(recorder.peers) == {"127.0.0.3"}  # the camera's own address, so that the recorder knows who calls
    assert set(recorder.content_types) == {"application/soap+xml"}
    assert bench.reasons == ["events are sent"]
    assert bench.trace[0]["client"] == recorder.url.removeprefix("http://").rstrip("/")


async def test_a_recorder_that_recovers_has_missed_nothing(bench: Bench, recorder: Recorder) -> None:
    recorder.status = 503
    bench.subscribe(recorder.url)
    await recorder.wait_for(4)  # three tries, and the next three begin
    recorder.status = 200
    bench.motion(True)
    await recorder.wait_for(6)
    async with asyncio.timeout(30):
        while "events are sent" not in bench.reasons or len(recorder.heard()) < 6:
            await asyncio.sleep(0)
    assert [entry["ok"] for entry in bench.trace] == [False, True]
    assert "HTTP 503" in bench.reasons[0]
    assert recorder.heard()[-2:] == [(MOTION_ALARM, "true", "Changed"), (CELL_MOTION, "true", "Changed")]


@pytest.mark.parametrize(("status", "words"), [(500, "HTTP 500"), (404, "HTTP 404"), (301, "HTTP 301")])
async def test_it_ends_after_bounded_effort(bench: Bench, recorder: Recorder, status: int, words: str) -> None:
    recorder.status = status
    subscription = bench.subscribe(recorder.url)
    await bench.ended(subscription)
    assert len(recorder.bodies) == 3 * MAX_FAILED_BATCHES  # a redirect is a failure: it is not followed
    assert len(bench.trace) == MAX_FAILED_BATCHES
    assert "the subscription ends" in bench.reasons[-1] and words in bench.reasons[-1]
    assert bench.subscriptions.get(subscription.id, bench.now()) is None


async def test_nobody_there(bench: Bench) -> None:
    async with running_recorder() as gone:
        url = gone.url
    await bench.ended(bench.subscribe(url))
    assert "cannot be reached" in bench.reasons[-1]


async def test_a_recorder_that_never_answers(recorder: Recorder) -> None:
    bench = Bench(post_timeout_s=0.05)
    recorder.hangs = True
    await bench.ended(bench.subscribe(recorder.url))
    assert "no answer within 0.05 s" in bench.reasons[-1]
    assert len(recorder.bodies) == 3 * MAX_FAILED_BATCHES
    await bench.notifier.stop()


async def test_one_that_hangs_does_not_hold_up_another(bench: Bench, recorder: Recorder) -> None:
    async with running_recorder() as slow:
        slow.hangs = True
        bench.subscribe(slow.url)
        await slow.wait_for(1)
        bench.subscribe(recorder.url)
        await recorder.wait_for(1)
        bench.motion(True)
        await recorder.wait_for(2)
        await bench.notifier.stop()
    assert len(slow.bodies) == 1


async def test_unsubscribing_and_expiry_end_it(recorder: Recorder) -> None:
    shift = timedelta(0)
    bench = Bench(now=lambda: datetime.now(UTC) + shift)
    one = bench.subscribe(recorder.url)
    await recorder.wait_for(1)
    bench.subscriptions.remove(one.id)
    await bench.ended(one)
    other = bench.subscribe(recorder.url)
    await recorder.wait_for(2)
    other.extend(10, bench.now())  # the task looks again, and finds that it is over
    shift = timedelta(seconds=11)
    other._wake()
    await bench.ended(other)
    assert bench.reasons == ["events are sent", "events are sent"]
    await bench.notifier.stop()


async def test_what_the_operator_takes_back_holds_at_once(bench: Bench, recorder: Recorder) -> None:
    subscription = bench.subscribe(recorder.url)
    await recorder.wait_for(1)
    bench.spec = replace(bench.spec, address="10.77.0.20", prefix_length=24)  # not in loopback mode any more
    bench.motion(True)
    await bench.ended(subscription)
    assert len(recorder.bodies) == 1
    assert "the host of the camera" in bench.reasons[-1]


async def test_stop_ends_a_delivery_under_way(bench: Bench, recorder: Recorder) -> None:
    recorder.hangs = True
    bench.subscribe(recorder.url)
    await recorder.wait_for(1)
    await asyncio.wait_for(bench.notifier.stop(), 2)
    assert len(bench.subscriptions) == 0


def _by_name(recorder: Recorder, name: str) -> str:
    return recorder.url.replace("127.0.0.1", name)


async def test_a_recorder_with_a_name_is_called_by_it(bench: Bench, recorder: Recorder) -> None:
    url = _by_name(recorder, "localhost")
    assert await bench.admit(f"{url}api/webhook/7c?x=1") == ""
    await recorder.wait_for(1)
    bench.motion(True)
    await recorder.wait_for(2)
    assert recorder.hosts == [url.removeprefix("http://").rstrip("/")] * 2
    assert set(recorder.peers) == {"127.0.0.3"}
    assert bench.trace[0]["client"] == f"127.0.0.1:{recorder.hosts[0].rpartition(':')[2]}"


async def test_a_name_opens_nothing_that_its_address_would_not(bench: Bench, recorder: Recorder) -> None:
    bench.spec = replace(bench.spec, address="10.77.0.20", prefix_length=24)
    assert "localhost: 127.0.0.1 is the host of the camera" in await bench.admit(_by_name(recorder, "localhost"))
    assert (len(bench.subscriptions), recorder.bodies) == (0, [])


async def test_a_name_that_means_another_address_later_is_judged_again(recorder: Recorder) -> None:
    """As in an attack by a name server of one's own: what was judged is what is called, each time."""
    answers = [["127.0.0.1"], ["127.0.0.1"], ["169.254.169.254"]]
    asked: list[str] = []

    async def resolve(name: str) -> list[str]:
        asked.append(name)
        return answers[min(len(asked), len(answers)) - 1]

    bench = Bench(resolve=resolve)
    assert await bench.admit(_by_name(recorder, "recorder.example")) == ""
    await recorder.wait_for(1)
    bench.motion(True)
    async with asyncio.timeout(10):
        while bench.notifier._tasks:
            await asyncio.sleep(0)
    assert len(recorder.bodies) == 1
    assert "169.254.169.254 is not the address of a recorder" in bench.reasons[-1]
    assert set(asked) == {"recorder.example"}
    await bench.notifier.stop()


async def test_a_recorder_that_moves_is_found_again(recorder: Recorder) -> None:
    places = iter(["127.0.0.1", "127.0.0.9", "127.0.0.1"])  # nobody listens at the second

    async def resolve(name: str) -> list[str]:
        return [next(places)]

    bench = Bench(resolve=resolve)
    assert await bench.admit(_by_name(recorder, "recorder.example")) == ""
    await recorder.wait_for(1)
    assert next(places, None) is None
    bench.subscriptions.close()
    await bench.notifier.stop()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "has no address here"),
        (TimeoutError(), "nobody says in time"),
    ],
)
async def test_a_name_that_nobody_knows(error: Exception, words: str) -> None:
    async def resolve(name: str) -> list[str]:
        raise error

    bench = Bench(resolve=resolve)
    assert words in await bench.admit("http://recorder.example/")
    assert len(bench.subscriptions) == 0
    await bench.notifier.stop()


async def test_whoever_hangs_up_while_a_name_is_looked_up_leaves_no_subscription() -> None:
    begun = asyncio.Event()

    async def resolve(name: str) -> list[str]:
        begun.set()
        await asyncio.Event().wait()
        return []

    bench = Bench(resolve=resolve)
    asking = asyncio.create_task(bench.admit("http://recorder.example/"), name="subscribe")
    await begun.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert len(bench.subscriptions) == 0
    await bench.notifier.stop()


async def test_the_resolver_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    names = SystemNames()
    assert "127.0.0.1" in await names("localhost")
    monkeypatch.setattr("proxyd.onvif.names.RESOLVE_S", 0)
    with pytest.raises(TimeoutError):
        await names("localhost")


async def test_a_dead_name_server_is_asked_once_at_a_time_and_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[threading.Thread] = []
    answers = threading.Event()

    def look_up(*args: Any, **more: Any) -> list[Any]:
        asked.append(threading.current_thread())
        answers.wait(60)
        return [(0, 0, 0, "", ("192.0.2.7", 0)), (0, 0, 0, "", ("192.0.2.7", 0))]

    monkeypatch.setattr("proxyd.onvif.names.socket.getaddrinfo", look_up)
    monkeypatch.setattr("proxyd.onvif.names.RESOLVE_S", 0.05)
    names = SystemNames()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await names("recorder.example")
    assert [thread.daemon for thread in asked] == [True], "else the program's end waits for it"
    answers.set()
    monkeypatch.setattr("proxyd.onvif.names.RESOLVE_S", 30)
    assert await names("recorder.example") == ["192.0.2.7"]
    assert len(asked) == 2


async def test_ipv6_recorders_are_called_where_the_operator_says_so(bench: Bench) -> None:
    async with running_recorder("::1") as recorder:
        assert "neither the subscriber's address" in await bench.admit(recorder.url)
        bench.spec = replace(bench.spec, settings=CameraSettings(notify=("::1/128",)))
        assert await bench.admit(recorder.url) == ""
        await recorder.wait_for(1)
        assert recorder.peers == ["::1"]
        bench.spec = replace(bench.spec, address="10.77.0.20", prefix_length=24)  # not in loopback mode
        assert "::1 is the host of the camera" in await bench.admit(recorder.url)
        await bench.notifier.stop()


def test_own_addresses() -> None:
    assert is_own_address("127.0.0.1")
    assert is_own_address("::1")
    assert not is_own_address("192.0.2.1")
    assert not is_own_address("2001:db8::1")
