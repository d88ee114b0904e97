"""Each fault looks from outside as it does in the field, at start and at run time."""

from __future__ import annotations

import asyncio
import socket
import time
from datetime import UTC, datetime

import aiohttp
import pytest
from lxml import etree

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults
from proxyd.simulator.http import device_clock
from tests.proxyd.simulator.onvif_requests import OnvifRequests, Reply, token


def encoders(reply: Reply) -> dict[str, str]:
    """Profile token → encoding; "" for an encoder without one, no key for a profile without encoder."""
    found = {}
    for profile in reply.body:
        for child in profile:
            if etree.QName(child).localname == "VideoEncoderConfiguration":
                encoding = child.findtext("{http://www.onvif.org/ver10/schema}Encoding")
                found[profile.get("token") or ""] = encoding or ""
    return found


@pytest.mark.parametrize("dialect", tuple(DIALECTS))
async def test_wrong_xaddr_host(dialect: str) -> None:
    faults = Faults.parse(["wrong-xaddr-host=192.0.2.7"])
    async with SimulatedNvr(channels=1, dialect=dialect, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        services = await onvif.call("tds:GetServices", auth=False)
        assert all(xaddr.startswith(f"http://192.0.2.7:{nvr.port}/") for xaddr in services.texts("tds:XAddr"))
        asked = f"<trt:ProfileToken>{nvr.layout.profiles[0].token}</trt:ProfileToken>"
        stream = await onvif.call("trt:GetStreamUri", asked)
        assert stream.texts("tt:Uri")[0].startswith(f"rtsp://192.0.2.7:{nvr.rtsp_port}/")
        pull = await onvif.call("tev:CreatePullPointSubscription")
        assert pull.texts("wsa:Address")[0].startswith(f"http://192.0.2.7:{nvr.port}/")
        assert nvr.host not in services.text + stream.text + pull.text


def test_device_clock() -> None:
    leap = datetime(2028, 2, 29, 12, tzinfo=UTC)
    assert device_clock(leap, 0) == leap
    assert device_clock(leap, 2017) == datetime(2017, 2, 28, 12, tzinfo=UTC)


async def test_the_clock_stands_in_2017() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(clock_year=2017)) as nvr, OnvifRequests(nvr) as onvif:
        told = await onvif.call("tds:GetSystemDateAndTime", auth=False)
        assert told.texts("tt:Year") == ["2017", "2017"]
        ours = await onvif.call("trt:GetProfiles")
        assert ours.subcodes == ["NotAuthorized"]
        theirs = token(nvr.username, nvr.password, now=device_clock(datetime.now(UTC), 2017))
        assert (await onvif.call("trt:GetProfiles", security=theirs)).status == 200
        assert nvr.wrong_passwords == 0  # a wrong time is not a wrong password


async def test_slow_answers() -> None:
    async with SimulatedNvr(channels=1, faults=Faults.parse(["slow=0.3"])) as nvr, OnvifRequests(nvr) as onvif:
        started = time.monotonic()
        await onvif.call("tds:GetSystemDateAndTime", auth=False)
        assert time.monotonic() - started >= 0.28


async def test_html_instead_of_soap() -> None:
    async with SimulatedNvr(channels=1, faults=Faults.parse(["html"])) as nvr, OnvifRequests(nvr) as onvif:
        reply = await onvif.call("trt:GetProfiles")
        assert (reply.status, reply.content_type) == (200, "text/html")


