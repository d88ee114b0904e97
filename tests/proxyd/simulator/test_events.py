"""Pull points: created, waited on, renewed, given up, forgotten by a restart."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.services.events import parse_duration
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


@pytest.mark.parametrize("dialect", ALL)
async def test_the_life_of_a_pull_point(dialect: str) -> None:
    async with SimulatedNvr(channels=1, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
        pulled = await onvif.call("tev:PullMessages", "<tev:Timeout>PT0S</tev:Timeout>", path=path)
        assert pulled.body.tag.endswith("PullMessagesResponse")
        assert pulled.texts("wsnt:NotificationMessage") == []
        renewed = await onvif.call("wsnt:Renew", "<wsnt:TerminationTime>PT120S</wsnt:TerminationTime>", path=path)
        assert renewed.body.tag.endswith("RenewResponse")
        assert (await onvif.call("tev:SetSynchronizationPoint", path=path)).status == 200
        assert (await onvif.call("wsnt:Unsubscribe", path=path)).status == 200
        gone = await onvif.call("tev:PullMessages", path=path)
        assert gone.subcodes == ["InvalidArgVal"]


async def test_a_pull_waits() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        path = await subscribe(onvif)
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
        pull = asyncio.create_task(
            onvif.call("tev:PullMessages", "<tev:Timeout>PT60S</tev:Timeout>", path=path), name="pull"
        )
        while nvr.requests["PullMessages"] == 0:
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await nvr.restart(0)
            await asyncio.gather(pull, return_exceptions=True)
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
