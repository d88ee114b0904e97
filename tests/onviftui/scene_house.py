"""The made-up houses that the scenes show: one with some of everything, and those on the way there."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime
from logging import ERROR, INFO, WARNING, LogRecord
from typing import Any

from PIL import Image, ImageDraw

from proxyd.api.backups import Backup, BackupContents
from proxyd.api.models import (
    Adoption,
    AdoptionStep,
    CameraEvent,
    CameraState,
    Certificate,
    Exchange,
    Finding,
    JobState,
    NvrState,
    NvrTest,
    Picture,
    PlannedSource,
    Role,
    ScanDiff,
    Source,
    SourceImported,
    TraceEntry,
)
from proxyd.api.settings import DaemonSettings, Setting
from proxyd.api.undo import Undoable
from proxyd.api.users import User, UserKey, Users

from .fake_daemon import STARTED, FakeDaemon, camera, interface, job, log, nvr, troubled

RECORDER = "10.77.0.3"


def house(daemon: FakeDaemon) -> None:
    """Some of everything."""
    troubled(daemon)
    _nvrs(daemon)
    _cameras(daemon)
    _jobs(daemon)
    _log(daemon)
    _people(daemon)
    _sources(daemon)
    _conversation(daemon)
    for number in range(1, 17):
        daemon.tables["interface"][number] = interface(number, number)
    daemon.tables["interface"][17] = interface(17)
    daemon.answers["interface.doctor"] = FINDINGS
    daemon.answers["camera.snapshot"] = picture
    daemon.answers["adoption.start"] = lambda _: adoption()
    for verb in ("pause", "resume", "skip", "cancel"):
        daemon.answers[f"adoption.{verb}"] = lambda _, verb=verb: adoption(verb)
    daemon.answers["settings.get"] = settings()
    contents = BackupContents(
        name="2026-11-22T03-00",
        at="2026-11-22T03:00:00Z",
        version="0.1.0",
        schema_version=1,
        nvrs=["Garage", "Workshop"],
        cameras=[one.name for one in daemon.tables["camera"].values()],
        warnings=["It comes from another machine: interfaces that are not here are left out."],
    )
    daemon.answers["backup.check"] = contents
    daemon.answers["backup.list"] = [
        Backup(name=f"2026-11-{day}T03-00", size=91_000 + day, at=f"2026-11-{day}T03:00:00Z", version="0.1.0")
        for day in (22, 21)
    ]
    daemon.answers["undo.list"] = [
        Undoable(number=2, at=STARTED, who="anna via onviftui", role=Role.OPERATOR, what="Yard 2 was renamed Yard"),
        Undoable(number=1, at=STARTED, who="root", role=Role.OPERATOR, what="Roof was stopped"),
    ]


FINDINGS = [
    Finding(
        id="no-answer",
        severity="problem",
        what="eth0: no DHCP answer in 30 s.",
        why="The cable may be in another network.",
        todo="Plug it into the cameras' network, then press x again.",
        interface="eth0",
    ),
    Finding(id="mode", severity="ok", what="Loopback mode: cameras run on this machine alone."),
]


def _nvrs(daemon: FakeDaemon) -> None:
    table = daemon.tables["nvr"]
    table[2] = nvr(
        2,
        name="Workshop",
        host="192.0.2.18",
        port=80,
        manufacturer="Dahua",
        model="NVR4104HS",
        firmware="4.001",
        serial="6D0B1C7",
        channels=4,
        online=4,
        clock_offset_s=1.0,
        last_scan="2026-11-20T16:42:00Z",
    )
    table[3] = nvr(
        3,
        name="Gate house",
        host="192.0.2.40",
        state=NvrState.UNREACHABLE,
        reason="Gate house: no answer from 192.0.2.40 port 8000 in 5 s. Is it switched on?",
        manufacturer="Reolink",
        model="RLN8-410",
        firmware="v3.3",
        serial="95270002",
        channels=0,
        online=0,
        clock_offset_s=None,
        last_scan=None,
    )


def _cameras(daemon: FakeDaemon) -> None:
    """Those that play are adopted; the second one can be moved, and answers by HTTPS."""
    table = daemon.tables["camera"]
    for key, known in table.items():
        if known.clients:
            changes = {"adopted_by": RECORDER, "last_event": "motion begins", "last_event_at": "2026-11-22T10:12:07Z"}
            table[key] = known.model_copy(update=changes | {"picture": "from the NVR"})
    secure = {
        "ptz": True,
        "https": True,
        "https_url": "https://127.0.10.2:8443/onvif/device_service",
        "streams": [
            one.model_copy(update={"rtsps_url": f"rtsps://127.0.10.2:8322/{one.name}"}) for one in table[2].streams
        ],
    }
    table[2] = table[2].model_copy(update=secure)


def _jobs(daemon: FakeDaemon) -> None:
    table = daemon.tables["job"]
    scan_of_workshop = {"nvr": 2, "title": "Scan of Workshop", "total": 4}
    table[2] = job(2, started="2026-11-22T10:14:30Z", done=7, total=16, now="ch 8 stream addresses (sub)", eta_s=14.0)
    found = ScanDiff(
        new=[4],
        changed=[2],
        words={4: "Forklift", 2: "main is H.265 now"},
        warnings=["Channel 3 has no sub stream: recorders get the main one in its place."],
    )
    table[3] = job(
        3,
        JobState.DONE,
        **scan_of_workshop,
        done=4,
        started="2026-11-22T10:10:00Z",
        ended="2026-11-22T10:10:21Z",
        preview=True,
        outcome="waiting",
        diff=found,
    )
    table[4] = job(
        4,
        JobState.FAILED,
        nvr=3,
        title="Scan of Gate house",
        started="2026-11-22T09:30:00Z",
        ended="2026-11-22T09:30:05Z",
        error="192.0.2.40 does not answer on port 8000.",
        hint="Is it switched on, and is the port right? Reolink uses 8000.",
    )


def _log(daemon: FakeDaemon) -> None:
    """Both logs: what was done by whom, and the daemon's own lines."""
    table = daemon.tables["log"]
    said = (
        (6, "Yard 2 was renamed Yard", "info", "camera 2", "anna via onviftui"),
        (7, "Yard: motion begins", "info", "camera 2", ""),
        (8, "Roof was stopped", "info", "camera 8", "root"),
        (9, "Gate house does not answer", "error", "nvr 3", ""),
        (10, "Jo logged in by SSH", "info", "users", ""),
    )
    for number, message, level, subject, actor in said:
        table[number] = log(number, message, level, subject).model_copy(update={"actor": actor})
    told = (
        (INFO, "proxyd.rtsp.upstream", "camera 2: main plays over TCP"),
        (WARNING, "proxyd.discovery", "camera 3: no interface to answer searches on"),
        (INFO, "proxyd.nvr.monitor", "nvr 3: is tried again in 30 s"),
        (ERROR, "proxyd.snapshot", "camera 7: HTTP 401 for a picture"),
    )
    for seconds, (severity, logger, message) in enumerate(told):
        record = LogRecord(logger, severity, __file__, 1, message, None, None)
        record.created = datetime(2026, 11, 22, 10, 14, seconds, tzinfo=UTC).timestamp()
        daemon.ring.handle(record)