@pytest.mark.parametrize("dialect", tuple(DIALECTS))
async def test_offline_channels_have_no_encoder(dialect: str) -> None:
    faults = Faults.parse(["offline=2"])
    async with SimulatedNvr(channels=3, dialect=dialect, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        reply = await onvif.call("trt:GetProfiles")
        assert len(reply.body) == 6
        found = encoders(reply)
        main, sub = [p.token for p in nvr.layout.profiles if p.channel == 2]
        assert sub not in found
        if DIALECTS[dialect].offline == "empty encoder":
            assert found[main] == ""
        else:
            assert main not in found
        assert len([e for e in found.values() if e]) == 4


async def test_gaps_leave_their_numbers_out() -> None:
    faults = Faults.parse(["gaps=2,4"])
    async with SimulatedNvr(channels=5, dialect="dahua", faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        reply = await onvif.call("trt:GetProfiles")
        assert [p.get("token") for p in reply.body][::2] == [
            "MediaProfile00000",
            "MediaProfile00200",
            "MediaProfile00400",
        ]
        assert len((await onvif.call("trt:GetVideoSources")).body) == 3


@pytest.mark.parametrize("dialect", ["hikvision", "gsoap"])
async def test_h265_in_media2_only(dialect: str) -> None:
    faults = Faults.parse(["media2-only-h265"])
    async with SimulatedNvr(channels=2, dialect=dialect, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        first = await onvif.call("trt:GetProfiles")
        assert set(encoders(first).values()) == {"H264"}
        assert len(first.body) == 2
        services = await onvif.call("tds:GetServices", auth=False)
        assert "ver20/media" in services.text
        second = await onvif.call("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>")
        assert sorted(second.texts("tt:Encoding")) == ["H264", "H264", "H265", "H265"]
        main = next(p for p in nvr.layout.profiles if p.media.name == "main")
        asked = f"<tr2:ProfileToken>{main.token}</tr2:ProfileToken>"
        assert (await onvif.call("tr2:GetStreamUri", asked)).status == 200
        assert (await onvif.call("trt:GetStreamUri", asked)).subcodes == ["InvalidArgVal", "NoProfile"]


async def test_get_services_faults_but_capabilities_work() -> None:
    faults = Faults.parse(["get-services-fault"])
    async with SimulatedNvr(channels=1, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        assert (await onvif.call("tds:GetServices", auth=False)).subcodes == ["ActionNotSupported"]
        told = await onvif.call("tds:GetCapabilities", "<tds:Category>All</tds:Category>", auth=False)
        assert f"http://{nvr.host}:{nvr.port}/onvif/Media" in told.texts("tt:XAddr")


@pytest.mark.parametrize("dialect", ["hikvision", "reolink", "axis"])
async def test_the_time_needs_a_password(dialect: str) -> None:
    faults = Faults.parse(["time-needs-auth"])
    async with SimulatedNvr(channels=1, dialect=dialect, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        refused = await onvif.call("tds:GetSystemDateAndTime", auth=False)
        assert (refused.status, refused.content_type) == (401, "text/html")
        if dialect != "axis":
            assert (await onvif.call("tds:GetSystemDateAndTime")).status == 200
        assert (await onvif.call("tds:GetServices", auth=False)).status == 200


async def test_lockout_after_wrong_passwords() -> None:
    faults = Faults.parse(["lockout=2"])
    async with SimulatedNvr(channels=1, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        assert (await onvif.call("trt:GetProfiles", password="wrong")).subcodes == ["NotAuthorized"]
        assert (await onvif.call("trt:GetProfiles")).status == 200
        picture = f"http://{nvr.host}:{nvr.port}{nvr.layout.profiles[0].snapshot}"
        assert (await onvif.picture(picture, password="wrong"))[0] == 401
        assert (await onvif.call("trt:GetProfiles")).subcodes == ["NotAuthorized"]
        assert (await onvif.call("trt:GetProfiles", digest=True)).status in (400, 401)
        assert (await onvif.picture(picture))[0] == 401
        assert (await onvif.call("tds:GetSystemDateAndTime", auth=False)).status == 200
        assert nvr.wrong_passwords == 2
        await nvr.restart(0)
        assert (await onvif.call("trt:GetProfiles")).status == 200


async def test_no_snapshot() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(no_snapshot=True)) as nvr, OnvifRequests(nvr) as onvif:
        profile = nvr.layout.profiles[0]
        asked = f"<trt:ProfileToken>{profile.token}</trt:ProfileToken>"
        assert (await onvif.call("trt:GetSnapshotUri", asked)).subcodes == ["ActionNotSupported"]
        told = await onvif.call("trt:GetServiceCapabilities", auth=False)
        assert 'SnapshotUri="false"' in told.text
        assert (await onvif.picture(f"http://{nvr.host}:{nvr.port}{profile.snapshot}"))[0] == 404


def refuses(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(20)
        return probe.connect_ex((host, port)) != 0


async def test_down_closes_every_port_and_keeps_its_number() -> None:
    async with SimulatedNvr(channels=1, dialect="reolink") as nvr, OnvifRequests(nvr) as onvif:
        ports = (nvr.port, nvr.web_port, nvr.rtsp_port)
        assert not any(refuses(nvr.host, port) for port in ports)
        await nvr.set_fault("down")
        assert all(refuses(nvr.host, port) for port in ports)
        assert not nvr.is_up
        await nvr.set_fault("down=off")
        assert (nvr.port, nvr.web_port, nvr.rtsp_port) == ports
        assert not any(refuses(nvr.host, port) for port in ports)
        assert (await onvif.call("trt:GetProfiles")).status == 200


async def test_down_from_the_start() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(down=True)) as nvr:
        assert nvr.port
        assert refuses(nvr.host, nvr.port)
        await nvr.set_fault("down=off")
        assert not refuses(nvr.host, nvr.port)


async def test_down_set_behind_its_back_drops_connections() -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        nvr.faults.down = True
        with pytest.raises(aiohttp.ClientError):
            await onvif.call("tds:GetSystemDateAndTime", auth=False)


async def test_a_restart_comes_back_at_the_same_ports() -> None:
    async with SimulatedNvr(channels=1, dialect="reolink", discovery_port=0) as nvr, OnvifRequests(nvr) as onvif:
        before = (nvr.port, nvr.web_port, nvr.rtsp_port, nvr.discovery_port)
        nvr.begin_restart(30)
        while not refuses(nvr.host, nvr.port):
            await asyncio.sleep(0)
        await nvr.stop()
        await nvr.start()
        assert (nvr.port, nvr.web_port, nvr.rtsp_port, nvr.discovery_port) == before
        assert (await onvif.call("tds:GetSystemDateAndTime", auth=False)).status == 200
        await nvr.restart(0.05)
        assert (await onvif.call("trt:GetProfiles")).status == 200


async def test_start_and_stop_may_be_repeated() -> None:
    nvr = SimulatedNvr(channels=1)
    await nvr.stop()
    await nvr.start()
    await nvr.start()
    await nvr.stop()
    await nvr.stop()


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    async with SimulatedNvr(channels=1) as nvr:
        with pytest.raises(OSError, match="in use"):
            await SimulatedNvr(channels=1, port=nvr.port).start()
        with pytest.raises(OSError, match="in use"):
            await SimulatedNvr(channels=1, rtsp_port=nvr.rtsp_port).start()


@pytest.mark.parametrize("wrong", [{"dialect": "acme"}, {"channels": 0}, {"channels": 65}])
def test_wrong_arguments(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"acme|channels"):
        SimulatedNvr(**wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("year", ["-25200", "0x7", "10000"])
def test_a_clock_that_cannot_be_is_refused_when_it_is_set(year: str) -> None:
    with pytest.raises(ValueError, match="fault clock: cannot understand"):
        Faults.parse([f"clock={year}"])
