"""Pictures from the NVR: authentication, limits, single flight; the fallback whenever there is none."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from aiohttp import web
from PIL import Image

from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamProtocolError, UpstreamUnreachable
from proxyd.simulator.pictures import snapshot_jpeg
from proxyd.snapshot import http as snapshot_http
from proxyd.snapshot.fallback import MARK
from proxyd.snapshot.fetch import SnapshotLimits, SnapshotSource
from proxyd.snapshot.image import as_jpeg

from .device import Answer, Device, camera_spec, guarded, running_device, sends

JPEG = snapshot_jpeg(3, 640, 360)
SHORT = SnapshotLimits(deadline_s=0.4, fresh_s=1.0, failed_s=1.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Reports(list[tuple[int, Exception | None]]):
    def __call__(self, nvr_id: int, error: Exception | None) -> None:
        self.append((nvr_id, error))

    @property
    def last(self) -> Exception | None:
        return self[-1][1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest_asyncio.fixture
async def source(clock: Clock, reports: Reports) -> AsyncIterator[SnapshotSource]:
    source = SnapshotSource(report=reports, clock=clock)
    yield source
    await source.close()


@pytest_asyncio.fixture
async def impatient(clock: Clock, reports: Reports) -> AsyncIterator[SnapshotSource]:
    source = SnapshotSource(report=reports, clock=clock, limits=SHORT)
    yield source
    await source.close()


def refuses(status: int) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="no")

    return answer


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("basic_only", [False, True])
async def test_a_jpeg_comes_through_as_it_is(source: SnapshotSource, reports: Reports, basic_only: bool) -> None:
    async with running_device(guarded(sends(JPEG), basic_only=basic_only)) as device:
        path = "/cgi-bin/snap?channel=1&x=%2Fa%20b&pwd=p%C3%A4"
        picture = await source.picture(camera_spec(device.access(), device.url(path)))
        await source.close()
    assert (picture.content_type, picture.data, picture.fallback) == ("image/jpeg", JPEG, False)
    assert device.requests == [path, path], "the address is sent as the NVR gave it"
    assert device.authorizations[0] == "", "the password waits for a challenge"
    assert device.authorizations[1].startswith("Basic" if basic_only else "Digest")
    assert reports == [(1, None)]


async def test_a_device_without_password_is_not_sent_one(source: SnapshotSource) -> None:
    async with running_device(sends(JPEG)) as device:
        assert not (await source.picture(camera_spec(device.access(), device.url()))).fallback
        await source.close()
    assert device.authorizations == [""]


async def test_other_kinds_become_jpeg(source: SnapshotSource) -> None:
    png = io.BytesIO()
    Image.new("RGBA", (64, 48), "red").save(png, "PNG")
    async with running_device(sends(png.getvalue(), "image/png")) as device:
        picture = await source.picture(camera_spec(device.access(), device.url(), width=64, height=48))
        await source.close()
    assert (picture.content_type, picture.fallback) == ("image/jpeg", False)
    assert Image.open(io.BytesIO(picture.data)).size == (64, 48)


@pytest.mark.parametrize("size", [(1280, 720), (320, 180), (704, 576), (2560, 1440)])
async def test_a_picture_has_the_size_of_the_main_stream(source: SnapshotSource, size: tuple[int, int]) -> None:
    async with running_device(sends(JPEG)) as device:
        spec = camera_spec(device.access(), device.url(), width=size[0], height=size[1])
        picture = await source.picture(spec)
        assert (await source.picture(spec)).data is picture.data, "made once, then kept for a moment"
        unknown = await source.picture(replace(spec, streams=()))
    image = Image.open(io.BytesIO(picture.data))
    assert (image.size, image.format, picture.fallback) == (size, "JPEG", False)
    # The same picture: the corners of the original have the same colours.
    original = Image.open(io.BytesIO(JPEG)).convert("RGB")
    for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9)):
        here = image.convert("RGB").getpixel((int(size[0] * x), int(size[1] * y)))
        there = original.getpixel((int(640 * x), int(360 * y)))
        assert isinstance(here, tuple) and isinstance(there, tuple)
        assert max(abs(one - other) for one, other in zip(here, there, strict=True)) < 24
    assert unknown.data == JPEG, "as it is while no size is known"


async def test_a_camera_without_picture_gets_the_fallback_in_main_stream_size(source: SnapshotSource) -> None:
    spec = camera_spec(Device(port=9).access(), None, width=1920, height=1080)
    picture = await source.picture(spec)
    assert picture.fallback
    assert picture.content_type == "image/jpeg"
    image = Image.open(io.BytesIO(picture.data))
    assert image.size == (1920, 1080)
    assert image.info["comment"] == MARK
    assert (await source.picture(spec)).data == picture.data


async def test_many_at_once_cost_one_request_and_a_moment_later_none(source: SnapshotSource, clock: Clock) -> None:
    async with running_device(sends(JPEG)) as device:
        spec = camera_spec(device.access(), device.url())
        pictures = await asyncio.gather(*(source.picture(spec) for _ in range(20)))
        assert {picture.data for picture in pictures} == {JPEG}
        clock.now += 0.9
        await source.picture(spec)
        assert len(device.requests) == 1
        clock.now += 0.2
        await source.picture(spec)
        assert len(device.requests) == 2
        await source.close()


async def test_sizing_the_pictures_of_many_cameras_is_no_fault_of_the_nvr(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at a time, in threads; who has to wait gets the fallback meanwhile, and a picture soon after."""
    at_work, threads = [0, 0], set[str]()

    def counted(data: bytes, size: tuple[int, int] | None) -> bytes:
        at_work[0] += 1
        at_work[1] = max(at_work)
        threads.add(threading.current_thread().name)
        try:
            return as_jpeg(data, size)
        finally:
            at_work[0] -= 1

    monkeypatch.setattr("proxyd.snapshot.fetch.as_jpeg", counted)
    source = SnapshotSource(report=reports, limits=SnapshotLimits(deadline_s=0.3, fresh_s=0.1))
    async with running_device(sends(JPEG)) as device:
        specs = [
            replace(
                camera_spec(device.access(), device.url(f"/snap{n}"), width=2560, height=1440), id=n, nvr_id=n % 4 + 1
            )
            for n in range(1, 33)
        ]
        without = specs
        async with asyncio.timeout(60):
            while without:
                pictures = await asyncio.gather(*(source.picture(spec) for spec in specs))
                got = {spec.id for spec, picture in zip(specs, pictures, strict=True) if not picture.fallback}
                without = [spec for spec in without if spec.id not in got]
        await source.close()
    assert at_work[1] == 2
    assert threading.main_thread().name not in threads
    assert {error for _, error in reports} == {None}