def _people(daemon: FakeDaemon) -> None:
    key = UserKey(kind="ssh-ed25519", fingerprint="SHA256:YkVhbm5hJ3Mga2V5IG9uIGhlciBsYXB0b3A", comment="laptop")
    other = UserKey(kind="ssh-ed25519", fingerprint="SHA256:YkVhbm5hJ3Mga2V5IG9uIGhlciBwaG9uZSA", comment="phone")
    anna = User(name="anna", role=Role.ADMIN, keys=[key, other], password=False)
    jo = User(name="jo", role=Role.VIEWER, keys=[], password=True)
    daemon.answers["user.list"] = Users(users=[anna, jo], problems=[], folder="/var/lib/onviftui")


def _sources(daemon: FakeDaemon) -> None:
    """Cameras that know no ONVIF, and a list with more of them."""
    daemon.tables["nvr"][4] = nvr(
        4,
        name="RTSP 192.0.2.9",
        kind="rtsp",
        host="192.0.2.9",
        port=554,
        username="viewer",
        manufacturer="",
        model="RTSP",
        firmware="",
        serial="",
        channels=2,
        online=1,
        clock_offset_s=None,
    )
    daemon.tables["camera"][14] = camera(14, name="14 Doorbell", nvr=4, channel=1)
    doorbell, ramp = "rtsp://192.0.2.9/live", "rtsp://192.0.2.9/ramp"
    sources = [
        Source(nvr=4, channel=1, name="14 Doorbell", camera=14, main=f"{doorbell}/main", sub=f"{doorbell}/sub"),
        Source(nvr=4, channel=2, name="Old ramp", camera=None, main=ramp),
    ]
    daemon.answers["source.list"] = sources
    host, main = "192.0.2.31", "rtsp://192.0.2.31/h264"
    planned = [
        PlannedSource(name="Greenhouse", state="new", host=host, main=main, sub=f"{main}/sub"),
        PlannedSource(name="14 Doorbell", state="known", host="192.0.2.9", main=f"{doorbell}/main"),
        PlannedSource(name="Phone", state="unusable", why="It is no RTSP address: exec:ffmpeg."),
    ]
    daemon.answers["source.import"] = SourceImported(format="go2rtc", sources=planned, done=False)
    (daemon.socket.parent / "cameras.yaml").write_text(f"streams:\n  Greenhouse: {main}\n")


