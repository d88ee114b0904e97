"""From an NVR's messages to the camera's: parsing, routing, words, and what has to be remembered. Pure."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.camera.events import CameraEvent, Items
from proxyd.camera.features import ChannelTokens
from proxyd.nvr.events.mapper import CLEAR_AFTER_S, MAX_STATES, EventMapper
from proxyd.nvr.events.parse import MAX_ITEMS, MAX_MESSAGES, NvrEvent, parse_messages
from proxyd.nvr.events.route import Router
from proxyd.nvr.events.suspicion import ENDED_TWICE, MANY
from proxyd.nvr.events.translate import translate
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.event_forms import FORMS
from proxyd.simulator.faults import Faults
from proxyd.simulator.happenings import Happening, Happenings, Message
from proxyd.simulator.layout import Layout, lay_out
from proxyd.simulator.services.events import notify
from proxyd.simulator.soap import envelope

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
NAMESPACES = (
    'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:v="http://vendor.example/topics"'
)
ALARM = "VideoSource/MotionAlarm"
CELL = "RuleEngine/CellMotionDetector/Motion"


def notification(topic: str, message: str, attributes: str = 'UtcTime="2026-07-01T12:00:00Z"') -> str:
    return (
        f"<wsnt:NotificationMessage><wsnt:Topic>{topic}</wsnt:Topic><wsnt:Message>"
        f"<tt:Message {attributes}>{message}</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


def parsed(*notifications: str) -> list[NvrEvent]:
    return parse_messages(etree.fromstring(f"<a {NAMESPACES}>{''.join(notifications)}</a>"))


def tokens_of(layout: Layout) -> dict[int, ChannelTokens]:
    """As a scan would note them, by channel number."""
    found: dict[int, ChannelTokens] = {}
    for channel in {p.channel for p in layout.profiles}:
        mine = [p for p in layout.profiles if p.channel == channel]
        found[channel] = ChannelTokens(
            video_source=mine[0].listed_source,
            source_token=mine[0].source,
            sources=tuple({p.source for p in mine}),
            source_configurations=tuple({p.source_config for p in mine}),
            profiles=tuple(p.token for p in mine),
            encoders=tuple(p.encoder for p in mine),
        )
    return found


def as_events(*messages: Message) -> list[NvrEvent]:
    return parse_messages(etree.fromstring(envelope("s", notify(list(messages)))))


TWO = {
    1: ChannelTokens(source_token="000", sources=("000",), source_configurations=("c0",), profiles=("000", "001")),
    2: ChannelTokens(source_token="001", sources=("001",), source_configurations=("c1",), profiles=("002", "003")),
}


def motion(on: bool, source: str = "000", topic: str = ALARM, operation: str = "Changed") -> NvrEvent:
    data: Items = (("IsMotion" if topic == CELL else "State", "true" if on else "false"),)
    item = "VideoSourceConfigurationToken" if topic == CELL else "Source"
    return NvrEvent(topic, ((item, source),), data, operation)


def mapper(channels: dict[int, ChannelTokens] | None = None) -> EventMapper:
    made = EventMapper()
    made.follow(TWO if channels is None else channels)
    made.begin(0.0)
    return made


# Reading --------------------------------------------------------------------------------------------------------


def test_a_message_is_read_whole() -> None:
    [event] = parsed(
        notification(
            " tns1:RuleEngine/tns1:FieldDetector/ObjectsInside ",
            '<tt:Source><tt:SimpleItem Name="VideoSource" Value=" 1 "/></tt:Source>'
            '<tt:Key><tt:SimpleItem Name="ObjectId" Value="5"/></tt:Key>'
            '<tt:Data><tt:SimpleItem Name="IsInside" Value="true"/><tt:ElementItem Name="Box"><tt:x/></tt:ElementItem>'
            "</tt:Data>",
            'UtcTime="2026-07-01T14:00:00+02:00" PropertyOperation="Changed"',
        )
    )
    assert event.topic == "RuleEngine/FieldDetector/ObjectsInside"
    assert event.source == (("VideoSource", "1"), ("ObjectId", "5"))
    assert event.data == (("IsInside", "true"),)
    assert (event.operation, event.at) == ("Changed", NOW)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("tns1:VideoSource/MotionAlarm", ALARM),
        ("VideoSource/MotionAlarm", ALARM),
        ("v:VideoSource/MotionAlarm", ""),  # a vendor's tree
        ("tns1:Video Source/Motion\nAlarm", ALARM),
        ("tns1:VideoSource//MotionAlarm", ""),
        ("tns1:" + "a/" * 200 + "b", ""),
        ("other:VideoSource/MotionAlarm", ""),
        ("", ""),
    ],
)
def test_topics(topic: str, expected: str) -> None:
    assert [e.topic for e in parsed(notification(topic, ""))] == [expected]


def test_a_topic_prefix_is_what_it_is_declared_as() -> None:
    """Not what it is called: the same letters mean other things elsewhere."""
    message = notification("x:VideoSource/MotionAlarm", "").replace(
        "<wsnt:Topic>", '<wsnt:Topic xmlns:x="http://www.onvif.org/ver10/topics">'
    )
    assert parsed(message)[0].topic == ALARM
    renamed = notification("tns1:VideoSource/MotionAlarm", "").replace(
        "<wsnt:Topic>", '<wsnt:Topic xmlns:tns1="http://vendor.example/topics">'
    )
    assert parsed(renamed)[0].topic == ""


def test_too_much_is_cut() -> None:
    items = "".join(f'<tt:SimpleItem Name="n{n}" Value="v"/>' for n in range(100))
    [event] = parsed(notification("tns1:A/B", f"<tt:Source>{items}</tt:Source><tt:Data>{items}</tt:Data>"))
    assert len(event.source) == len(event.data) == MAX_ITEMS
    assert len(parsed(*[notification("tns1:A/B", "")] * (MAX_MESSAGES + 5))) == MAX_MESSAGES


def test_a_message_within_others_is_read_once() -> None:
    """Or each level would read all below it anew: 20 s for one answer."""
    message = notification("tns1:A/B", '<tt:Data><tt:SimpleItem Name="n" Value="v"/></tt:Data>')
    nested = "<wsnt:NotificationMessage>" * 100 + message + "</wsnt:NotificationMessage>" * 100
    [event] = parsed(nested)
    assert event.data == (("n", "v"),)
    assert len(parsed(message, nested, message)) == 3


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=40))
def test_any_text_is_read_or_left_out(topic: str, value: str, time: str) -> None:
    root = etree.fromstring(
        f"<a {NAMESPACES}>" + notification("t", '<tt:Data><tt:SimpleItem Name="State" Value=""/></tt:Data>') + "</a>"
    )
    with contextlib.suppress(ValueError):  # what XML cannot hold never gets here
        root[0][0].text = topic
        root.find(".//{*}SimpleItem").set("Value", value)  # type: ignore[union-attr]  # it was just put there
        root.find(".//{*}Message[@UtcTime]").set("UtcTime", time)  # type: ignore[union-attr]  # as above
    assert len(parse_messages(root)) == 1


# Routing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_every_event_of_every_dialect_finds_its_channel(dialect: str) -> None:
    layout = lay_out(DIALECTS[dialect], 16)
    router = Router(tokens_of(layout))
    for form in FORMS[dialect]:
        for channel in range(1, 17):
            messages = Happenings().messages(Happening(channel, form.kind), layout, Faults(), NOW)
            expected = None if (dialect, form.kind) == ("hikvision", "digital-input") else channel
            for event in as_events(*messages):
                if event.topic and form.kind != "storage":
                    assert router.channel_of(event) == expected, event
                else:
                    assert event.topic == "" or router.channel_of(event) is None


def test_the_name_of_the_item_decides_between_equal_tokens() -> None:
    """On some NVRs "001" is the source of channel 2 and a profile of channel 1."""
    router = Router(TWO)
    assert router.channel_of(NvrEvent("A/B", (("Source", "001"),), ())) == 2
    assert router.channel_of(NvrEvent("A/B", (("ProfileToken", "001"),), ())) == 1
    assert router.channel_of(NvrEvent("A/B", (("VideoSourceConfigurationToken", "c1"),), ())) == 2
    assert router.channel_of(NvrEvent("A/B", (("VideoSourceConfigurationToken", "001"),), ())) == 2
    assert router.channel_of(NvrEvent("A/B", (("InputToken", "001"),), ())) is None
    assert router.channel_of(NvrEvent("A/B", (("Source", "xyz"),), ())) is None


def test_a_device_of_one_channel_means_that_one() -> None:
    assert Router({7: TWO[1]}, single=True).channel_of(NvrEvent("A/B", (), ())) == 7


def test_the_last_camera_of_an_nvr_with_more_channels_does_not_get_their_events() -> None:
    """The others were removed by the user; the NVR tells of them all the same."""
    router = Router({1: TWO[1]}, [TWO[2]])
    assert router.channel_of(NvrEvent("A/B", (("Source", "001"),), ())) == -1
    assert router.channel_of(NvrEvent("A/B", (("Source", "000"),), ())) == 1


def test_a_token_of_several_cameras_decides_nothing_and_is_said() -> None:
    shared = {n: ChannelTokens(source_token="0", sources=("0",), profiles=(f"p{n}",)) for n in (1, 2)}
    heard = mapper(shared)
    assert heard.take([motion(True, "0")], NOW, 1.0) == []
    assert "does not say to which channel" in heard.note
    assert ALARM in heard.note


def test_an_nvr_that_calls_all_channels_the_first_is_found_out() -> None:
    layout = lay_out(DIALECTS["hikvision"], 4)
    faults = Faults(events_as_channel_1=True)
    heard = mapper(tokens_of(layout))
    assert heard.take(as_events(*Happenings().present(layout, faults, NOW)), NOW, 1.0) == []
    assert "cannot be told apart" in heard.note
    true = as_events(*Happenings().messages(Happening(3, "motion"), layout, faults, NOW))
    assert heard.take(true, NOW, 2.0) == []


def overlapping(source: str = "000") -> list[NvrEvent]:
    """Two cameras see something at the same time, and the NVR has one name for both."""
    return [motion(on, source) for on in (True, True, False, False)]


def test_an_nvr_without_first_states_that_calls_all_channels_the_same_is_found_out_by_what_it_tells() -> None:
    heard = mapper()
    assert heard.take(overlapping() * (ENDED_TWICE - 1), NOW, 1.0)
    assert heard.note == ""
    heard.take([motion(True)], NOW, 2.0)
    heard.take(overlapping()[1:], NOW, 2.0)
    assert "cannot be told apart" in heard.note
    assert heard.take([motion(True)], NOW, 3.0) == []
    assert kinds(heard.take([motion(True, "001")], NOW, 4.0)) == [(2, topic, on) for _, topic, on in BOTH_ON]
    assert heard.note == ""  # it can, after all


def test_what_was_on_when_an_nvr_is_found_out_ends() -> None:
    heard = mapper()
    heard.take(overlapping() * (ENDED_TWICE - 1), NOW, 1.0)
    tamper = NvrEvent("VideoSource/Tampering", (("Source", "000"),), (("State", "true"),), "Changed")
    heard.take([tamper, *overlapping()], NOW, 2.0)
    assert "cannot be told apart" in heard.note
    assert kinds(heard.expire(NOW, 2.0 + CLEAR_AFTER_S)) == [(1, "tns1:VideoSource/Tampering", "false")]


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=40))
def test_one_busy_camera_is_never_proof(runs: list[tuple[int, bool]]) -> None:
    """It may say again that it sees something, as often as it likes, as long as it says the end once."""
    heard = mapper()
    for begins, ends in runs:
        heard.take([motion(True)] * begins + [motion(False)] * ends, NOW, 1.0)
    assert "names the same channel" not in heard.note


def test_many_events_of_one_channel_are_said_and_passed_on() -> None:
    heard = mapper()
    for _ in range(MANY // 2):
        heard.take([motion(True), motion(False)], NOW, 1.0)
    assert "has named one channel" in heard.note
    assert kinds(heard.take([motion(True)], NOW, 2.0)) == BOTH_ON
    alone = EventMapper()
    alone.follow({1: TWO[1]}, single=True)
    alone.take([motion(True)] * MANY, NOW, 1.0)
    assert alone.note == ""


def test_a_channel_that_no_scan_has_found_is_said() -> None:
    heard = mapper()
    assert heard.take([motion(True, "7")], NOW, 1.0) == []
    assert "last scan did not find" in heard.note
    heard.follow({**TWO, 3: ChannelTokens(source_token="7", sources=("7",))})
    assert heard.note == ""
    assert heard.take([motion(True, "7")], NOW, 2.0)[0][0] == 3


INPUT = NvrEvent("Device/Trigger/DigitalInput", (("InputToken", "1"),), (("LogicalState", "true"),), "Changed")
SOUND = NvrEvent(
    "AudioAnalytics/Audio/DetectedSound", (("AudioSourceConfigurationToken", "m2"),), (("isSoundDetected", "true"),)
)


def test_events_of_the_nvr_as_a_whole_are_counted_and_said() -> None:
    heard = mapper()
    storage = NvrEvent("Device/HardwareFailure/StorageFailure", (("Token", "1"),), (("Failed", "true"),))
    assert heard.take([INPUT, storage, INPUT, SOUND], NOW, 1.0) == []
    assert heard.of_no_channel == {INPUT.topic: 2, SOUND.topic: 1}  # no camera ever tells of discs
    assert (heard.note, heard.aside.count(INPUT.topic)) == ("", 1)
    alone = EventMapper()
    alone.follow({1: TWO[1]}, single=True)
    assert kinds(alone.take([INPUT], NOW, 1.0)) == [(1, "tns1:Device/Trigger/DigitalInput", "true")]
    assert alone.aside == ""


def test_sounds_belong_to_the_channel_of_their_microphone() -> None:
    two = {n: replace(tokens, audio_source="mic", audio_configuration=f"m{n}") for n, tokens in TWO.items()}
    [(camera, event)] = mapper(two).take([SOUND], NOW, 1.0)
    assert (camera, event.source) == (2, (("AudioSourceConfigurationToken", "audio_source_config"),))
    shared = mapper({n: replace(tokens, audio_configuration="m2") for n, tokens in TWO.items()})
    assert shared.take([SOUND], NOW, 1.0) == []
    assert SOUND.topic in shared.note


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_an_honest_nvr_is_not_suspected(dialect: str) -> None:
    layout = lay_out(DIALECTS[dialect], 4)
    heard = mapper(tokens_of(layout))
    heard.take(as_events(*Happenings().present(layout, Faults(), NOW)), NOW, 1.0)
    assert heard.note == ""


# Words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_nothing_of_the_nvr_gets_through(dialect: str) -> None:
    layout = lay_out(DIALECTS[dialect], 2)
    channels = tokens_of(layout)
    heard = mapper(channels)
    told: list[CameraEvent] = []
    happenings = Happenings()
    for form in FORMS[dialect]:
        messages = happenings.messages(Happening(2, form.kind), layout, Faults(), NOW)
        told += [event for camera, event in heard.take(as_events(*messages), NOW, 1.0) if camera == 2]
    assert {e.topic for e in told} >= {MOTION_ALARM, CELL_MOTION}
    secret = {p for t in channels.values() for p in (*t.sources, *t.profiles, *t.source_configurations, *t.encoders)}
    for event in told:
        values = {value for name, value in (*event.source, *event.data) if name != "Count"}
        assert not {value for value in values if value in secret}
        assert {"analytics2", "MyMotionDetectorRule", "SmartMotion", "Line1", "Counter1"}.isdisjoint(values)


def test_people_and_vehicles_stay_what_they_are() -> None:
    event = NvrEvent(
        "RuleEngine/FieldDetector/ObjectsInside",
        (("VideoSourceConfigurationToken", "c0"), ("VideoAnalyticsConfigurationToken", "x"), ("Rule", "human")),
        (("IsInside", "1"), ("Box", "0 0 1 1"), ("Host", "10.0.0.9"), ("Class", "person")),
        "Changed",
    )
    said = translate(event, NOW)
    assert said is not None
    assert said.source == (
        ("VideoSourceConfigurationToken", "video_source_config"),
        ("VideoAnalyticsConfigurationToken", "video_analytics"),
        ("Rule", "Human"),
    )
    assert said.data == (("IsInside", "true"), ("Class", "Person"))


@pytest.mark.parametrize(
    "event",
    [
        NvrEvent("Device/HardwareFailure/StorageFailure", (("Source", "000"),), (("Failed", "true"),)),
        NvrEvent("Monitoring/ProcessorUsage", (("Source", "000"),), (("Value", "50"),)),
        NvrEvent("RuleEngine/X/Y", (("Source", "000"),), (("Text", "call 10.0.0.1"),)),
        NvrEvent("Configuration/Profile", (("Source", "000"),), (("State", "true"),)),
    ],
)
def test_what_is_not_known_to_be_harmless_is_dropped(event: NvrEvent) -> None:
    assert translate(event, NOW) is None


@pytest.mark.parametrize("level", ["000", "001", "c1", "c9"])
def test_a_topic_with_a_token_of_the_nvr_is_dropped(level: str) -> None:
    mapper = EventMapper()
    mapper.follow(TWO, [ChannelTokens(source_configurations=("c9",))])
    alarms = [NvrEvent(f"RuleEngine/{name}/Alarm", (("Source", "000"),), (("State", "true"),)) for name in ("R", level)]
    assert [event.topic for _, event in mapper.take(alarms, NOW, 1.0)] == ["tns1:RuleEngine/R/Alarm"]


@given(
    st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4),
    st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4),
)
def test_no_free_text_ever_passes(source: list[tuple[str, str]], data: list[tuple[str, str]]) -> None:
    said = translate(NvrEvent("RuleEngine/A/B", tuple(source), tuple(data), "Changed"), NOW)
    if said is not None:
        assert all(v in ("true", "false") or v[0] in "-0123456789" or v.isalpha() for _, v in said.data)
        assert all(name.isascii() and name.isalpha() for name, _ in (*said.source, *said.data))


# Memory ---------------------------------------------------------------------------------------------------------


def kinds(told: list[tuple[int, CameraEvent]]) -> list[tuple[int, str, str]]:
    return [(camera, event.topic, event.data[0][1]) for camera, event in told]


BOTH_ON = [(1, MOTION_ALARM, "true"), (1, CELL_MOTION, "true")]
BOTH_OFF = [(1, MOTION_ALARM, "false"), (1, CELL_MOTION, "false")]


def test_motion_said_in_two_ways_is_one_motion_told_in_both() -> None:
    heard = mapper()
    assert kinds(heard.take([motion(True), motion(True, "c0", CELL)], NOW, 1.0)) == BOTH_ON
    assert kinds(heard.take([motion(False)], NOW, 2.0)) == []
    assert kinds(heard.take([motion(False, "c0", CELL)], NOW, 3.0)) == BOTH_OFF
    assert heard.take([motion(False, "c0", CELL, "Initialized")], NOW, 4.0) == []


def test_motion_that_never_ends_is_ended() -> None:
    heard = mapper()
    heard.take([motion(True)], NOW, 1.0)
    heard.take([motion(True)], NOW, 20.0)
    assert heard.expire(NOW, 20.0 + CLEAR_AFTER_S - 0.1) == []
    assert kinds(heard.expire(NOW, 20.0 + CLEAR_AFTER_S)) == BOTH_OFF
    assert kinds(heard.take([motion(True)], NOW, 80.0)) == BOTH_ON


def test_motion_of_a_device_that_says_when_it_ends_lasts_as_long_as_it_says() -> None:
    heard = mapper()
    heard.take([motion(True), motion(False), motion(True)], NOW, 1.0)
    assert heard.expire(NOW, 500.0) == []


def test_a_property_that_lasts_is_not_ended_on_suspicion() -> None:
    heard = mapper()
    loss = NvrEvent("VideoSource/SignalLoss", (("Source", "000"),), (("State", "true"),), "Changed")
    heard.take([loss], NOW, 1.0)
    assert heard.expire(NOW, 500.0) == []
    heard.take([loss, loss], NOW, 501.0)  # again and again, and never its end
    assert kinds(heard.expire(NOW, 501.0 + CLEAR_AFTER_S)) == [(1, "tns1:VideoSource/SignalLoss", "false")]


def test_when_the_nvr_is_away_nothing_stays_on() -> None:
    heard = mapper()
    heard.take([motion(True), motion(False), motion(True)], NOW, 1.0)
    heard.lost(10.0)
    heard.lost(35.0)
    assert heard.expire(NOW, 39.0) == []
    assert kinds(heard.expire(NOW, 40.0)) == BOTH_OFF


def test_a_new_subscription_confirms_what_is_on_or_it_ends() -> None:
    heard = mapper()
    heard.take([motion(True), motion(False), motion(True)], NOW, 1.0)
    heard.take([motion(True, "001"), motion(False, "001"), motion(True, "001")], NOW, 1.0)
    heard.lost(10.0)
    heard.begin(12.0)
    assert heard.take([motion(True, operation="Initialized")], NOW, 12.1) == []
    assert {camera for camera, _ in heard.expire(NOW, 45.0)} == {2}


def test_states_of_a_new_subscription_are_no_news_when_they_are_known() -> None:
    heard = mapper()
    tamper = NvrEvent("VideoSource/Tampering", (("Source", "000"),), (("State", "false"),), "Initialized")
    [(_, first)] = heard.take([tamper], NOW, 1.0)
    assert first.operation == "Initialized"
    assert heard.take([tamper], NOW, 5.0) == []
    changed = NvrEvent(tamper.topic, tamper.source, (("State", "true"),), "Initialized")
    [(_, news)] = heard.take([changed], NOW, 6.0)
    assert news.operation == "Changed"  # it changed while nobody listened


def test_times_are_those_of_the_nvr_by_our_clock_unless_absurd() -> None:
    heard = mapper()

    def when(at: datetime | None, offset_s: float = 0.0) -> datetime:
        crossed = NvrEvent("RuleEngine/LineDetector/Crossed", (("Source", "000"),), (("ObjectId", "1"),), "", at)
        [(_, event)] = heard.take([crossed], NOW, 1.0, offset_s)
        return event.at

    second = timedelta(seconds=1)
    assert when(NOW - second) == NOW - second
    assert when(NOW - second + timedelta(hours=7), 7 * 3600) == NOW - second
    assert when(NOW.replace(year=2017)) == NOW
    assert when(NOW + timedelta(minutes=3)) == NOW
    assert when(None) == NOW
    assert when(datetime.min.replace(tzinfo=UTC), 1e9) == NOW


def test_cameras_come_and_go() -> None:
    heard = mapper()
    heard.take([motion(True), motion(True, "001")], NOW, 1.0)
    heard.follow({1: TWO[1]})
    assert {camera for camera, _ in heard.expire(NOW, 100.0)} == {1}
    heard.follow({})
    assert heard.take([motion(True)], NOW, 101.0) == []


def test_memory_is_bounded() -> None:
    heard = mapper()
    for n in range(MAX_STATES + 50):
        event = NvrEvent("RuleEngine/A/B", (("Source", "000"), ("Rule", str(n))), (("State", "true"),), "Changed")
        heard.take([event], NOW, 1.0)
    assert len(heard.expire(NOW, 100.0)) == MAX_STATES