async def test_a_caller_that_goes_away_does_not_take_the_picture_from_the_others(source: SnapshotSource) -> None:
    go_on = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        await go_on.wait()
        return await sends(JPEG)(request)

    async with running_device(slow) as device:
        spec = camera_spec(device.access(), device.url())
        first = asyncio.create_task(source.picture(spec), name="first")
        await device.arrived.wait()
        second = asyncio.create_task(source.picture(spec), name="second")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        assert (await second).data == JPEG
        assert len(device.requests) == 1
        await source.close()


async def test_a_wrong_password_is_tried_once_however_many_cameras_ask(
    source: SnapshotSource, reports: Reports, clock: Clock
) -> None:
    async with running_device(guarded(sends(JPEG))) as device:
        specs = [
            camera_spec(device.access("wrong-password"), device.url(f"/snap/{n}"), camera_id=n) for n in range(1, 17)
        ]
        pictures = await asyncio.gather(*(source.picture(spec) for spec in specs))
        assert all(picture.fallback for picture in pictures)
        clock.now += 3600
        await source.picture(specs[0])
        assert sum(header != "" for header in device.authorizations) == 1
        assert [type(error) for _, error in reports] == [UpstreamAuthError]
        assert "wrong-password" not in str(reports.last)
        right = replace(specs[0], nvr=device.access())
        assert not (await source.picture(right)).fallback
        await source.close()


async def test_the_same_account_may_be_tried_again_when_the_user_says_so(source: SnapshotSource) -> None:
    async with running_device(guarded(sends(JPEG))) as device:
        spec = camera_spec(device.access("wrong-password"), device.url())
        await source.picture(spec)
        source.forget_refusals(1)
        assert (await source.picture(replace(spec, snapshot_upstream=device.url("/other")))).fallback
        assert sum(header != "" for header in device.authorizations) == 2
        await source.close()


