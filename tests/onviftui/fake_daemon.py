"""A daemon for tests of the terminal UI, with made-up NVRs and cameras that calls change.

`answers` may be filled with a method's answer (or an exception, or a function of the parameters);
`calls` remembers what was asked; `change` and `remove` send events to every subscriber.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from proxyd.api.history import STEPS, CameraHistory, History, StreamHistory
from proxyd.api.logs import DaemonLog, LogDaemonParams
from proxyd.api.models import (
    Camera,
    CameraEvent,
    CameraState,
    Certificate,
    Credentials,
    Exchange,
    Finding,
    FoundNvr,
    Interface,
    InterfaceChange,
    Job,
    JobState,
    LogEntry,
    Nvr,
    NvrState,
    NvrTest,
    Picture,
    PlannedInterface,
    Role,
    ScanDiff,
    Snapshot,
    Status,
    Stream,
    TraceEntry,
)
from proxyd.api.streams import StreamClient, StreamStatus
from proxyd.errors import NotFound
from proxyd.hub import Kind
from proxyd.log_ring import LogRing

from .rpc_fake import RpcFake

PLAYING = StreamClient(address="10.77.0.3:40000", transport="TCP", since="2026-11-22T09:00:00Z", skips=2, dropped=120)
STARTED = "2026-11-22T09:00:00Z"
PLACES = (
    "Front gate",
    "Yard",
    "Office",
    "Ramp",
    "Kitchen",
    "駐車場 north",
    "Loading dock",
    "Roof",
    "Store",
    "Stairs",
    "Garage",
    "Lobby",
    "Server room",
    "Back door",
    "Canteen",
    "Bicycle stand behind the main building",
)


def camera(number: int, state: CameraState = CameraState.RUNNING, **changes: Any) -> Camera:
    """Camera `number` on 127.0.10.<number>, of NVR 1 unless told otherwise."""
    address = f"127.0.10.{number}"
    base: dict[str, Any] = {
        "id": number,
        "name": f"{number:02} {PLACES[(number - 1) % len(PLACES)]}",
        "nvr": 1,
        "channel": number,
        "state": state,
        "address": address,
        "mac": f"a2:6b:3f:00:00:{number:02x}",
        "interface": f"lo:{number}",
        "onvif_url": f"http://{address}:8080/onvif/device_service",
        "snapshot_url": f"http://{address}:8080/snapshot",
        "username": "onvif",
        "streams": [
            Stream(
                name="main",
                url=f"rtsp://{address}:8554/main",
                codec="H265",
                width=2560,
                height=1440,
                fps=25,
                bitrate=6144,
            ),
            Stream(
                name="sub", url=f"rtsp://{address}:8554/sub", codec="H264", width=640, height=360, fps=15, bitrate=512
            ),
        ],
        "uuid": f"5f3c0000-0000-4000-8000-{number:012}",
        "serial": f"OT{number:06}",
        "enabled": state is not CameraState.STOPPED,
    }
    return Camera.model_validate(base | changes)


def nvr(number: int = 1, **changes: Any) -> Nvr:
    base: dict[str, Any] = {
        "id": number,
        "name": "Garage" if number == 1 else f"House {number}",
        "host": f"127.0.0.{number}",
        "port": 8000,
        "username": "admin",
        "state": NvrState.OK,
        "manufacturer": "Hikvision",
        "model": "DS-7616NI-K2",
        "firmware": "V4.30.085",
        "serial": "DS7616N0123",
        "channels": 16,
        "online": 15,
        "clock_offset_s": -25320.0,
        "last_scan": STARTED,
    }
    return Nvr.model_validate(base | changes)


def interface(number: int, camera_id: int | None = None) -> Interface:
    return Interface(
        id=number,
        name=f"lo:{number}",
        mac=f"a2:6b:3f:00:00:{number:02x}",
        address=f"127.0.10.{number}",
        kind="loopback",
        camera=camera_id,
    )


def planned(number: int) -> PlannedInterface:
    return PlannedInterface(name=f"vcam{number}", mac=f"a2:6b:3f:00:00:{number:02x}", parent="eth0", address=None)


def job(number: int = 1, state: JobState = JobState.RUNNING, **changes: Any) -> Job:
    base: dict[str, Any] = {
        "id": number,
        "kind": "scan",
        "nvr": 1,
        "title": "Scan of Garage",
        "state": state,
        "started": STARTED,
    }
    return Job.model_validate(base | changes)


def log(number: int, message: str, level: str = "info", subject: str = "daemon") -> LogEntry:
    at = f"2026-11-22T09:{number // 60 % 60:02}:{number % 60:02}Z"
    return LogEntry.model_validate({"id": number, "at": at, "level": level, "subject": subject, "message": message})


class FakeDaemon(RpcFake):
    """`hold` makes a method wait before it answers; "*" stands for all."""

    def __init__(self, socket: Path, cameras: int = 0) -> None:
        super().__init__(socket)
        self.password = "onvif-secret"
        origin = "from a key frame of the main stream"
        self.picture = Picture(content_type="image/jpeg", data="AAAA" * 1000, origin=origin)
        self.role = Role.ADMIN
        self.mode: Literal["loopback", "netlink", "shared"] = "loopback"
        self.tables: dict[str, dict[int, Any]] = {"nvr": {}, "camera": {}, "interface": {}, "job": {}, "log": {}}
        self.answers: dict[str, Any] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.ring = LogRing()
        if cameras:
            self.tables["nvr"][1] = nvr(channels=cameras, online=cameras)
            self.tables["camera"] = {n: camera(n) for n in range(1, cameras + 1)}
            self.tables["interface"] = {n: interface(n, n if n <= cameras else None) for n in range(1, cameras + 3)}
            self.tables["log"] = {1: log(1, "proxyd started"), 2: log(2, f"Garage: {cameras} new cameras")}

    def change(self, kind: Kind, model: Any) -> None:
        """Store and announce."""
        self.tables[kind][model.id] = model
        self.hub.changed(kind, model)

    def remove(self, kind: Kind, key: int) -> None:
        self.tables[kind].pop(key, None)
        self.hub.removed(kind, key)

    async def answer(self, method: str, params: Any, given: dict[str, Any]) -> Any:
        held = self.hold.get(method) or self.hold.get("*")
        if held is not None:
            await held.wait()
        return self._result(method, given)

    def _result(self, method: str, params: dict[str, Any]) -> Any:
        answer = self.answers.get(method)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(params)
        if answer is not None:
            return answer
        own: Callable[[dict[str, Any]], Any] | None = getattr(self, "_" + method.replace(".", "_"), None)
        if own is None:
            raise NotFound(f"The fake daemon knows no {method}.")
        return own(params)

    def snapshot(self) -> Snapshot:
        tables = {kind: list(table.values()) for kind, table in self.tables.items()}
        status = Status(
            version="0.1.0",
            pid=1,
            started=STARTED,
            mode=self.mode,
            data_dir="/nowhere",
            nvrs=len(tables["nvr"]),
            cameras=len(tables["camera"]),
            states={},
            role=self.role,
        )
        return Snapshot(
            seq=self.hub.seq,
            status=status,
            nvrs=tables["nvr"],
            cameras=tables["camera"],
            interfaces=tables["interface"],
            jobs=tables["job"],
            log=tables["log"],
        )

    def _cameras_in_state(self, params: dict[str, Any], state: CameraState, *, enabled: bool) -> list[Camera]:
        found: list[Camera] = []
        for key in params["ids"]:
            changed = self.tables["camera"][key].model_copy(update={"state": state, "enabled": enabled, "clients": 0})
            self.tables["camera"][key] = changed
            found.append(changed)
        return found

    def _camera_start(self, params: dict[str, Any]) -> list[Camera]:
        return self._cameras_in_state(params, CameraState.RUNNING, enabled=True)

    def _camera_restart(self, params: dict[str, Any]) -> list[Camera]:
        return self._cameras_in_state(params, CameraState.STARTING, enabled=True)

    def _camera_stop(self, params: dict[str, Any]) -> list[Camera]:
        return self._cameras_in_state(params, CameraState.STOPPED, enabled=False)

    def _camera_remove(self, params: dict[str, Any]) -> list[Camera]:
        return [self.tables["camera"].pop(key) for key in params["ids"]]

    def _camera_update(self, params: dict[str, Any]) -> Camera:
        changed: Camera = self.tables["camera"][params["id"]].model_copy(update=params)
        self.tables["camera"][changed.id] = changed
        return changed

    def _camera_credentials(self, params: dict[str, Any]) -> Credentials:
        return Credentials(camera=params["id"], username="onvif", password=self.password)

    def _camera_events(self, params: dict[str, Any]) -> list[CameraEvent]:
        told = [("motion begins", "tns1:VideoSource/MotionAlarm"), ("line crossed", "tns1:RuleEngine/LineDetector/X")]
        return [CameraEvent(at=f"2026-11-22T09:00:0{n}.500Z", what=w, topic=t) for n, (w, t) in enumerate(told)]

    def _camera_streams(self, params: dict[str, Any]) -> list[StreamStatus]:
        """As the camera itself says; the main stream of those that somebody watches runs."""
        shown: Camera = self.tables["camera"][params["id"]]
        return [
            StreamStatus(
                name=stream.name,
                state="running" if stream.clients else "idle",
                codec=stream.codec,
                width=stream.width,
                height=stream.height,
                profile="Main",
                fps=24.9,
                key_interval_s=2.0,
                jitter_ms=1.2,
                lost=3 if stream.clients else 0,
                source_bps=stream.bps,
                clients=[PLAYING] * stream.clients,
            )
            for stream in shown.streams
        ]

    def _camera_diagnosis(self, params: dict[str, Any]) -> list[Finding]:
        todo = f"Type this camera's own password into the recorder: onviftui camera credentials {params['id']}"
        what = "10.77.0.3 reached the camera, but used a wrong password once."
        return [Finding(id="wrong-password", severity="problem", what=what, todo=todo, camera=params["id"])]

    def _camera_presets(self, params: dict[str, Any]) -> list[str]:
        return ["Gate", "Parking lot"]

    def _camera_ptz(self, params: dict[str, Any]) -> Camera:
        moved: Camera = self.tables["camera"][params["id"]]
        return moved

    def _camera_certificate(self, params: dict[str, Any]) -> Certificate:
        return Certificate(
            camera=params["id"],
            origin="self-made",
            https=True,
            subject="CN=camera",
            not_after="2036-11-22T09:00:00Z",
            names=[f"127.0.10.{params['id']}"],
            warnings=["Recorders that check certificates refuse one that nobody issued."],
        )

    def _camera_history(self, params: dict[str, Any]) -> CameraHistory:
        """The main stream of those that somebody watches has grown for two minutes."""
        shown: Camera = self.tables["camera"][params["id"]]
        streams = []
        for stream in shown.streams:
            bps = [stream.bps * max(0, step - STEPS // 2) // (STEPS // 2) for step in range(1, STEPS + 1)]
            streams.append(
                StreamHistory(
                    name=stream.name,
                    bps=bps,
                    source_bps=bps,
                    fps=[25.0 if one else 0.0 for one in bps],
                    lost=[0] * STEPS,
                    clients=[1 if one else 0 for one in bps],
                )
            )
        return CameraHistory(camera=shown.id, until=STARTED, streams=streams)

    def _history(self, params: dict[str, Any]) -> History:
        each = [self._camera_history({"id": key}).streams for key in self.tables["camera"]]
        bps = [sum(step) for step in zip(*(stream.bps for streams in each for stream in streams), strict=True)]
        bps = bps or [0] * STEPS
        return History(
            until=STARTED, bps=bps, source_bps=bps, lost=[0] * STEPS, clients=[1 if one else 0 for one in bps]
        )

    def _camera_trace(self, params: dict[str, Any]) -> list[TraceEntry]:
        return [
            TraceEntry(
                number=1,
                at="2026-11-22T09:00:01Z",
                client="10.77.0.3",
                protocol="onvif",
                operation="GetSystemDateAndTime",
                ok=True,
            ),
            TraceEntry(
                number=2,
                at="2026-11-22T09:00:02Z",
                client="10.77.0.3",
                protocol="onvif",
                operation="GetProfiles",
                auth="wsse digest",
                ok=False,
                reason="wrong password",
            ),
            TraceEntry(
                number=3,
                at="2026-11-22T09:00:09Z",
                client="10.77.0.3",
                protocol="rtsp",
                operation="PLAY main",
                auth="digest",
                ok=True,
            ),
        ]

    def _camera_exchange(self, params: dict[str, Any]) -> Exchange:
        entry = next(one for one in self._camera_trace({}) if one.number == params["number"])
        return Exchange(
            entry=entry, request="POST /x HTTP/1.1\n\n<a><b/></a>", reply="HTTP/1.1 400 Bad\n\n" + "c" * 300
        )

    def _camera_snapshot(self, params: dict[str, Any]) -> Picture:
        return self.picture

    def _interface_add(self, params: dict[str, Any]) -> InterfaceChange:
        first = len(self.tables["interface"]) + 1
        added = [planned(number) for number in range(first, first + params["count"])]
        return InterfaceChange(added=added, digest="c0ffee", done=not params.get("dry_run", False))

    def _interface_remove(self, params: dict[str, Any]) -> InterfaceChange:
        removed = [planned(int(name.removeprefix("lo:"))) for name in params["names"]]
        return InterfaceChange(removed=removed, digest="c0ffee", done=not params.get("dry_run", False))

    def _nvr_add(self, params: dict[str, Any]) -> Nvr:
        number = len(self.tables["nvr"]) + 1
        added = nvr(
            number,
            name=params.get("name", params["host"]),
            host=params["host"],
            port=params["port"],
            username=params["username"],
            state=NvrState.NEW,
            last_scan=None,
            channels=0,
        )
        self.tables["nvr"][number] = added
        return added

    def _nvr_update(self, params: dict[str, Any]) -> Nvr:
        known = {key: value for key, value in params.items() if key not in ("id", "password")}
        changed: Nvr = self.tables["nvr"][params["id"]].model_copy(update=known)
        self.tables["nvr"][changed.id] = changed
        return changed

    def _nvr_remove(self, params: dict[str, Any]) -> Nvr:
        removed: Nvr = self.tables["nvr"].pop(params["id"])
        return removed

    def _nvr_scan(self, params: dict[str, Any]) -> Job:
        started = job(len(self.tables["job"]) + 1, nvr=params["id"], total=16, now="identity")
        self.tables["job"][started.id] = started
        return started

    def _nvr_test(self, _: dict[str, Any]) -> NvrTest:
        return NvrTest(ok=True, message="Hikvision DS-7616NI-K2 signed in.", channels=16, clock_offset_s=-25320.0)

    def _nvr_discover(self, _: dict[str, Any]) -> list[FoundNvr]:
        return [
            FoundNvr(host="127.0.0.1", port=8000, name="Garage", answers=True, channels=16, known=1),
            FoundNvr(host="127.0.0.9", port=80, name="NVR-4", hardware="NVR4216", answers=True, needs_password=True),
            FoundNvr(host="127.0.0.7", port=80, hardware="IPC-1", answers=False, note="no answer in 3 s"),
        ]

    def _log_tail(self, params: dict[str, Any]) -> list[LogEntry]:
        limit, before = params.get("limit", 100), params.get("before", 0)
        entries = [entry for key, entry in sorted(self.tables["log"].items()) if not before or key < before]
        return entries[-limit:]

    def _log_daemon(self, params: dict[str, Any]) -> DaemonLog:
        return self.ring.read(LogDaemonParams(**params), time.time())

    def _job_cancel(self, params: dict[str, Any]) -> Job:
        cancelled: Job = self.tables["job"][params["id"]].model_copy(update={"state": JobState.CANCELLED})
        self.tables["job"][cancelled.id] = cancelled
        return cancelled


def troubled(daemon: FakeDaemon) -> None:
    """A house with some of everything: playing, waiting, stopped, wrong password, no signal."""
    table = daemon.tables["camera"]
    for number in (1, 2, 4, 5, 10, 11):
        known = table[number]
        streams = [known.streams[0].model_copy(update={"bps": 5_900_000 + number * 31_000, "clients": 1})]
        table[number] = known.model_copy(
            update={"clients": 1, "recorder": "10.77.0.3", "streams": [*streams, known.streams[1]]}
        )
    table[3] = camera(3, CameraState.WAITING_FOR_ADDRESS, address=None, reason="No DHCP answer on eth0 for 30 s.")
    table[7] = camera(
        7,
        CameraState.WRONG_PASSWORD,
        reason="The NVR refused the password for user admin. It may lock after 4 more tries, so I stopped.",
    )
    table[8] = camera(8, CameraState.STOPPED)
    table[9] = camera(9, CameraState.NO_SIGNAL, reason="The NVR has no picture on channel 9.")
    table[12] = camera(12, CameraState.PORT_IN_USE, reason="Port 8080 on 127.0.10.12 is in use by nginx (pid 812).")
    daemon.tables["job"][1] = job(
        1,
        JobState.DONE,
        done=16,
        total=16,
        ended=STARTED,
        diff=ScanDiff(
            new=[1, 2, 3], changed=[4], offline=[9], warnings=["The clock of the NVR is 7 h 02 min behind; handled."]
        ),
    )
    daemon.tables["log"][3] = log(3, "Yard: 10.77.0.3 started to play main", subject="camera 2")
    daemon.tables["log"][4] = log(4, "The NVR refused the password", "error", "nvr 1")
    daemon.tables["log"][5] = log(5, "No DHCP answer on eth0", "warning", "camera 3")
