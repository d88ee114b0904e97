"""The page for Prometheus, read as Prometheus does."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from proxyd.api import models as m
from proxyd.api.streams import StreamClient, StreamStatus
from proxyd.rpc.metrics import exposition
from tests.onviftui.cli_daemon import camera, nvr


def read(page: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(page.decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def status(clients: int) -> StreamStatus:
    who = [StreamClient(address=f"192.0.2.{n}:1", transport="TCP", since="") for n in range(clients)]
    return StreamStatus(
        name="main",
        state="running",
        codec="H264",
        width=1920,
        height=1080,
        profile="Main",
        mismatch=True,
        bytes_total=7_000_000,
        source_bytes_total=8_000_000,
        lost=3,
        fps=24.5,
        jitter_ms=1.5,
        clients=who,
    )


def test_streams_cameras_and_nvrs_are_counted() -> None:
    cameras = [camera(1, "Front gate"), camera(2, "Yard", state=m.CameraState.STOPPED)]
    seen = read(exposition(cameras, [nvr()], {1: [status(2)], 2: []}))
    main = (("camera", "1"), ("stream", "main"))
    assert seen["onviftui_stream_bytes_total", main] == 7_000_000
    assert seen["onviftui_stream_source_bytes_total", main] == 8_000_000
    assert seen["onviftui_stream_lost_packets_total", main] == 3
    assert seen["onviftui_stream_clients", main] == 2
    assert seen["onviftui_stream_frames_per_second", main] == 24.5
    assert seen["onviftui_stream_jitter_seconds", main] == 0.0015
    assert (seen["onviftui_stream_mismatch", main], seen["onviftui_stream_interrupted", main]) == (1, 0)
    assert seen["onviftui_cameras", (("state", "running"),)] == 1
    assert seen["onviftui_cameras", (("state", "failed"),)] == 0
    assert (seen["onviftui_camera_up", (("camera", "1"),)], seen["onviftui_camera_up", (("camera", "2"),)]) == (1, 0)
    assert seen["onviftui_nvr_up", (("nvr", "1"),)] == 1


def test_recorders_and_names_add_no_series() -> None:
    few = exposition([camera(1, "Front gate")], [nvr()], {1: [status(1)]})
    many = exposition([camera(1, "Yard")], [nvr()], {1: [status(500)]})
    assert read(few).keys() == read(many).keys()
    assert b"192.0.2" not in many and b"Yard" not in many


def test_a_daemon_without_cameras_has_a_page() -> None:
    assert read(exposition([], [], {}))["onviftui_cameras", (("state", "running"),)] == 0
