"""What Prometheus reads: GET /metrics on the Unix socket.

Labels are the ids of cameras and NVRs, the two stream names and the named states: their number is bounded by what the
operator added, whatever recorders and NVRs do. Names of cameras and addresses of recorders are not in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from proxyd.api import models as m
from proxyd.api.states import CameraState, NvrState
from proxyd.api.streams import StreamStatus

CONTENT_TYPE = CONTENT_TYPE_LATEST
_STREAM = ("camera", "stream")
_COUNTERS = (
    ("bytes", "bytes_total", "Bytes that went to recorders."),
    ("packets", "packets_total", "Packets that went to recorders."),
    ("source_bytes", "source_bytes_total", "Bytes that came from the NVR."),
    ("frames", "frames_total", "Video frames that came from the NVR."),
    ("lost_packets", "lost", "Packets of the NVR that never came."),
    ("reconnects", "reconnects", "How often the session with the NVR was lost and came back."),
)


def exposition(cameras: Iterable[m.Camera], nvrs: Iterable[m.Nvr], streams: dict[int, list[StreamStatus]]) -> bytes:
    """The page. `streams` by camera."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now([*_states(list(cameras), list(nvrs)), *_streams(streams)]))
    return generate_latest(registry)


class _Now(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def _states(cameras: list[m.Camera], nvrs: list[m.Nvr]) -> Iterator[Metric]:
    """Each named state has its line, also with nobody in it: alarms need the zero."""
    of_cameras = GaugeMetricFamily("onviftui_cameras", "Virtual cameras by state.", labels=("state",))
    counted = Counter(camera.state for camera in cameras)
    for state in CameraState:
        of_cameras.add_metric((state.value,), counted[state])
    up = GaugeMetricFamily("onviftui_camera_up", "Whether the camera runs.", labels=("camera",))
    for camera in cameras:
        up.add_metric((str(camera.id),), camera.state is CameraState.RUNNING)
    of_nvrs = GaugeMetricFamily("onviftui_nvr_up", "Whether the NVR answers and takes its account.", labels=("nvr",))
    for nvr in nvrs:
        of_nvrs.add_metric((str(nvr.id),), nvr.state is NvrState.OK)
    yield from (of_cameras, up, of_nvrs)


def _streams(streams: dict[int, list[StreamStatus]]) -> Iterator[Metric]:
    every = [((str(camera), stream.name), stream) for camera, of in streams.items() for stream in of]
    for name, field, words in _COUNTERS:
        counter = CounterMetricFamily(f"onviftui_stream_{name}", words, labels=_STREAM)
        for labels, stream in every:
            counter.add_metric(labels, getattr(stream, field))
        yield counter
    for name, words, value in (
        ("clients", "Recorders that play.", lambda stream: len(stream.clients)),
        ("frames_per_second", "Video frames per second from the NVR.", lambda stream: stream.fps),
        ("key_interval_seconds", "Time between key frames; 0: unknown.", lambda stream: stream.key_interval_s),
        ("jitter_seconds", "Jitter of the NVR's packets (RFC 3550).", lambda stream: stream.jitter_ms / 1000),
        ("interrupted", "Whether the stream is away and fetched again.", lambda s: s.state == "interrupted"),
        ("mismatch", "Whether codec or size are not what the NVR says of them.", lambda stream: stream.mismatch),
    ):
        gauge = GaugeMetricFamily(f"onviftui_stream_{name}", words, labels=_STREAM)
        for labels, stream in every:
            gauge.add_metric(labels, value(stream))
        yield gauge