def settings() -> DaemonSettings:
    """One from the file, one from the command line, the rest as they come."""
    configuration = [
        Setting(section="network", name="mode", value="loopback", source="command line"),
        Setting(section="network", name="range", value="127.0.10.0/24", source="command line"),
        Setting(section="onvif", name="http_port", value="8080", source="file"),
        Setting(section="onvif", name="https_port", value="8443", source="default"),
        Setting(section="rtsp", name="port", value="8554", source="default"),
        Setting(section="log", name="level", value="info", source="default"),
    ]
    file = "/etc/onviftui/proxyd.toml"
    return DaemonSettings(username="onvif", sharing=16, adopted=6, file=file, configuration=configuration)


def _conversation(daemon: FakeDaemon) -> None:
    """What a recorder and a camera said to each other, and what the camera told."""
    daemon.answers["camera.trace"] = _trace
    daemon.answers["camera.exchange"] = lambda params: Exchange(
        entry=next(one for one in _trace({"limit": 100}) if one.number == params["number"]), request=_ASKED, reply=_SAID
    )
    daemon.answers["camera.diagnosis"] = [
        Finding(
            id="wrong-password",
            severity="problem",
            what=f"{RECORDER} reached the camera, but used a wrong password 3 times.",
            why="Each camera has an account of its own; it is not the NVR's.",
            todo="Type this camera's own password into the recorder: onviftui camera credentials 2",
            camera=2,
            recorder=RECORDER,
        ),
        Finding(id="found", severity="ok", what="Recorders find it by searching.", camera=2),
    ]
    daemon.answers["camera.events"] = [
        CameraEvent(at=f"2026-11-22T10:{minute:02}:07.500Z", what=what, topic=f"tns1:{topic}")
        for minute, what, topic in (
            (2, "motion begins", "VideoSource/MotionAlarm"),
            (2, "person begins", "RuleEngine/MyRuleDetector/PeopleDetect"),
            (3, "motion ends", "VideoSource/MotionAlarm"),
            (3, "person ends", "RuleEngine/MyRuleDetector/PeopleDetect"),
            (9, "line crossed", "RuleEngine/LineDetector/Crossed"),
            (12, "motion begins", "VideoSource/MotionAlarm"),
        )
    ]
    daemon.answers["camera.certificate"] = lambda params: Certificate(
        camera=params["id"],
        origin="self-made",
        https=True,
        subject="CN=Yard",
        issuer="CN=Yard",
        not_before="2026-11-22T09:00:00Z",
        not_after="2036-11-22T09:00:00Z",
        fingerprint=":".join(f"{17 * n % 256:02X}" for n in range(32)),
        key="EC P-256",
        chain=1,
        names=[f"127.0.10.{params['id']}"],
        warnings=["Recorders that check certificates refuse one that nobody issued."],
    )
    daemon.answers["nvr.test"] = NvrTest(ok=True, message="Dahua NVR4104HS signed in.", channels=4, clock_offset_s=1.0)


def _trace(params: dict[str, Any]) -> list[TraceEntry]:
    told: tuple[tuple[str, str, str, bool, str], ...] = (
        ("discovery", "Probe", "", True, ""),
        ("onvif", "GetSystemDateAndTime", "", True, ""),
        ("onvif", "GetProfiles", "wsse digest", False, "wrong password"),
        ("onvif", "GetProfiles", "wsse digest", True, ""),
        ("onvif", "GetStreamUri", "wsse digest", True, ""),
        ("rtsp", "DESCRIBE main", "digest", True, ""),
        ("rtsp", "PLAY main", "digest", True, ""),
        ("snapshot", "GET /snapshot", "digest", True, ""),
    )
    entries = [
        TraceEntry.model_validate(
            {"number": number, "at": f"2026-11-22T09:00:{number:02}Z", "client": RECORDER, "protocol": protocol}
            | {"operation": operation, "auth": auth, "ok": ok, "reason": reason, "took_ms": 2 + number, "raw": True}
        )
        for number, (protocol, operation, auth, ok, reason) in enumerate(told, 1)
    ]
    return entries[-params.get("limit", 100) :]


_ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
_ASKED = (
    "POST /onvif/media_service HTTP/1.1\nHost: 127.0.10.2:8080\nContent-Type: application/soap+xml\n"
    f"Authorization: (left out)\n\n{_ENVELOPE}<s:Body>"
    '<GetStreamUri xmlns="http://www.onvif.org/ver10/media/wsdl"><StreamSetup><Stream>RTP-Unicast</Stream>'
    "<Transport><Protocol>RTSP</Protocol></Transport></StreamSetup><ProfileToken>main</ProfileToken>"
    "</GetStreamUri></s:Body></s:Envelope>"
)
_SAID = (
    f"HTTP/1.1 200 OK\nContent-Type: application/soap+xml\nContent-Length: 412\n\n{_ENVELOPE}<s:Body>"
    "<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://127.0.10.2:8554/main</tt:Uri>"
    "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    "</trt:GetStreamUriResponse></s:Body></s:Envelope>"
)


def adoption(verb: str = "start") -> Adoption:
    """Two are done, the third has its turn; after `verb`."""
    states = ["adopted", "adopted", "now", "waiting", "waiting", "waiting"]
    if verb == "skip":
        states = ["adopted", "adopted", "skipped", "now", "waiting", "waiting"]
    steps = []
    for number, state in zip((13, 14, 15, 16, 6, 12), states, strict=True):
        known = camera(number)
        at_it = {"recorder": RECORDER, "reached": True, "signed_in": True} if state == "now" else {}
        by = {"by": RECORDER} if state == "adopted" else {}
        told = {"camera": number, "name": known.name, "address": known.address, "state": state, "since": STARTED}
        steps.append(AdoptionStep.model_validate(told | at_it | by))
    after = {"start": "running", "skip": "running", "resume": "running", "pause": "paused", "cancel": "cancelled"}
    return Adoption.model_validate({"state": after[verb], "started": STARTED, "steps": steps})


def picture(params: dict[str, Any]) -> Picture:
    """A sky, a wall, a lamp: no two cameras alike. The one that the NVR has no picture of has none here."""
    number = int(params["id"])
    if number == 9:
        return Picture(content_type="image/jpeg", data="", fallback=True, origin="none: the NVR has no picture")
    image = Image.new("RGB", (320, 180), (90, 120 + number * 5, 170))
    drawn = ImageDraw.Draw(image)
    drawn.rectangle((0, 100, 320, 180), fill=(60 + number * 8, 80, 60))
    drawn.rectangle((30 + number * 10, 60, 120 + number * 10, 150), fill=(150, 130 - number * 4, 100))
    drawn.ellipse((240 - number * 7, 20, 270 - number * 7, 50), fill=(250, 240, 180))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode()
    return Picture(
        content_type="image/jpeg", data=data, origin="from the NVR", width=1280, height=720, size=94_000 + number * 100
    )


def empty(daemon: FakeDaemon) -> None:
    """As after the installation."""
    for table in daemon.tables.values():
        table.clear()
    daemon.answers["interface.doctor"] = FINDINGS[1:]


def installed(daemon: FakeDaemon) -> None:
    """As after `netsetup install`: cameras get interfaces of their own, of which there is none yet."""
    empty(daemon)
    daemon.mode = "netlink"
    daemon.answers["interface.doctor"] = [
        Finding(id="mode", severity="ok", what="eth0 is up and has an address; interfaces can be made on it.")
    ]


def scanning(daemon: FakeDaemon) -> None:
    """The first NVR is being read."""
    empty(daemon)
    daemon.tables["nvr"][1] = nvr(state=NvrState.NEW, last_scan=None, channels=0, online=0)
    daemon.tables["job"][1] = job(1, done=7, total=16, now="ch 8 stream addresses (sub)", eta_s=14.0)


def scanned(daemon: FakeDaemon) -> None:
    """The first NVR has been read, and its cameras wait for somebody to let them run."""
    daemon.tables["camera"] = {n: camera(n, CameraState.STOPPED) for n in range(1, 17)}


def started(daemon: FakeDaemon) -> None:
    """They run, but for one, and have all interfaces."""
    daemon.tables["interface"] = {n: interface(n, n) for n in range(1, 17)}
    daemon.tables["camera"] = {n: camera(n) for n in range(1, 17)}
    reason = "No DHCP answer on eth0 for 30 s."
    daemon.tables["camera"][3] = camera(3, CameraState.WAITING_FOR_ADDRESS, address=None, reason=reason)


def running(daemon: FakeDaemon) -> None:
    """They all run, and a recorder has some of them."""
    daemon.tables["camera"] = {n: camera(n, adopted_by=RECORDER if n < 6 else "") for n in range(1, 17)}
