"""Pull points: created, waited on, renewed, given up, forgotten by a restart."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.event_forms import FORMS, EventKind
from proxyd.simulator.happenings import Happening
from proxyd.simulator.services.events import parse_duration
from proxyd.simulator.soap import Element, clark
from tests.proxyd.simulator.onvif_requests import OnvifRequests

ALL = ("hikvision", "dahua", "uniview", "reolink", "axis", "gsoap")


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT60S", 60), ("PT1M30S", 90), ("PT1H", 3600), ("P1D", 86400), ("PT5.5S", 5)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@given(st.text(alphabet="PT0123456789DHMS.", max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)


async def subscribe(onvif: OnvifRequests) -> str:
    """The path and query of a new pull point."""
    reply = await onvif.call("tev:CreatePullPointSubscription")
    (address,) = reply.texts("wsa:Address")
    base = f"http://{onvif.nvr.host}:{onvif.nvr.port}"
    assert address.startswith(base)
    return address.removeprefix(base)


async def pull(onvif: OnvifRequests, path: str, *, wait: str = "PT10S") -> list[Element]:
    """The tt:Message elements of one pull."""
    reply = await onvif.call("tev:PullMessages", f"<tev:Timeout>{wait}</tev:Timeout>", path=path)
    assert reply.body.tag.endswith("PullMessagesResponse"), reply.text
    return list(reply.body.iter(clark("tt:Message")))


def items(message: Element) -> dict[str, str]:
    return {str(item.get("Name")): str(item.get("Value")) for item in message.iter(clark("tt:SimpleItem"))}


@pytest.mark.parametrize("dialect", ALL)
async def test_the_life_of_a_pull_point(dialect: str) -> None:
    async with SimulatedNvr(channels=1, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        told = await pull(onvif, path)
        assert {message.get("PropertyOperation") for message in told} == {"Initialized"}
        assert await pull(onvif, path, wait="PT0S") == []
        renewed = await onvif.call("wsnt:Renew", "<wsnt:TerminationTime>PT120S</wsnt:TerminationTime>", path=path)
        assert renewed.body.tag.endswith("RenewResponse")
        assert (await onvif.call("tev:SetSynchronizationPoint", path=path)).status == 200
        assert (await onvif.call("wsnt:Unsubscribe", path=path)).status == 200
        gone = await onvif.call("tev:PullMessages", path=path)
        assert gone.subcodes == ["InvalidArgVal"]


async def test_a_pull_waits() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        await pull(onvif, path)
        started = time.monotonic()
        await onvif.call("tev:PullMessages", "<tev:Timeout>PT1S</tev:Timeout>", path=path)
        assert time.monotonic() - started >= 0.95


async def test_pull_points_run_out_with_an_empty_reason() -> None:
    async with SimulatedNvr(channels=1, dialect="reolink") as nvr, OnvifRequests(nvr) as onvif:
        await subscribe(onvif)
        await subscribe(onvif)
        refused = await onvif.call("tev:CreatePullPointSubscription")
        assert refused.subcodes == ["Action", "BlockedThreadUpperLimit"]
        assert [text.strip() for text in refused.body.itertext() if "no" in text] == []


async def test_a_restart_ends_the_wait_and_forgets_the_pull_point() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        await pull(onvif, path)
        waiting = asyncio.create_task(
            onvif.call("tev:PullMessages", "<tev:Timeout>PT60S</tev:Timeout>", path=path), name="pull"
        )
        while nvr.requests["PullMessages"] == 1:
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await nvr.restart(0)
            await asyncio.gather(waiting, return_exceptions=True)
        assert (await onvif.call("tev:PullMessages", path=path)).subcodes == ["InvalidArgVal"]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("tev:CreatePullPointSubscription", "<tev:InitialTerminationTime>soon</tev:InitialTerminationTime>"),
        ("tev:CreatePullPointSubscription", "<tev:InitialTerminationTime>P9x</tev:InitialTerminationTime>"),
    ],
)
async def test_bad_times_are_refused(operation: str, body: str) -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        assert (await onvif.call(operation, body)).subcodes == ["InvalidArgVal"]


async def test_a_pull_point_dies_unless_renewed() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        now = "<tev:InitialTerminationTime>PT0S</tev:InitialTerminationTime>"
        reply = await onvif.call("tev:CreatePullPointSubscription", now)
        path = reply.texts("wsa:Address")[0].removeprefix(f"http://{nvr.host}:{nvr.port}")
        assert (await onvif.call("tev:PullMessages", path=path)).subcodes == ["InvalidArgVal"]


@pytest.mark.parametrize(("dialect", "kind"), [(d, form.kind) for d in ALL for form in FORMS[d]])
async def test_each_kind_of_event_reaches_a_waiting_pull(dialect: str, kind: EventKind) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        await pull(onvif, path)
        waiting = asyncio.create_task(pull(onvif, path), name="pull")
        while nvr.requests["PullMessages"] == 1:
            await asyncio.sleep(0)
        nvr.happen(Happening(2, kind))
        forms = [form for form in FORMS[dialect] if form.kind == kind]
        told = await waiting
        assert len(told) == len(forms)
        names = {name for form in forms for name, _ in (*form.source, *form.data)}
        assert {name for message in told for name in items(message)} == names
        tokens = {value for message in told for value in items(message).values()}
        second = next(p for p in nvr.layout.profiles if p.channel == 2 and p.media.name == "main")
        of_channel = {second.source, second.listed_source, second.source_config, second.token, "2"}
        if kind not in ("storage", "vendor") and (dialect, kind) != ("hikvision", "digital-input"):
            assert tokens & of_channel


async def test_events_that_never_end_and_events_that_all_name_channel_1() -> None:
    async with SimulatedNvr(channels=2, dialect="hikvision") as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        await pull(onvif, path)
        await nvr.set_fault("events-as-channel-1")
        nvr.happen(Happening(2, "tamper"))
        [message] = await pull(onvif, path)
        assert items(message) == {"Source": nvr.layout.profiles[0].source, "State": "true"}
        await nvr.set_fault("events-only-true")
        nvr.happen(Happening(2, "tamper", False))
        assert await pull(onvif, path, wait="PT0S") == []


async def test_faults_of_subscriptions() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        await nvr.set_fault("subscription-host")
        reply = await onvif.call("tev:CreatePullPointSubscription")
        assert reply.texts("wsa:Address")[0].startswith("http://10.255.0.1:")
        await nvr.set_fault("notify-only")
        assert (await onvif.call("tev:CreatePullPointSubscription")).subcodes == ["ActionNotSupported"]
        await nvr.set_fault("notify-only=off")
        await nvr.set_fault("no-events")
        assert (await onvif.call("tev:CreatePullPointSubscription")).subcodes == ["ActionNotSupported"]
        services = await onvif.call("tds:GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
        assert not any("events" in text for text in services.texts("tds:Namespace"))


async def test_a_consumer_is_notified_in_order() -> None:
    got: list[int] = []
    done = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        body = etree.fromstring(await request.read())
        got.extend(int(i["Count"]) for i in map(items, body.iter(clark("tt:Message"))) if "Count" in i)
        if len(got) >= 50:
            done.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        consumer = f"<wsnt:ConsumerReference><wsa:Address>{hook}</wsa:Address></wsnt:ConsumerReference>"
        reply = await onvif.call("wsnt:Subscribe", consumer, path=DIALECTS[nvr.dialect].paths.events)
        assert reply.body.tag.endswith("SubscribeResponse")
        nvr.set_event_rate(500)
        async with asyncio.timeout(20):
            await done.wait()
    await runner.cleanup()
    assert got == list(range(1, len(got) + 1))


async def test_the_control_endpoint_makes_events() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        await pull(onvif, path)
        event = {"channel": 1, "kind": "tamper"}
        async with onvif.session.post(nvr.control_url, json={"event": event}) as reply:
            assert reply.status == 200
        [message] = await pull(onvif, path)
        assert items(message)["State"] == "true"
        async with onvif.session.post(nvr.control_url, json={"events_per_s": 100}) as reply:
            assert reply.status == 200
        assert items((await pull(onvif, path))[0])["Count"] == "1"
        async with onvif.session.post(nvr.control_url, json={"events_per_s": 0, "forget": "subscriptions"}) as reply:
            assert (await reply.json())["events_sent"] >= 1
        assert (await onvif.call("tev:PullMessages", path=path)).subcodes == ["InvalidArgVal"]