async def test_one_channel_refused_is_no_wrong_password(source: SnapshotSource, reports: Reports, clock: Clock) -> None:
    async def only_one(request: web.Request) -> web.StreamResponse:
        return await sends(JPEG)(request) if request.path == "/1" else web.Response(status=403)

    async with running_device(guarded(only_one)) as device:
        assert not (await source.picture(camera_spec(device.access(), device.url("/1")))).fallback
        other = camera_spec(device.access(), device.url("/2"), camera_id=2)
        assert (await source.picture(other)).fallback
        assert isinstance(reports.last, UpstreamError)
        assert not isinstance(reports.last, UpstreamAuthError)
        asked = len(device.requests)
        clock.now += 60
        assert (await source.picture(other)).fallback
        assert len(device.requests) == asked, "a refused address is not asked again"
        assert not (await source.picture(camera_spec(device.access(), device.url("/1")))).fallback
        await source.close()


async def test_a_stale_nonce_is_answered_once_more(source: SnapshotSource) -> None:
    answers = iter(["", ", stale=true", None])

    async def stale_once(request: web.Request) -> web.StreamResponse:
        flag = next(answers)
        if flag is None:
            return await sends(JPEG)(request)
        challenge = f'Digest realm="r", nonce="n{flag}", qop="auth"{flag}'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async with running_device(stale_once) as device:
        assert not (await source.picture(camera_spec(device.access(), device.url()))).fallback
        await source.close()


async def test_a_device_that_always_says_stale_is_given_up(source: SnapshotSource, reports: Reports) -> None:
    async def always(_: web.Request) -> web.StreamResponse:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", stale=true'})

    async with running_device(always) as device:
        assert (await source.picture(camera_spec(device.access(), device.url()))).fallback
        assert len(device.requests) == 3
        assert isinstance(reports.last, UpstreamAuthError)
        await source.close()


@pytest.mark.parametrize("status", [204, 404, 500, 503])
async def test_other_statuses_are_no_picture(source: SnapshotSource, reports: Reports, status: int) -> None:
    async with running_device(refuses(status)) as device:
        assert (await source.picture(camera_spec(device.access(), device.url("/x?pwd=hunter2")))).fallback
        await source.close()
    assert isinstance(reports.last, UpstreamProtocolError)
    assert str(status) in str(reports.last)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty answer"),
        (b"<!DOCTYPE html><title>login</title>", "a web page"),
        (b"<?xml version='1.0'?><ResponseStatus/>", "an XML text"),
        (b"\x00" * 100, "no picture"),
        (JPEG[: len(JPEG) // 2], "damaged"),
        (JPEG[:-2000] + b"", "damaged"),
    ],
)
async def test_what_is_no_whole_picture_is_not_passed_on(
    source: SnapshotSource, reports: Reports, body: bytes, words: str
) -> None:
    async with running_device(sends(body)) as device:
        assert (await source.picture(camera_spec(device.access(), device.url()))).fallback
        await source.close()
    assert isinstance(reports.last, UpstreamProtocolError)
    assert words in str(reports.last)


@pytest.mark.parametrize("with_length", [True, False])
async def test_a_huge_body_is_cut_off(
    source: SnapshotSource, reports: Reports, monkeypatch: pytest.MonkeyPatch, with_length: bool
) -> None:
    monkeypatch.setattr(snapshot_http, "MAX_BYTES", 1024 * 1024)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(2**40)} if with_length else {})
        await response.prepare(request)
        while True:
            await response.write(b"\xff" * 65536)

    async with running_device(endless) as device:
        assert (await source.picture(camera_spec(device.access(), device.url()))).fallback
        await source.close()
    assert "more than 1 MiB" in str(reports.last)


async def test_redirects_stay_on_the_host(source: SnapshotSource, reports: Reports) -> None:
    async def redirect(request: web.Request) -> web.StreamResponse:
        if request.path == "/snap":
            return web.Response(status=302, headers={"Location": "/real?pic=1"})
        return await sends(JPEG)(request)

    async with running_device(redirect) as device:
        assert not (await source.picture(camera_spec(device.access(), device.url()))).fallback
        assert device.requests == ["/snap", "/real?pic=1"]
        await source.close()


