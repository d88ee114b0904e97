"""Specs and requests for the tests of this room."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from lxml import etree

from proxyd.camera.commands import Command, LookUp, MakeCertificate
from proxyd.camera.features import AnalyticsItem, ChannelFeatures
from proxyd.camera.guesses import Guesses
from proxyd.camera.spec import AudioSpec, CameraSpec, NvrAccess, StreamSpec
from proxyd.camera.urls import DEVICE_PATH
from proxyd.onvif.dispatch import Dispatcher
from proxyd.onvif.exchange import Call, Later, Reply
from proxyd.onvif.faults import SoapFault
from proxyd.onvif.motion import MOTION_TOPICS
from proxyd.onvif.namespaces import PREFIXES, clark
from proxyd.onvif.services.analytics import ANALYTICS_PATH
from proxyd.onvif.services.events import Pull
from proxyd.onvif.services.imaging import IMAGING_PATH
from proxyd.onvif.services.operation import DEVICEIO_PATH, EVENTS_PATH, MEDIA2_PATH, MEDIA_PATH, Reached
from proxyd.onvif.services.ptz_nodes import PTZ_PATH
from proxyd.onvif.subscriptions import Subscriptions
from proxyd.tls.certificate import self_signed

NOW = datetime(2026, 11, 22, 11, 30, 5, tzinfo=UTC)
USERNAME = "onvif"
PASSWORD = "kiwi-7-lantern"
PATHS = {
    "tds": DEVICE_PATH,
    "trt": MEDIA_PATH,
    "tr2": MEDIA2_PATH,
    "tev": EVENTS_PATH,
    "wsnt": EVENTS_PATH,
    "tptz": PTZ_PATH,
    "timg": IMAGING_PATH,
    "tmd": DEVICEIO_PATH,
    "tan": ANALYTICS_PATH,
}
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_nonces = count()


def main_stream(**changes: Any) -> StreamSpec:
    stream = StreamSpec(
        name="main",
        codec="H264",
        width=2560,
        height=1440,
        fps=25,
        bitrate_kbps=4096,
        upstream_url="rtsp://192.0.2.9:554/Streaming/Channels/301",
        codec_profile="High",
    )
    return replace(stream, **changes)


def sub_stream(**changes: Any) -> StreamSpec:
    stream = StreamSpec(
        name="sub",
        codec="H264",
        width=640,
        height=360,
        fps=12,
        bitrate_kbps=512,
        upstream_url="rtsp://192.0.2.9:554/Streaming/Channels/302",
        quality=3.5,
    )
    return replace(stream, **changes)


def camera_spec(**changes: Any) -> CameraSpec:
    spec = CameraSpec(
        id=3,
        name="Yard <north> & gate",
        uuid="6f1c2f6e-0f4b-4c11-9d0c-000000000003",
        serial="OT0A1B2C3D4E",
        nvr_id=1,
        channel=3,
        address="127.0.0.1",
        prefix_length=24,
        mac="02:00:5e:10:00:03",
        interface="lo3",
        http_port=0,
        rtsp_port=8554,
        username=USERNAME,
        password=PASSWORD,
        streams=(main_stream(), sub_stream()),
        snapshot_upstream="http://192.0.2.9/picture?channel=3",
        nvr=NvrAccess("192.0.2.9", 80, "nvr-admin", "nvr-secret"),
    )
    return replace(spec, **changes)


AUDIO = AudioSpec("AAC", 64, 16)
ANALYTICS = ChannelFeatures(
    rules=(
        AnalyticsItem("Fence", "tt:LineDetector", (("Direction", "Any"), ("Armed", "true"))),
        AnalyticsItem("Motion <1>", "tt:CellMotionDetector", (("MinCount", "20"), ("ActiveCells", "zwA="))),
        AnalyticsItem("Fence 2", "tt:LineDetector"),
        AnalyticsItem("Entrance", "regionEntrance", (("Armed", "true"),), "urn:vendor:rules"),
    ),
    modules=(AnalyticsItem("Cells", "tt:CellMotionEngine", (("Sensitivity", "6"),)),),
)
SPECS: dict[str, CameraSpec] = {
    "two H.264 streams": camera_spec(),
    "H.265 main": camera_spec(streams=(main_stream(codec="H265", codec_profile="Main"), sub_stream())),
    "only H.265": camera_spec(streams=(main_stream(codec="H265", codec_profile="High 4:2:2"),)),
    "audio": camera_spec(streams=(main_stream(audio=AUDIO), sub_stream(audio=AudioSpec("G711", 64, 8)))),
    "JPEG main, MPEG4 sub": camera_spec(streams=(main_stream(codec="JPEG", quality=80.5), sub_stream(codec="MPEG4"))),
    "no streams": camera_spec(streams=()),
    "analytics": camera_spec(features=ANALYTICS),
    "metadata": camera_spec(features=ChannelFeatures(topics=MOTION_TOPICS)),
    "backchannel": camera_spec(
        streams=(main_stream(audio=AudioSpec("G726", 32, 8)), sub_stream()), features=ChannelFeatures(speaker=True)
    ),
    "IPv6": camera_spec(address="2001:db8::7", http_port=80, rtsp_port=554),
}


_PASSWORD_TYPES = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"


def username_token(
    username: str = USERNAME,
    password: str = PASSWORD,
    *,
    created: str | None = None,
    nonce: bytes | None = None,
    kind: Literal["Digest", "Text"] = "Digest",
) -> str:
    """A Security header; every nonce is new unless one is given."""
    nonce = f"nonce-{next(_nonces)}".encode() if nonce is None else nonce
    created = NOW.strftime("%Y-%m-%dT%H:%M:%SZ") if created is None else created
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    secret = digest if kind == "Digest" else password
    return (
        f'<wsse:Security env:mustUnderstand="1"><wsse:UsernameToken><wsse:Username>{username}</wsse:Username>'
        f'<wsse:Password Type="{_PASSWORD_TYPES}#Password{kind}">{secret}</wsse:Password>'
        f'<wsse:Nonce EncodingType="{_BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )


def soap(operation: str, content: str = "", header: str | None = None) -> bytes:
    """A request: `operation` with prefix ("trt:GetProfiles"), `content` as XML, by default a valid token as header."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in PREFIXES.items())
    header = username_token() if header is None else header
    return (
        f"<env:Envelope {spaces}><env:Header>{header}</env:Header>"
        f"<env:Body><{operation}>{content}</{operation}></env:Body></env:Envelope>"
    ).encode()


