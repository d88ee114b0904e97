"""A daemon for command line tests: answers that show on their own what the command line makes of them."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from proxyd.api import models as m
from proxyd.api.history import STEPS, CameraHistory, History, StreamHistory
from proxyd.api.logs import DaemonLog, LogDaemonParams
from proxyd.api.ptz import CameraPtz
from proxyd.api.streams import SentPicture, StreamClient, StreamStatus
from proxyd.errors import NotFound, UpstreamAuthError
from proxyd.log_ring import LogRing

from .rpc_fake import RpcFake

AT = "2025-03-01T10:00:00Z"
PICTURE = b"\xff\xd8 picture \xff\xd9"


def camera(id_: int, name: str, **changes: Any) -> m.Camera:
    address = f"127.0.77.{id_}"
    stream = m.Stream(
        name="main", url=f"rtsp://{address}:8554/main", codec="H264", width=1920, height=1080, fps=25, bitrate=4096
    )
    values: dict[str, Any] = {
        "id": id_,
        "name": name,
        "nvr": 1,
        "channel": id_,
        "state": m.CameraState.RUNNING,
        "address": address,
        "mac": f"02:00:00:00:00:{id_:02x}",
        "interface": f"loop{id_}",
        "onvif_url": f"http://{address}:8080/onvif/device_service",
        "snapshot_url": f"http://{address}:8080/snapshot",
        "username": "recorder",
        "streams": [stream],
        "uuid": f"00000000-0000-4000-8000-{id_:012d}",
        "serial": f"V{id_:08d}",
        "enabled": True,
    }
    return m.Camera(**(values | changes))


def nvr(id_: int = 1, name: str = "Attic", **changes: Any) -> m.Nvr:
    values: dict[str, Any] = {"host": "192.0.2.10", "port": 80, "username": "admin", "state": m.NvrState.OK}
    return m.Nvr(id=id_, name=name, **(values | {"channels": 2, "online": 2} | changes))


def job(**changes: Any) -> m.Job:
    values: dict[str, Any] = {"id": 7, "kind": "scan", "nvr": 1, "title": "Scan of Attic", "started": AT}
    return m.Job(**(values | {"state": m.JobState.RUNNING} | changes))


def planned(number: int) -> m.PlannedInterface:
    return m.PlannedInterface(name=f"vcam{number}", mac=f"a2:00:00:00:00:0{number}", parent="eth0", address=None)


def adoption(job_state: str = "running", **changes: Any) -> m.Adoption:
    """Of the first two cameras; `changes` are those of the first, whose turn it is."""
    first = {"camera": 1, "name": "Front gate", "address": "127.0.77.1", "state": "now"} | changes
    second = {"camera": 2, "name": "Yard", "address": "127.0.77.2", "state": "waiting"}
    return m.Adoption.model_validate({"state": job_state, "steps": [first, second], "started": AT})


def source(name: str) -> m.Source:
    return m.Source(nvr=1, channel=1, name=name, camera=4, main="rtsp://192.0.2.7/a", sub="rtsp://192.0.2.7/b")


class FakeDaemon(RpcFake):
    """`scan_steps` is what a scan reports."""

    def __init__(self, socket: Path) -> None:
        super().__init__(socket)
        self.nvrs = [nvr()]
        data = base64.b64encode(PICTURE).decode()
        self.picture = m.Picture(content_type="image/jpeg", data=data, origin="from the NVR")
        self.adoption = adoption()
        self.adoption_steps: list[m.Adoption] = []
        self.cameras = [camera(1, "Front gate"), camera(2, "Yard"), camera(3, "Yard")]
        self.scan_steps: list[m.Job] = [
            job(done=1, total=2, now="channel 1"),
            job(done=2, total=2, state=m.JobState.DONE, ended=AT, diff=m.ScanDiff(new=[1, 2])),
        ]
        self.findings: list[m.Finding] = []
        self.scan_waits = False  # for a cancel
        self.imported = m.SourceImported(
            format="go2rtc",
            sources=[
                m.PlannedSource(name="Door", state="new", main="rtsp://192.0.2.7/a", notes=["Its sub stream is odd."]),
                m.PlannedSource(name="Yard", state="known", main="rtsp://192.0.2.7/b", why="it is there already"),
                m.PlannedSource(name="Safe", state="unusable", why="it is encrypted"),
            ],
            notes=["These are at one host."],
            done=False,
        )
        self.test_answer = m.NvrTest(ok=True, message="It works: 2 channels.")
        self.cancelled = asyncio.Event()
        self.ring = LogRing()

    async def answer(self, method: str, params: Any, given: dict[str, Any]) -> Any:
        return getattr(self, "on_" + method.replace(".", "_"))(params)

    def _camera(self, id_: int) -> m.Camera:
        for known in self.cameras:
            if known.id == id_:
                return known
        raise NotFound(f"There is no camera {id_}.", "See camera.list.")

    def on_nvr_add(self, params: m.NvrAdd) -> m.Nvr:
        return nvr(2, params.name or params.host, host=params.host, port=params.port, username=params.username)

    def on_nvr_list(self, params: m.NoParams) -> list[m.Nvr]:
        return self.nvrs

    def on_nvr_get(self, params: m.ById) -> m.Nvr:
        return self.nvrs[0]

    on_nvr_update = on_nvr_remove = on_nvr_get

    def on_nvr_discover(self, params: m.NvrDiscover) -> list[m.FoundNvr]:
        return [
            m.FoundNvr(host="192.0.2.10", port=80, name="Attic", answers=True, known=1, channels=2),
            m.FoundNvr(host="192.0.2.11", port=8000, answers=True, needs_password=True),
        ]

    def on_nvr_test(self, params: m.NvrTestParams) -> m.NvrTest:
        return self.test_answer

    def on_nvr_scan(self, params: m.NvrScan) -> m.Job:
        if params.id != 1:
            raise UpstreamAuthError("Attic refused the password.", "Check the ONVIF user.")
        if not self.scan_waits:
            for step in self.scan_steps:
                self.hub.changed("job", step)
        return job()

    def on_source_add(self, params: m.SourceAdd) -> m.Source:
        return source(params.name or "Camera 1")

    def on_source_list(self, params: m.NoParams) -> list[m.Source]:
        return [source("Yard")]

    def on_source_update(self, params: m.SourceUpdate) -> m.Source:
        return source(params.name or "Yard")

    def on_source_test(self, params: m.SourceTest) -> m.NvrTest:
        return self.test_answer

    def on_source_import(self, params: m.SourceImport) -> m.SourceImported:
        return self.imported.model_copy(update={"done": not params.dry_run})

    def on_camera_list(self, params: m.NoParams) -> list[m.Camera]:
        return self.cameras

    def on_camera_get(self, params: m.ById) -> m.Camera:
        return self._camera(params.id)

    def on_camera_update(self, params: m.CameraUpdate) -> m.Camera:
        return self._camera(params.id)

    def on_camera_ptz(self, params: CameraPtz) -> m.Camera:
        return self._camera(params.id)

    def on_camera_presets(self, params: m.ById) -> list[str]:
        return ["Door", "Gate\x1b[2J"] if params.id == 1 else []

    def on_camera_certificate(self, params: m.ById) -> m.Certificate:
        return m.Certificate(camera=params.id, origin="none", https=False)

    def on_camera_certify(self, params: m.CameraCertify) -> m.Certificate:
        origin: Literal["self-made", "brought"] = "self-made" if params.new else "brought"
        return m.Certificate(
            camera=params.id,
            origin=origin,
            https=True,
            subject="CN=yard",
            issuer="CN=House CA",
            not_before="2026-11-22T09:00:00Z",
            not_after="2027-11-22T09:00:00Z",
            fingerprint="AB:CD",
            key="RSA 2048",
            names=["yard", "192.0.2.7"],
            chain=2,
            warnings=["It does not name the camera's address."],
        )

    def on_camera_start(self, params: m.ByIds) -> list[m.Camera]:
        return [self._camera(id_) for id_ in params.ids]

    on_camera_stop = on_camera_restart = on_camera_remove = on_adoption_forget = on_camera_start

    def on_camera_snapshot(self, params: m.SnapshotParams) -> m.Picture:
        return self.picture

    def on_camera_streams(self, params: m.ById) -> list[StreamStatus]:
        told = {"codec": "H265", "width": 2560, "height": 1440, "profile": "Main"}
        client = StreamClient(address="192.0.2.50:40000", transport="TCP", since=AT, skips=2, dropped=120)
        return [
            StreamStatus(
                **told,
                name="main",
                state="running",
                sent=SentPicture(codec="H264", width=1920, height=1080, profile="High"),
                mismatch=True,
                warning="Attic says 2560×1440 H.265 for the main stream, it sends 1920×1080 H.264.",
                source_bps=5_900_000,
                bps=5_900_000,
                bytes_total=7_000_000,
                packets_total=5300,
                fps=25.0,
                key_interval_s=2.0,
                lost=3,
                jitter_ms=1.25,
                reconnects=1,
                clients=[client],
            ),
            StreamStatus(**told, name="sub", state="idle"),
        ]

    def on_camera_history(self, params: m.ById) -> CameraHistory:
        """One stream, in the last minute alone."""
        rising = [0] * (STEPS - 12) + [500_000 * n for n in range(1, 13)]
        frames, clients = [25.0 if one else 0.0 for one in rising], [2 if one else 0 for one in rising]
        lost = [0] * (STEPS - 1) + [3]
        nothing = [0] * STEPS
        main = StreamHistory(name="main", bps=rising, source_bps=rising, fps=frames, lost=lost, clients=clients)
        sub = StreamHistory(name="sub", bps=nothing, source_bps=nothing, fps=[], lost=nothing, clients=nothing)
        return CameraHistory(camera=params.id, until=AT, streams=[main, sub])

    def on_history(self, params: m.NoParams) -> History:
        main = self.on_camera_history(m.ById(id=1)).streams[0]
        passed = main.bps if self.cameras else [0] * STEPS
        return History(until=AT, bps=passed, source_bps=passed, lost=main.lost, clients=main.clients)

    def on_camera_trace(self, params: m.TraceParams) -> list[m.TraceEntry]:
        entry = {"at": AT, "client": "192.0.2.50", "protocol": "onvif", "operation": "GetProfiles"}
        return [m.TraceEntry.model_validate({**entry, "ok": False, "reason": "wrong password"})]

    def on_camera_exchange(self, params: m.ExchangeParams) -> m.Exchange:
        entry = m.TraceEntry(
            number=params.number, at=AT, client="192.0.2.50:40000", protocol="onvif", operation="GetProfiles", ok=True
        )
        return m.Exchange(entry=entry, request="POST /onvif/media_service\n\n<asked/>", reply="HTTP/1.1 200\n\n<told/>")

    def on_camera_diagnosis(self, params: m.ById) -> list[m.Finding]:
        return self.findings

    def _adoption(self, params: Any) -> m.Adoption:
        return self.adoption

    on_adoption_get = on_adoption_pause = on_adoption_resume = on_adoption_cancel = on_adoption_skip = _adoption

    def on_adoption_start(self, params: m.AdoptionStart) -> m.Adoption:
        for step in self.adoption_steps:
            self.hub.changed("adoption", step)
        return self.adoption

    def on_camera_events(self, params: m.EventsParams) -> list[m.CameraEvent]:
        return [m.CameraEvent(at=AT, what="person begins", topic="tns1:RuleEngine/MyRuleDetector/PeopleDetect")]

    def on_camera_credentials(self, params: m.ById) -> m.Credentials:
        return m.Credentials(camera=params.id, username="recorder", password="open sesame")

    def on_interface_list(self, params: m.NoParams) -> list[m.Interface]:
        mac = "02:00:00:00:00:01"
        return [m.Interface(id=1, name="loop1", mac=mac, address="127.0.77.1", kind="loopback", camera=1)]

    on_interface_available = on_interface_list

    def on_interface_add(self, params: m.InterfaceAdd) -> m.InterfaceChange:
        added = [planned(n) for n in range(1, params.count + 1)]
        return m.InterfaceChange(added=added, digest="c0ffee", done=not params.dry_run)

    def on_interface_remove(self, params: m.InterfaceRemove) -> m.InterfaceChange:
        removed = [planned(int(name.removeprefix("vcam"))) for name in params.names]
        return m.InterfaceChange(removed=removed, digest="c0ffee", done=not params.dry_run)

    def on_interface_doctor(self, params: m.NoParams) -> list[m.Finding]:
        return self.findings

    def on_job_list(self, params: m.NoParams) -> list[m.Job]:
        return [job()]

    def on_job_cancel(self, params: m.ById) -> m.Job:
        ended = job(done=1, total=2, state=m.JobState.CANCELLED, ended=AT)
        self.hub.changed("job", ended)
        self.cancelled.set()
        return ended

    def on_job_apply(self, params: m.ById) -> m.Job:
        return self.scan_steps[-1].model_copy(update={"outcome": "kept"})

    def on_job_discard(self, params: m.ById) -> m.Job:
        return self.scan_steps[-1].model_copy(update={"outcome": "discarded"})

    def on_log_tail(self, params: m.LogTail) -> list[m.LogEntry]:
        return [m.LogEntry(id=4, at=AT, level="info", subject="camera 1", message="running", actor="root")]

    def on_log_daemon(self, params: LogDaemonParams) -> DaemonLog:
        return self.ring.read(params, time.time())

    def on_status(self, params: m.NoParams) -> m.Status:
        return status(self.cameras)

    def snapshot(self) -> m.Snapshot:
        return m.Snapshot(
            seq=self.hub.seq,
            status=status(self.cameras),
            nvrs=self.nvrs,
            cameras=self.cameras,
            interfaces=[],
            jobs=[],
            log=[],
        )


def status(cameras: Sequence[m.Camera]) -> m.Status:
    return m.Status(
        version="0.1.0",
        pid=1,
        started=AT,
        mode="loopback",
        data_dir="/data",
        nvrs=1,
        cameras=len(cameras),
        states={"running": len(cameras)},
        role=m.Role.ADMIN,
    )
