"""A recorder that plays the metadata track, and puts its packets together again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from lxml import etree

from proxyd.camera.features import ChannelFeatures, MetadataFeatures
from proxyd.onvif.event_messages import Message, initialized
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, MOTION_TOPICS, motion_events
from proxyd.onvif.namespaces import clark
from proxyd.rtsp.metadata_rtp import Reassembler
from proxyd.rtsp.metadata_sdp import METADATA_TRACK
from proxyd.rtsp.server import RtspServer

from .cameras import Recorder

EVENTS = ChannelFeatures(topics=MOTION_TOPICS)
OBJECTS = ChannelFeatures(topics=MOTION_TOPICS, metadata=MetadataFeatures(analytics=True))
BOTH = {MOTION_ALARM, CELL_MOTION}


@dataclass
class Documents:
    """What came on the channel of RTP; `packets` of the recorder that were looked at are counted in `seen`."""

    recorder: Recorder
    channel: int
    seen: int = 0
    whole: list[bytes] = field(default_factory=list)
    reassembler: Reassembler = field(default_factory=Reassembler)

    def look(self) -> None:
        for channel, payload in self.recorder.packets[self.seen :]:
            if channel == self.channel and (document := self.reassembler.take(payload)):
                self.whole.append(document)
        self.seen = len(self.recorder.packets)

    async def next(self) -> etree._Element:
        """The oldest document that nobody has taken yet; every one has to be well-formed."""
        self.look()
        while not self.whole:
            assert await self.recorder.receive(), "the connection was closed"
            self.look()
        return etree.fromstring(self.whole.pop(0))

    async def until(self, path: str) -> etree._Element:
        """The first element at `path` ("tt:VideoAnalytics/tt:Frame"); documents without one are passed over."""
        steps = "/".join(clark(step) for step in path.split("/"))
        while (found := (await self.next()).find(steps)) is None:
            pass
        return found


async def set_up(recorder: Recorder, url: str, first_channel: int, session: str = "") -> str:
    """The metadata track by TCP; returns the session's id."""
    transport = f"RTP/AVP/TCP;unicast;interleaved={first_channel}-{first_channel + 1}"
    target = f"{url}/trackID={METADATA_TRACK}"
    if session:
        answer = await recorder.ask("SETUP", target, Transport=transport, Session=session)
    else:
        answer = await recorder.ask("SETUP", target, Transport=transport)
    assert answer.status == 200
    return (answer.headers.get("Session") or "").split(";")[0]


def states(document: etree._Element) -> dict[str, tuple[str, str]]:
    """Of the events in it: by topic, operation and the value of the first data item."""
    found = {}
    for notification in document.iter(clark("wsnt:NotificationMessage")):
        message = notification.find(f"{clark('wsnt:Message')}/{clark('tt:Message')}")
        assert message is not None
        item = message.find(f"{clark('tt:Data')}/{clark('tt:SimpleItem')}")
        topic = notification.findtext(clark("wsnt:Topic")) or ""
        found[topic] = message.get("PropertyOperation") or "", "" if item is None else item.get("Value") or ""
    return found


def now() -> datetime:
    return datetime.now(UTC)


def still() -> list[Message]:
    return [initialized(event) for event in motion_events(False, now())]


def move(server: RtspServer, moving: bool) -> None:
    for event in motion_events(moving, now()):
        server.metadata.take([Message(event)])


async def until_state(documents: Documents, value: str) -> None:
    """Waits until both topics have said so, as a change."""
    missing = set(BOTH)
    while missing:
        missing -= {topic for topic, told in states(await documents.next()).items() if told == ("Changed", value)}
