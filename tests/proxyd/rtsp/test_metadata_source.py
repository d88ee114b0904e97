"""The NVR's own metadata: what of it reaches recorders, and what it costs when there is none."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from proxyd.onvif.namespaces import clark
from proxyd.simulator.faults import Faults

from .cameras import DEADLINE_S, NVR_HOST, camera, recorder, simulated_nvr
from .metadata_recorder import BOTH, OBJECTS, Documents, move, now, set_up, states, still, until_state


@pytest.mark.parametrize("udp", [False, True], ids=["TCP", "UDP"])
async def test_objects_of_the_nvr_pass_and_nothing_that_names_it(udp: bool) -> None:
    faults = Faults(metadata=frozenset({3}), rtsp_udp_only=udp)
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=OBJECTS) as (server, seen, base),
        recorder(server) as one,
    ):
        url = f"{base}/main"
        assert (await one.ask("DESCRIBE", url)).status == 200
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        boxes = []
        for _ in range(3):
            frame = await documents.until("tt:VideoAnalytics/tt:Frame")
            assert abs((datetime.fromisoformat(frame.get("UtcTime") or "") - now()).total_seconds()) < 5
            box = frame.find(f".//{clark('tt:BoundingBox')}")
            assert box is not None
            boxes.append(float(box.get("left") or "nan"))
        assert boxes == sorted(set(boxes)), "somebody walks to the right"
        assert nvr.requests["SETUP"] == (2 if udp else 1)
        wire = bytes(one.wire)
        for secret in (b"Engine", b"VideoSrc", b"NotificationMessage", b"crops", NVR_HOST.encode(), b"PTZ"):
            assert secret not in wire
        ending = [task for task in asyncio.all_tasks() if task.get_name() == "nvr metadata camera 7"]
        assert (await one.ask("TEARDOWN", url, Session=session)).status == 200
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*ending, return_exceptions=True)
        assert len(ending) == nvr.requests["TEARDOWN"] == 1
        assert not seen.refusals()


async def test_nothing_stays_of_sessions_with_the_nvr_that_have_ended() -> None:
    sessions: list[weakref.ref[asyncio.Task[object]]] = []
    faults = Faults(metadata=frozenset({3}))
    async with simulated_nvr(faults) as nvr, camera(nvr.port, features=OBJECTS) as (server, _, base):
        for number in range(1, 4):
            async with recorder(server) as one:
                url = f"{base}/main"
                assert (await one.ask("DESCRIBE", url)).status == 200
                session = await set_up(one, url, 0)
                assert (await one.ask("PLAY", url, Session=session)).status == 200
                await Documents(one, 0).until("tt:VideoAnalytics/tt:Frame")
                ending = [task for task in asyncio.all_tasks() if task.get_name() == "nvr metadata camera 7"]
                sessions += map(weakref.ref, ending)
                assert (await one.ask("TEARDOWN", url, Session=session)).status == 200
                async with asyncio.timeout(DEADLINE_S):
                    await asyncio.gather(*ending, return_exceptions=True)
                assert len(sessions) == nvr.requests["TEARDOWN"] == number
        ending.clear()
        gc.collect()
        assert [one() for one in sessions[:2]] == [None, None]  # the last one may be in a variable of the loop


async def test_one_session_with_the_nvr_serves_all_recorders_of_metadata() -> None:
    faults = Faults(metadata=frozenset({3}))
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=OBJECTS) as (server, _, base),
        recorder(server) as one,
        recorder(server) as other,
    ):
        for each, stream in ((one, "main"), (other, "sub")):
            url = f"{base}/{stream}"
            session = await set_up(each, url, 0)
            assert (await each.ask("PLAY", url, Session=session)).status == 200
            await Documents(each, 0).until("tt:VideoAnalytics/tt:Frame")
        assert nvr.requests["PLAY"] == 1
        await server.stop()
        assert nvr.requests["TEARDOWN"] == 1


async def test_metadata_gives_way_to_video_where_the_nvr_has_no_more_sessions() -> None:
    faults = Faults(metadata=frozenset({3}), rtsp_sessions=1)
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=OBJECTS) as (server, _, base),
        recorder(server) as one,
        recorder(server) as other,
    ):
        url = f"{base}/main"
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        await documents.until("tt:VideoAnalytics/tt:Frame")
        ending = [task for task in asyncio.all_tasks() if task.get_name() == "nvr metadata camera 7"]
        transport = "RTP/AVP/TCP;unicast;interleaved=0-1"
        assert (await other.ask("DESCRIBE", url)).status == 200
        assert (await other.ask("SETUP", f"{url}/trackID=0", Transport=transport)).status == 503
        while nvr.sessions:
            async with recorder(server) as again:
                await again.ask("DESCRIBE", url)
        async with recorder(server) as third:
            await third.start(url)
            await third.until_packets(10)
        assert len(ending) == 1 and not ending[0].done(), "it is tried again, later"
        move(server, True)
        await until_state(documents, "true")


@pytest.fixture
async def logged() -> AsyncIterator[asyncio.Event]:
    """Set when it is said why there is no metadata of the NVR."""
    said = asyncio.Event()
    handler = logging.Handler()
    handler.emit = lambda record: said.set()  # type: ignore[method-assign]  # one line instead of a class
    logger = logging.getLogger("proxyd.rtsp.metadata_source")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@pytest.mark.parametrize("fault", ["no track", "no more sessions"])
async def test_an_nvr_that_gives_none_costs_the_objects_alone(fault: str, logged: asyncio.Event) -> None:
    faults = Faults() if fault == "no track" else Faults(metadata=frozenset({3}))
    faults.rtsp_busy = fault == "no more sessions"
    async with (
        simulated_nvr(faults) as nvr,
        camera(nvr.port, features=OBJECTS) as (server, seen, base),
        recorder(server) as one,
    ):
        server.metadata.present = still
        url = f"{base}/main"
        session = await set_up(one, url, 0)
        assert (await one.ask("PLAY", url, Session=session)).status == 200
        documents = Documents(one, 0)
        assert set(states(await documents.next())) == BOTH
        async with asyncio.timeout(DEADLINE_S):
            await logged.wait()
        move(server, True)
        await until_state(documents, "true")
        assert not seen.refusals()