@pytest.mark.parametrize(
    "location", ["http://localhost:{port}/real", "//192.0.2.9/x", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/", ""]
)
async def test_other_hosts_are_never_asked(source: SnapshotSource, reports: Reports, location: str) -> None:
    async def away(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": location.format(port=request.url.port)})

    async with running_device(away) as device:
        assert (await source.picture(camera_spec(device.access(), device.url()))).fallback
        assert len(device.requests) == 1
        await source.close()
    assert isinstance(reports.last, UpstreamProtocolError)


async def test_redirects_in_circles_end(source: SnapshotSource, reports: Reports) -> None:
    async def circle(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/snap"})

    async with running_device(circle) as device:
        assert (await source.picture(camera_spec(device.access(), device.url()))).fallback
        assert len(device.requests) == 4
        await source.close()
    assert "circles" in str(reports.last)


async def test_an_address_on_another_host_is_not_asked(source: SnapshotSource, reports: Reports) -> None:
    async with running_device(sends(JPEG)) as device:
        spec = camera_spec(device.access(), f"http://localhost:{device.port}/snap")
        assert (await source.picture(spec)).fallback
        assert device.requests == []
    assert isinstance(reports.last, UpstreamProtocolError)


async def test_a_silent_device_costs_the_deadline_and_not_more(impatient: SnapshotSource, reports: Reports) -> None:
    async with running_device(hang) as device:
        spec = camera_spec(device.access(), device.url())
        async with asyncio.timeout(5):
            assert (await impatient.picture(spec)).fallback
            assert (await impatient.picture(spec)).fallback, "waits for the same fetch, or knows how it ended"
        assert len(device.requests) == 1
        await impatient.close()
    assert isinstance(reports.last, UpstreamUnreachable)
    assert "within 0.4 s" in str(reports.last)


async def test_a_dead_nvr_is_asked_once_in_a_while(source: SnapshotSource, reports: Reports, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        device = Device(port=closed.getsockname()[1])
    specs = [camera_spec(device.access(), device.url(f"/{n}"), camera_id=n) for n in range(1, 9)]
    pictures = await asyncio.gather(*(source.picture(spec) for spec in specs))
    assert all(picture.fallback for picture in pictures)
    assert len(reports) == 1
    assert isinstance(reports.last, UpstreamUnreachable)
    clock.now += 2.1
    await source.picture(specs[3])
    assert len(reports) == 2


async def test_pictures_come_back_by_themselves(source: SnapshotSource, clock: Clock) -> None:
    answers = iter([refuses(503), sends(JPEG)])

    async def recovering(request: web.Request) -> web.StreamResponse:
        return await next(answers)(request)

    async with running_device(recovering) as device:
        spec = camera_spec(device.access(), device.url())
        assert (await source.picture(spec)).fallback
        assert (await source.picture(spec)).fallback, "not asked again at once"
        clock.now += 2.1
        assert not (await source.picture(spec)).fallback
        await source.close()


async def test_an_nvr_is_asked_for_few_pictures_at_once(source: SnapshotSource) -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return await sends(JPEG)(request)

    async with running_device(busy) as device:
        specs = [camera_spec(device.access(), device.url(f"/{n}"), camera_id=n) for n in range(1, 33)]
        pictures = await asyncio.gather(*(source.picture(spec) for spec in specs))
        assert not any(picture.fallback for picture in pictures)
        assert 1 < device.peak_parallel <= 4
        await source.close()


async def test_after_closing_there_is_the_fallback(source: SnapshotSource) -> None:
    async with running_device(hang) as device:
        spec = camera_spec(device.access(), device.url())
        waiting = asyncio.create_task(source.picture(spec), name="waiting")
        await device.arrived.wait()
        await source.close()
        assert (await waiting).fallback
        assert (await source.picture(spec)).fallback
        await source.close()
        assert len(device.requests) == 1


async def test_no_address_and_no_password_in_logs_or_errors(
    source: SnapshotSource, reports: Reports, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_device(guarded(refuses(500))) as device:
        for path, password in (("/a?pwd=hunter2", "right-password"), ("/b?pwd=hunter2", "wrong-password")):
            spec = camera_spec(device.access(password), device.url(path))
            await source.picture(spec)
            assert "hunter2" not in repr(spec)
            assert password not in repr(spec)
        await source.picture(camera_spec(device.access(), "http://127.0.0.1:0x/b?pwd=hunter2"))
        await source.close()
    assert len(reports) == 3
    shown = caplog.text + "".join(repr(error) + str(error) + repr(error.__cause__) for _, error in reports if error)
    assert "no picture" in shown
    for secret in ("hunter2", "right-password", "wrong-password"):
        assert secret not in shown
