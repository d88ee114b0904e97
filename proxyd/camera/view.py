"""Rows and observations → what the API shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from proxyd.api import models as m
from proxyd.rtsp.stats import StreamStats
from proxyd.store.rows import CameraRow, InterfaceRow, LogRow, NvrRow

from .event_words import event_words
from .events import CameraEvent
from .spec import CameraSpec, StreamName, StreamSpec
from .status import Facts, Failure, NvrHealth
from .urls import (
    DEVICE_PATH,
    SNAPSHOT_PATH,
    http_url,
    https_port_beside,
    https_url,
    rtsp_url,
    rtsps_port_beside,
    rtsps_url,
)

_BPS_STEP = 10_000  # steadier figures: less than this is noise, and noise would cost bytes on every SSH line


def spec_of(row: CameraRow) -> CameraSpec | None:
    """What should run; None while the camera has no interface, or that has no address or is gone."""
    if row.interface is None or row.interface.address is None or not row.interface.present:
        return None
    return CameraSpec(
        id=row.id,
        name=row.name,
        uuid=row.uuid,
        serial=row.serial,
        nvr_id=row.nvr_id,
        channel=row.channel_number,
        address=row.interface.address,
        prefix_length=row.interface.prefix_length,
        mac=row.interface.mac,
        interface=row.interface.name,
        http_port=row.http_port,
        rtsp_port=row.rtsp_port,
        https_port=https_port_beside(row.http_port),
        rtsps_port=rtsps_port_beside(row.rtsp_port),
        username=row.username,
        password=row.password,
        streams=read_streams(row),
        snapshot_upstream=row.snapshot_upstream,
        nvr=row.nvr.access,
        discovery=row.discovery,
        features=row.features,
        settings=row.settings,
        users=row.users,
        certificate=row.certificate,
    )


def read_streams(row: CameraRow) -> tuple[StreamSpec, ...]:
    """Without those of a source that nobody has read yet: recorders keep for ever the size that they are told first."""
    return tuple(stream for stream in row.streams if stream.width)


def facts_of(
    row: CameraRow, *, running: bool, failure: Failure | None, nvr: NvrHealth, moved_from: str, waiting: str
) -> Facts:
    """What a camera's state follows from."""
    interface = row.interface
    return Facts(
        enabled=row.enabled,
        interface=interface.name if interface else None,
        address=interface.address if interface and interface.present else None,
        running=running,
        failure=failure,
        channel_state=row.channel_state,
        channel=row.channel_number,
        nvr=nvr,
        nvr_name=row.nvr.name,
        by_address=row.nvr.kind == "rtsp",
        mac=interface.mac if interface else "",
        moved_from=moved_from,
        waiting=waiting,
    )


def camera_model(
    row: CameraRow,
    state: m.CameraState,
    reason: str,
    stats: Mapping[StreamName, StreamStats],
    recorder: str | None,
    *,
    https_port: int = 0,
    rtsps_port: int = 0,
    note: str = "",
    last_event: CameraEvent | None = None,
    picture: str = "",
) -> m.Camera:
    """`https_port`, `rtsps_port`: where it listens, 0 while it does not."""
    address = row.interface.address if row.interface else None
    streams = [
        m.Stream(
            name=stream.name,
            url=rtsp_url(address, row.rtsp_port, f"/{stream.name}") if address else "",
            rtsps_url=rtsps_url(address, rtsps_port, f"/{stream.name}") if address and rtsps_port else None,
            codec=stream.codec,
            width=stream.width,
            height=stream.height,
            fps=stream.fps,
            bitrate=stream.bitrate_kbps,
            bps=round(seen.bps / _BPS_STEP) * _BPS_STEP if (seen := stats.get(stream.name)) else 0,
            clients=len(seen.clients) if seen else 0,
        )
        for stream in read_streams(row)
    ]
    return m.Camera(
        id=row.id,
        name=row.name,
        nvr=row.nvr_id,
        channel=row.channel_number,
        state=state,
        reason=reason,
        address=address,
        mac=row.interface.mac if row.interface else None,
        interface=row.interface.name if row.interface else None,
        onvif_url=http_url(address, row.http_port, DEVICE_PATH) if address else None,
        snapshot_url=http_url(address, row.http_port, SNAPSHOT_PATH) if address else None,
        username=row.username,
        streams=streams,
        uuid=row.uuid,
        serial=row.serial,
        enabled=row.enabled,
        recorder=recorder,
        discovery=row.discovery,
        notify=list(row.settings.notify),
        audio=row.settings.audio,
        h265=row.settings.h265,
        metadata=row.settings.metadata,
        forward=row.settings.forward,
        share=row.settings.share,
        https=row.settings.https,
        https_url=https_url(address, https_port, DEVICE_PATH) if address and https_port else None,
        clock_window_s=row.settings.clock_window_s,
        accounts=[f"{user.username} ({user.level})" for user in row.users],
        note=note,
        ptz=row.features.ptz is not None,
        speaker=row.features.speaker and row.settings.audio,
        adopted_by=row.adopted_by,
        last_event=event_words(last_event) if last_event else "",
        last_event_at=event_time(last_event) if last_event else None,
        clients=sum(stream.clients for stream in streams),
        picture=picture,
    )


def event_model(event: CameraEvent) -> m.CameraEvent:
    return m.CameraEvent(
        at=event_time(event),
        what=event_words(event),
        topic=event.topic,
        source=dict(event.source),
        data=dict(event.data),
    )


def event_time(event: CameraEvent) -> str:
    """RFC 3339, milliseconds, Z."""
    return event.at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def nvr_model(row: NvrRow, health: NvrHealth, job: int | None, events: str = "") -> m.Nvr:
    never_scanned = row.last_scan is None and health.state is m.NvrState.OK
    return m.Nvr(
        id=row.id,
        kind=row.kind,
        name=row.name,
        host=row.host,
        port=row.port,
        username=row.username,
        state=m.NvrState.NEW if never_scanned else health.state,
        reason=health.reason,
        manufacturer=row.identity.manufacturer,
        model=row.identity.model,
        firmware=row.identity.firmware,
        serial=row.identity.serial,
        channels=row.channels,
        online=row.online,
        clock_offset_s=row.identity.clock_offset_s,
        last_scan=row.last_scan,
        job=job,
        transport=row.transport,
        events=events,
    )


class Tenure(Protocol):
    """Where an interface has its address from; `expires` is CLOCK_REALTIME."""

    @property
    def parent(self) -> str: ...

    @property
    def method(self) -> str: ...

    @property
    def expires(self) -> float | None: ...


def interface_model(row: InterfaceRow, message: str = "", tenure: Tenure | None = None) -> m.Interface:
    return m.Interface(
        id=row.id,
        name=row.name,
        mac=row.mac,
        address=row.address,
        kind=row.kind,
        camera=row.camera,
        up=row.present and row.address is not None,
        message=message,
        parent=tenure.parent if tenure else "",
        method="dhcp" if tenure and tenure.method == "dhcp" else "static" if tenure and tenure.method else "",
        lease_until=_moment(tenure.expires) if tenure and tenure.expires is not None else None,
    )


def _moment(clock_s: float) -> str | None:
    try:
        return datetime.fromtimestamp(clock_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):  # no moment
        return None


def log_model(row: LogRow) -> m.LogEntry:
    return m.LogEntry(id=row.id, at=row.at, level=row.level, subject=row.subject, message=row.message, actor=row.actor)