@dataclass
class Camera:
    """A dispatcher with a clock that stands still."""

    spec: CameraSpec = field(default_factory=camera_spec)
    now: datetime = NOW
    reached: Reached = field(default_factory=lambda: Reached("10.9.8.7", 80))
    commands: list[Command] = field(default_factory=list)  # what operations asked the world to do
    results: list[Any] = field(default_factory=list)  # what the world answers, first to last
    client: str = "192.0.2.50"
    waited: int = 0  # requests whose password was not looked at at once

    def __post_init__(self) -> None:
        ids = (f"point{number}" for number in count())
        guesses = Guesses(lambda: self.now.timestamp())
        self.subscriptions = Subscriptions(lambda: next(ids))
        self.dispatcher = Dispatcher(self.spec, secret=b"secret", subscriptions=self.subscriptions, guesses=guesses)

    def send(self, body: bytes, path: str, *, sub: str = "", authorization: str | None = None) -> Reply:
        """The answer; a long poll is answered at once with what is there, a command with the next of
        `results`."""
        call = Call("POST", path, path, self.reached, body, sub, authorization, self.client)
        answer = self.dispatcher.handle(call, self.now)
        if isinstance(answer, Later):
            self.waited += 1
            answer = answer.resume(self.now)
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer.command, Pull):
            return answer.finish(self.now)
        command = answer.command
        if isinstance(command, LookUp):
            self.commands.append(command.first)
            try:
                command = command.then(self._result())
            except SoapFault as fault:
                return answer.failed(fault)
        self.commands.append(command)
        if isinstance(command, MakeCertificate) and not self.results:
            return answer.finish(self_signed(self.spec, self.now))
        return answer.finish(self._result())

    def _result(self) -> Any:
        return self.results.pop(0) if self.results else None

    def ask(self, operation: str, content: str = "", *, header: str | None = None, sub: str = "") -> Reply:
        return self.send(soap(operation, content, header), PATHS[operation.partition(":")[0]], sub=sub)


def body_of(reply: Reply | bytes) -> etree._Element:
    document = reply if isinstance(reply, bytes) else reply.body
    return etree.fromstring(document)[-1][0]


def fault_of(reply: Reply | bytes) -> tuple[str, list[str], str]:
    """(code, subcodes from outer to inner, reason) of an answer that must be a fault."""
    body = body_of(reply)
    assert body.tag == clark("env:Fault")
    values = [value.text or "" for value in body.iter(clark("env:Value"))]
    return values[0], values[1:], body.findtext(f".//{clark('env:Text')}") or ""


def texts(reply: Reply | bytes, name: str) -> list[str]:
    return [element.text or "" for element in body_of(reply).iter(clark(name))]
