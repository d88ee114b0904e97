"""The event pump against the simulated NVR on real sockets: every dialect, and every odd case that was seen."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import aiohttp
import pytest
from yarl import URL

from proxyd.errors import UpstreamAuthError
from proxyd.nvr.account import Account
from proxyd.nvr.events import consumer as consumers
from proxyd.nvr.events.parse import NvrEvent
from proxyd.nvr.link import NvrLink
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.event_forms import FORMS
from proxyd.simulator.faults import Faults
from proxyd.simulator.happenings import Happening
from tests.proxyd.nvr.events.listening import Ear, pumping

MOTION = "VideoSource/MotionAlarm"


async def hears_motion(nvr: SimulatedNvr, ear: Ear, mode: str = "pull point") -> None:
    before = len(ear.told(MOTION))
    await ear.until(lambda: ear.mode == mode)
    nvr.happen(Happening(1, "motion"))
    await ear.until(lambda: len(ear.told(MOTION)) > before)


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_events_of_every_dialect_arrive(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect) as nvr:
        async with pumping(nvr) as (ear, _):
            await ear.until(lambda: ear.mode == "pull point")
            for form in FORMS[dialect]:
                nvr.happen(Happening(2, form.kind))
            topics = {form.topic.partition(":")[2] for form in FORMS[dialect] if form.topic.startswith("tns1:")}
            await ear.until(lambda: topics <= {e.topic for e in ear.events if e.operation != "Initialized"})
        assert nvr.wrong_passwords == 0
        assert nvr.requests["CreatePullPointSubscription"] == nvr.requests["Unsubscribe"] == 1


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_notifications_where_there_are_no_pull_points(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect, faults=Faults(notify_only=True)) as nvr:
        async with pumping(nvr) as (ear, _):
            await hears_motion(nvr, ear, "notification")
            assert any(e.operation == "Initialized" for e in ear.events) or dialect == "gsoap"
        assert nvr.requests["Unsubscribe"] == 1


@pytest.mark.parametrize(
    "fault",
    [
        "clock=2017",
        "subscription-host=192.0.2.77",
        "no-addressing",
        "slow=0.3",
        "no-renew",
        "impatient-pulls",
        "get-services-fault",
        "wrong-xaddr-host",
    ],
)
async def test_odd_devices_are_understood(fault: str) -> None:
    async with SimulatedNvr(channels=2) as nvr:
        await nvr.set_fault(fault)
        async with pumping(nvr) as (ear, _):
            await hears_motion(nvr, ear)
        assert nvr.wrong_passwords == 0


async def test_an_impatient_device_is_not_asked_in_a_loop() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(impatient_pulls=True)) as nvr, pumping(nvr) as (ear, _):
        await hears_motion(nvr, ear)
        nvr.happen(Happening(1, "tamper"))
        await ear.until(lambda: ear.told("VideoSource/GlobalSceneChange/ImagingService"))
        assert nvr.requests["PullMessages"] <= 5


async def test_waits_that_the_device_cuts_off_become_shorter() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(cut_pulls_s=2)) as nvr, pumping(nvr, pull_s=4.0) as (ear, _):
        await ear.until(lambda: ear.losses == 2)  # 4 s, then 2 s
        await hears_motion(nvr, ear)
        nvr.happen(Happening(1, "tamper"))
        await ear.until(lambda: ear.told("VideoSource/GlobalSceneChange/ImagingService"))
        assert (ear.begun, ear.losses) == (1, 2)
        assert nvr.requests["CreatePullPointSubscription"] == 1


async def test_a_subscription_is_renewed_before_it_ends() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(subscription_s=6)) as nvr:
        async with pumping(nvr, pull_s=1.0) as (ear, _):
            await ear.until(lambda: nvr.requests["Renew"] == 2)
            await hears_motion(nvr, ear)
            assert ear.begun == 1
        assert nvr.requests["CreatePullPointSubscription"] == 1


async def test_what_cannot_be_renewed_is_given_back_and_made_anew() -> None:
    faults = Faults(subscription_s=5, no_renew=True)
    async with SimulatedNvr(channels=1, dialect="reolink", faults=faults) as nvr, pumping(nvr, pull_s=1.0) as (ear, _):
        await ear.until(lambda: ear.begun == 2)
        await hears_motion(nvr, ear)
        assert nvr.requests["Unsubscribe"] == 1
        assert ear.losses == 0


async def test_a_forgotten_subscription_is_made_anew_at_once() -> None:
    async with SimulatedNvr(channels=1) as nvr, pumping(nvr, pull_s=1.0) as (ear, _):
        await hears_motion(nvr, ear)
        nvr.forget_subscriptions()
        await ear.until(lambda: ear.begun == 2)
        await hears_motion(nvr, ear)


async def test_a_device_that_forgets_each_subscription_is_not_asked_in_a_loop() -> None:
    class Forgotten(Ear):
        def heard(self, events: list[NvrEvent]) -> None:
            nvr.forget_subscriptions()
            super().heard(events)

    loop = asyncio.get_running_loop()
    async with SimulatedNvr(channels=2) as nvr, pumping(nvr, ear=Forgotten()) as (ear, _):
        await ear.until(lambda: ear.begun == 1)
        first_s = loop.time()
        await ear.until(lambda: ear.begun == 3)
        assert loop.time() - first_s > 2.0, "the pause grows"


@pytest.mark.parametrize("notify_only", [False, True])
async def test_a_restart_of_the_nvr(notify_only: bool) -> None:
    mode = "notification" if notify_only else "pull point"
    faults = Faults(notify_only=notify_only, subscription_s=5)
    async with SimulatedNvr(channels=1, faults=faults) as nvr, pumping(nvr) as (ear, _):
        await hears_motion(nvr, ear, mode)
        await nvr.restart(0.5)
        await ear.until(lambda: ear.begun == 2)
        await hears_motion(nvr, ear, mode)
        assert nvr.wrong_passwords == 0


async def test_a_clock_that_is_set_meanwhile_is_no_wrong_password() -> None:
    async with SimulatedNvr(channels=1) as nvr, pumping(nvr, pull_s=1.0) as (ear, _):
        await hears_motion(nvr, ear)
        await nvr.set_fault("clock=2031")
        nvr.forget_subscriptions()
        await ear.until(lambda: ear.begun == 2)
        await hears_motion(nvr, ear)
        assert nvr.wrong_passwords == 0
        assert ear.errors == []


async def test_too_many_pull_points_are_said_in_words() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(pull_points_full=True)) as nvr, pumping(nvr) as (ear, pump):
        await ear.until(lambda: ear.mode == "none")
        assert "too many event subscriptions" in ear.reason
        assert "restart it" in ear.reason
        await nvr.set_fault("pull-points-full=off")
        pump.wake()
        await hears_motion(nvr, ear)


async def test_a_device_without_events() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(no_events=True)) as nvr, pumping(nvr) as (ear, _):
        await ear.until(lambda: ear.mode == "none")
        assert "no event service" in ear.reason
        assert nvr.requests["CreatePullPointSubscription"] == 0


async def test_a_refused_password_is_tried_once() -> None:
    async with SimulatedNvr(channels=1) as nvr:
        wrong = replace(nvr.access, password="another-one")
        async with pumping(nvr, access=wrong) as (ear, pump):
            await ear.until(lambda: ear.mode == "none")
            assert "refuses the account" in ear.reason
            assert "another-one" not in ear.reason
            tried = nvr.wrong_passwords
            pump.wake()
            await ear.until(lambda: len(ear.errors) == 2)  # somebody said "again", but not to the link
            assert nvr.wrong_passwords == tried == 1


async def test_an_account_known_to_be_refused_is_not_tried() -> None:
    async with SimulatedNvr(channels=1) as nvr:
        account = Account(nvr.access, refused=UpstreamAuthError("no", ""))
        link = NvrLink(account)
        with pytest.raises(UpstreamAuthError):
            await link.address_of("events")
        assert nvr.requests.total() == 0
        account.forget()
        assert await link.address_of("events") is not None
        await link.close()


async def test_a_flood_arrives_complete_and_in_order() -> None:
    async with SimulatedNvr(channels=4, dialect="dahua") as nvr, pumping(nvr) as (ear, _):
        await ear.until(lambda: ear.mode == "pull point")
        nvr.set_event_rate(1000)
        topic = "RuleEngine/CountAggregation/Counter"
        await ear.until(lambda: len(ear.told(topic)) >= 2000)
    by_channel: dict[str, list[int]] = {}
    for event in ear.told(topic):
        by_channel.setdefault(event.source[0][1], []).append(int(dict(event.data)["Count"]))
    assert len(by_channel) == 4
    assert all(counts == list(range(1, len(counts) + 1)) for counts in by_channel.values())


async def test_only_the_nvr_may_notify_and_only_at_the_secret_path() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(notify_only=True)) as nvr, pumping(nvr) as (ear, pump):
        await hears_motion(nvr, ear, "notification")
        consumer = pump._subscriber._consumer
        assert consumer is not None
        heard = len(ear.events)
        async with aiohttp.ClientSession() as session:
            async with session.post(consumer.url.rpartition("/")[0] + "/other", data=b"<a/>") as reply:
                assert reply.status == 404
            for bad in (b"", b"nonsense", b"<!DOCTYPE a><a/>", b"<a/>", b"\xff"):
                async with session.post(consumer.url, data=bad) as reply:
                    assert reply.status in (200, 400)
            async with session.post(consumer.url, data=b"<a>" + b" " * 600_000 + b"</a>") as reply:
                assert reply.status == 413
        other = aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.9", 0)))
        async with other as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.post(consumer.url, data=b"<a/>")
        assert len(ear.events) == heard


async def test_strangers_and_silent_connections_take_no_place_where_the_nvr_notifies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumers, "BODY_TIMEOUT_S", 0.1)
    heard: list[NvrEvent] = []
    consumer = consumers.Consumer("127.0.0.1", heard.extend)
    url = URL(await consumer.start())
    many = 2 * consumers.MAX_CONNECTIONS
    try:
        strangers = [
            await asyncio.open_connection(url.host, url.port, local_addr=("127.0.0.9", 0)) for _ in range(many)
        ]
        ours = [await asyncio.open_connection(url.host, url.port) for _ in range(many)]
        for reader, _ in (*strangers, *ours[consumers.MAX_CONNECTIONS :]):
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
        reader, writer = ours[0]
        writer.write(f"POST {url.raw_path} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n<a".encode())
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 10)
        for _, writer in (*strangers, *ours):
            writer.close()
    finally:
        await consumer.stop()
    assert heard == []
