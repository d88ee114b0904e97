"""The events service: what it tells, what it refuses and how, each answer valid against the official schemas."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from proxyd.camera.events import CameraEvent, TopicSpec
from proxyd.camera.features import ChannelFeatures
from proxyd.onvif.content_filter import ITEM_FILTER
from proxyd.onvif.event_messages import Message, notification_message, notify_document
from proxyd.onvif.exchange import Reply
from proxyd.onvif.motion import CELL_MOTION, MOTION_ALARM, motion_events
from proxyd.onvif.namespaces import ENV11, ENV12, SCHEMA, TOPIC_SETS, clark
from proxyd.onvif.services.event_subscriptions import Notify
from proxyd.onvif.soap import envelope
from proxyd.onvif.subscriptions import MAX_NOTIFIED, MAX_PULL_POINTS
from proxyd.onvif.topic_filter import CONCRETE, CONCRETE_SET

from .builders import NOW, PATHS, Camera, body_of, camera_spec, fault_of, soap, texts, username_token
from .schemas import Validator

_TOPICS = (
    TopicSpec(
        "tns1:RuleEngine/FieldDetector/ObjectsInside",
        (("VideoSourceConfigurationToken", "tt:ReferenceToken"), ("Rule", "xsd:string")),
        (("IsInside", "xsd:boolean"),),
    ),
    TopicSpec("tns1:RuleEngine/LineDetector/Crossed", (), (("ObjectId", "vendor:Id"),), state=False),
    TopicSpec("tns1:Device/Trigger/DigitalInput", (("InputToken", "tt:ReferenceToken"),), (("State", "xsd:boolean"),)),
    TopicSpec("tns1:RuleEngine/tnsvendor:MyRuleDetector", (), (("State", "xsd:boolean"),)),
    TopicSpec("tns1:RuleEngine/tnsvendor:MyRuleDetector/PeopleDetect", (), (("State", "xsd:boolean"),)),
    TopicSpec("tns1:Not/a name", (), ()),
)
_PULL = "<tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"
_CONSUMER = "<wsnt:ConsumerReference><wsa:Address>http://{}/hook?a=1</wsa:Address></wsnt:ConsumerReference>"


@pytest.fixture
def camera() -> Camera:
    return Camera(camera_spec(features=ChannelFeatures(topics=_TOPICS)))


def _filter(*expressions: str, prefix: str = "tev") -> str:
    return f"<{prefix}:Filter>{''.join(expressions)}</{prefix}:Filter>"


def _topic(expression: str, dialect: str = CONCRETE_SET, attributes: str = "") -> str:
    return f'<wsnt:TopicExpression Dialect="{dialect}" {attributes}>{expression}</wsnt:TopicExpression>'


def _content(expression: str, dialect: str = ITEM_FILTER) -> str:
    return f'<wsnt:MessageContent Dialect="{dialect}">{expression}</wsnt:MessageContent>'


def _create(camera: Camera, content: str = "") -> str:
    """The id of a new pull point."""
    reply = camera.ask("tev:CreatePullPointSubscription", content)
    assert reply.ok, reply.reason
    return texts(reply, "wsa:Address")[0].partition("?sub=")[2]


def _heard(camera: Camera, sub: str) -> list[str]:
    reply = camera.ask("tev:PullMessages", _PULL, sub=sub)
    assert reply.ok, reply.reason
    return texts(reply, "wsnt:Topic")


def _valid_fault(reply: Reply, validator: Validator) -> list[str]:
    """Subcodes of a fault whose detail is what the schema says."""
    body = validator.body(reply.body)
    for detail in body.iterfind(f"{clark('env:Detail')}/*"):
        # Written anew, since the validator reads prefixes in text by declarations on the element alone.
        validator.schema.validate(etree.fromstring(etree.tostring(detail)))
    return fault_of(reply)[1]


# What there is to hear of ------------------------------------------------------------------------------------------


def test_event_properties_are_those_of_the_channel(camera: Camera, validator: Validator) -> None:
    body = validator.body(camera.ask("tev:GetEventProperties").body)
    topic_set = body.find(clark("wstop:TopicSet"))
    assert topic_set is not None
    topics = {_path(e): e for e in topic_set.iter() if e.get(f"{{{TOPIC_SETS}}}topic") == "true"}
    assert list(topics) == [
        "Device/Trigger/DigitalInput",
        "RuleEngine/CellMotionDetector/Motion",
        "RuleEngine/FieldDetector/ObjectsInside",
        "RuleEngine/LineDetector/Crossed",
        "RuleEngine/MyRuleDetector",
        "RuleEngine/MyRuleDetector/PeopleDetect",
        "VideoSource/MotionAlarm",
    ]
    descriptions = {name: element.find(clark("tt:MessageDescription")) for name, element in topics.items()}
    crossed, inside = (
        descriptions["RuleEngine/LineDetector/Crossed"],
        descriptions["RuleEngine/FieldDetector/ObjectsInside"],
    )
    assert crossed is not None and inside is not None
    assert (crossed.get("IsProperty"), inside.get("IsProperty")) == ("false", "true")
    assert [(i.get("Name"), i.get("Type")) for i in inside.iter(clark("tt:SimpleItemDescription"))] == [
        ("VideoSourceConfigurationToken", "tt:ReferenceToken"),
        ("Rule", "xsd:string"),
        ("IsInside", "xsd:boolean"),
    ]
    assert [i.get("Type") for i in crossed.iter(clark("tt:SimpleItemDescription"))] == ["xsd:string"]
    assert body.nsmap["xsd"] == "http://www.w3.org/2001/XMLSchema"
    assert texts(camera.ask("tev:GetEventProperties"), "wsnt:TopicExpressionDialect") == [CONCRETE_SET, CONCRETE]


def _path(element: etree._Element) -> str:
    above = [a for a in element.iterancestors() if a.tag != clark("wstop:TopicSet")]
    names = [etree.QName(e).localname for e in (element, *above)]
    return "/".join(reversed(names[: next(i for i, n in enumerate(names) if n == "GetEventPropertiesResponse")]))


def test_capabilities_are_true(camera: Camera, validator: Validator) -> None:
    reply = camera.ask("tev:GetServiceCapabilities")
    capabilities = validator.body(reply.body)[0]
    assert capabilities.get("MaxPullPoints") == str(MAX_PULL_POINTS)
    assert capabilities.get("MaxNotificationProducers") == str(MAX_NOTIFIED)
    assert MAX_PULL_POINTS >= 10
    assert capabilities.get("PersistentNotificationStorage") == "false"
    sub = _create(camera)
    seek = camera.ask("tev:Seek", "<tev:UtcTime>2026-11-22T11:30:05Z</tev:UtcTime>", sub=sub)
    assert fault_of(seek)[:2] == ("env:Receiver", ["ter:ActionNotSupported"])
    assert "not implemented" in fault_of(seek)[2]


# Messages --------------------------------------------------------------------------------------------------------


def test_messages_put_together_are_what_a_whole_document_would_be(camera: Camera, validator: Validator) -> None:
    events = [
        *motion_events(True, NOW),
        CameraEvent("tns1:A/b:C", NOW, (("Näme<", 'va"l&ue'),), (("<?messages ?>", "\u20ac"),), state=False),
    ]
    sub = _create(camera)
    camera.ask("tev:PullMessages", _PULL, sub=sub)
    for event in events:
        camera.subscriptions.deliver(event, NOW)
    reply = camera.ask("tev:PullMessages", _PULL, sub=sub)
    body = validator.body(reply.body)
    written = [etree.tostring(message, method="c14n") for message in body.iter(clark("wsnt:NotificationMessage"))]
    whole = [_standing(notification_message(event)) for event in events]
    assert [etree.canonicalize(w.decode()) for w in written] == [etree.canonicalize(w) for w in whole]
    last = body[-1]
    assert last.findtext(clark("wsnt:Topic")) == "tns1:A/C"
    message = last.find(f"{clark('wsnt:Message')}/{clark('tt:Message')}")
    assert message is not None and message.get("PropertyOperation") is None
    assert body.nsmap["tns1"] == "http://www.onvif.org/ver10/topics"  # the topic's prefix is only in text


def _standing(element: etree._Element) -> str:
    """With all declarations that the document has, so that canonical forms can be compared."""
    document = etree.fromstring(envelope(element, text_prefixes=("wsnt", "tt", "tns1")))
    return etree.tostring(document[-1][0], method="c14n").decode()


def test_notify_is_valid(validator: Validator) -> None:
    document = notify_document(
        "http://192.0.2.50/hook?a&b", "urn:uuid:1", [Message(e) for e in motion_events(True, NOW)]
    )
    body = validator.body(document)
    assert [m.findtext(clark("wsnt:Topic")) for m in body] == [MOTION_ALARM, CELL_MOTION]
    header = etree.fromstring(document)[0]
    assert [(etree.QName(e).localname, e.text) for e in header] == [
        ("Action", "http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify"),
        ("MessageID", "urn:uuid:1"),
        ("To", "http://192.0.2.50/hook?a&b"),
    ]


def test_a_limit_leaves_the_rest_for_the_next_pull(camera: Camera) -> None:
    sub = _create(camera)
    one = "<tev:Timeout>PT0S</tev:Timeout><tev:MessageLimit>1</tev:MessageLimit>"
    assert texts(camera.ask("tev:PullMessages", one, sub=sub), "wsnt:Topic") == [MOTION_ALARM]
    assert texts(camera.ask("tev:PullMessages", one, sub=sub), "wsnt:Topic") == [CELL_MOTION]
    assert texts(camera.ask("tev:PullMessages", one, sub=sub), "wsnt:Topic") == []


def test_messages_for_clients_of_soap_1_1(camera: Camera) -> None:
    sub = _create(camera)
    request = soap("tev:PullMessages", _PULL).replace(ENV12.encode(), ENV11.encode())
    reply = camera.send(request, PATHS["tev"], sub=sub)
    root = etree.fromstring(reply.body)
    assert root.tag == f"{{{ENV11}}}Envelope"
    assert [topic.text for topic in root.iter(clark("wsnt:Topic"))] == [MOTION_ALARM, CELL_MOTION]


# Filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expressions", "heard"),
    [
        ([], [MOTION_ALARM, CELL_MOTION]),
        ([_topic("tns1:VideoSource/MotionAlarm", CONCRETE)], [MOTION_ALARM]),
        ([_topic("tns1:VideoSource//."), _topic("tns1:RuleEngine//.")], [MOTION_ALARM, CELL_MOTION]),
        ([_topic("v:VideoSource//.", attributes='xmlns:v="http://www.onvif.org/ver10/topics"')], [MOTION_ALARM]),
        ([_topic("tns1:VideoSource//.|v:RuleEngine//.", attributes='xmlns:v="urn:vendor"')], [MOTION_ALARM]),
        ([_content('boolean(//tt:SimpleItem[@Name="IsMotion" and @Value="false"])')], [CELL_MOTION]),
        (
            [_content('boolean(//v:SimpleItem[@Name="State"])').replace("Dialect", f'xmlns:v="{SCHEMA}" Dialect')],
            [MOTION_ALARM],
        ),
        ([_topic("tns1:RuleEngine//."), _content('boolean(//tt:SimpleItem[@Name="State"])')], []),
        ([_topic("tns1:Device/Trigger/Relay")], []),
    ],
)
def test_filters(camera: Camera, expressions: list[str], heard: list[str]) -> None:
    assert _heard(camera, _create(camera, _filter(*expressions))) == heard


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        (
            _topic("tns1:VideoSource//.", "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Full"),
            "TopicExpressionDialectUnknownFault",
        ),
        (_topic("tns1:VideoSource//.", "urn:other"), "TopicExpressionDialectUnknownFault"),
        (_topic("tns1:NoSuchTopic/Any"), "TopicNotSupportedFault"),
        (_topic("v:VideoSource//.", attributes='xmlns:v="urn:vendor"'), "TopicNotSupportedFault"),
        (_topic("not//a//topic"), "InvalidTopicExpressionFault"),
        (_topic("nobody:VideoSource"), "InvalidTopicExpressionFault"),
        (_topic("tns1:VideoSource|" * 1000), "InvalidTopicExpressionFault"),
        (_content("//tt:SimpleItem"), "InvalidMessageContentExpressionFault"),
        (
            _content("boolean(//tt:SimpleItem[@Name='a'])", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
            "InvalidMessageContentExpressionFault",
        ),
        ('<wsnt:ProducerProperties Dialect="urn:x">a</wsnt:ProducerProperties>', "InvalidFilterFault"),
        ('<other xmlns="urn:x"/>', "InvalidFilterFault"),
        (_topic("tns1:VideoSource//.") * 30, "InvalidFilterFault"),
    ],
)
def test_filters_that_are_refused(camera: Camera, validator: Validator, expression: str, fault: str) -> None:
    for reply in (
        camera.ask("tev:CreatePullPointSubscription", _filter(expression)),
        camera.ask("wsnt:Subscribe", _CONSUMER.format(camera.client) + _filter(expression, prefix="wsnt")),
    ):
        assert _valid_fault(reply, validator) == ["ter:InvalidArgVal", f"wsnt:{fault}"]
    assert len(camera.subscriptions) == 0


# Life ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("PT60S", 60), ("PT1M30S", 90), ("2026-11-22T11:32:05Z", 120), ("PT1S", 10), ("P1D", 3600), ("", 60)],
)
def test_termination_times(camera: Camera, validator: Validator, time: str, seconds: int) -> None:
    reply = camera.ask(
        "tev:CreatePullPointSubscription", f"<tev:InitialTerminationTime>{time}</tev:InitialTerminationTime>"
    )
    validator.body(reply.body)
    end = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert texts(reply, "wsnt:TerminationTime") == [end]
    renewed = camera.ask("wsnt:Renew", f"<wsnt:TerminationTime>{time}</wsnt:TerminationTime>", sub="point0")
    validator.body(renewed.body)
    assert texts(renewed, "wsnt:TerminationTime") == [end]


@pytest.mark.parametrize("time", ["soon", "-PT5S", "PT0S", "2020-01-01T00:00:00Z"])
def test_termination_times_that_are_refused(camera: Camera, validator: Validator, time: str) -> None:
    initial = f"<tev:InitialTerminationTime>{time}</tev:InitialTerminationTime>"
    reply = camera.ask("tev:CreatePullPointSubscription", initial)
    assert _valid_fault(reply, validator)[-1] == "wsnt:UnacceptableInitialTerminationTimeFault"
    sub = _create(camera)
    renewed = camera.ask("wsnt:Renew", f"<wsnt:TerminationTime>{time}</wsnt:TerminationTime>", sub=sub)
    assert _valid_fault(renewed, validator)[-1] == "wsnt:UnacceptableTerminationTimeFault"


@pytest.mark.parametrize(
    "operation", ["tev:PullMessages", "tev:SetSynchronizationPoint", "wsnt:Renew", "wsnt:Unsubscribe"]
)
def test_unknown_and_expired_subscriptions(camera: Camera, validator: Validator, operation: str) -> None:
    sub = _create(camera)
    camera.now += timedelta(seconds=61)
    header = username_token(created=camera.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    content = _PULL if operation.endswith("PullMessages") else ""
    for name in (sub, "never-was", ""):
        reply = camera.ask(operation, content, sub=name, header=header)
        header = username_token(created=camera.now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        assert _valid_fault(reply, validator) == ["ter:InvalidArgVal", "wsrf-r:ResourceUnknownFault"]


def test_when_all_places_are_taken(camera: Camera, validator: Validator) -> None:
    for _ in range(MAX_PULL_POINTS):
        _create(camera)
    reply = camera.ask("tev:CreatePullPointSubscription")
    assert _valid_fault(reply, validator) == ["ter:Action", "wsnt:SubscribeCreationFailedFault"]
    for _ in range(MAX_NOTIFIED):
        assert camera.ask("wsnt:Subscribe", _CONSUMER.format(camera.client)).ok
    reply = camera.ask("wsnt:Subscribe", _CONSUMER.format(camera.client))
    assert _valid_fault(reply, validator) == ["ter:Action", "wsnt:SubscribeCreationFailedFault"]


def test_policies(camera: Camera, validator: Validator) -> None:
    def ask(policy: str) -> Reply:
        return camera.ask(
            "tev:CreatePullPointSubscription", f"<tev:SubscriptionPolicy>{policy}</tev:SubscriptionPolicy>"
        )

    assert ask("").ok
    assert _valid_fault(ask("<wsnt:UseRaw/>"), validator)[-1] == "wsnt:UnsupportedPolicyRequestFault"
    assert _valid_fault(ask('<x xmlns="urn:x"/>'), validator)[-1] == "wsnt:UnrecognizedPolicyRequestFault"
    reply = ask("<tev:ChangedOnly/>")
    sub = texts(reply, "wsa:Address")[0].partition("?sub=")[2]
    assert _heard(camera, sub) == []
    camera.subscriptions.deliver(motion_events(True, NOW)[0], NOW)
    assert _heard(camera, sub) == [MOTION_ALARM]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<tev:Timeout>soon</tev:Timeout>",
        "<tev:Timeout>-PT5S</tev:Timeout>",
        "<tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>0</tev:MessageLimit>",
        "<tev:Timeout>PT5S</tev:Timeout><tev:MessageLimit>many</tev:MessageLimit>",
    ],
)
def test_pulls_that_are_refused(camera: Camera, content: str) -> None:
    reply = camera.ask("tev:PullMessages", content, sub=_create(camera))
    assert fault_of(reply)[1] == ["ter:InvalidArgVal" if content else "ter:InvalidArgs"]


# Notifications ---------------------------------------------------------------------------------------------------


def test_subscribe(camera: Camera, validator: Validator) -> None:
    content = _CONSUMER.format(camera.client) + _filter(_topic("tns1:VideoSource//."), prefix="wsnt")
    reply = camera.ask("wsnt:Subscribe", content + "<wsnt:InitialTerminationTime>PT90S</wsnt:InitialTerminationTime>")
    body = validator.body(reply.body)
    assert texts(reply, "wsa:Address") == ["http://10.9.8.7/onvif/events_service?sub=point0"]
    assert body.findtext(clark("wsnt:TerminationTime")) == "2026-11-22T11:31:35.000Z"
    (command,) = camera.commands
    made: Any = command
    assert isinstance(made, Notify)
    assert made.subscription.consumer == f"http://{camera.client}/hook?a=1"
    assert [m.event.topic for m in made.subscription.queue.take(9)] == [MOTION_ALARM]
    pull = camera.ask("tev:PullMessages", _PULL, sub="point0")
    assert fault_of(pull)[1] == ["ter:InvalidArgVal"]
    assert camera.ask("tev:SetSynchronizationPoint", sub="point0").ok
    assert len(made.subscription.queue) == 1
    assert camera.ask("wsnt:Unsubscribe", sub="point0").ok
    assert made.subscription.closed


@pytest.mark.parametrize("consumer", ["127.0.0.1:8080", "8.8.8.8", "169.254.169.254", "2130706433", "x@192.0.2.50"])
def test_subscribe_never_opens_other_addresses(camera: Camera, validator: Validator, consumer: str) -> None:
    on_lan = replace(camera, spec=camera_spec(address="192.0.2.20"))
    reply = on_lan.ask("wsnt:Subscribe", _CONSUMER.format(consumer))
    assert _valid_fault(reply, validator) == ["ter:InvalidArgVal", "wsnt:SubscribeCreationFailedFault"]
    assert (len(on_lan.subscriptions), on_lan.commands) == (0, [])


def test_subscribe_needs_a_consumer(camera: Camera) -> None:
    assert fault_of(camera.ask("wsnt:Subscribe"))[1] == ["ter:InvalidArgs"]


def test_event_answers_relate_to_the_request(camera: Camera) -> None:
    header = username_token() + "<wsa:MessageID>urn:uuid:7</wsa:MessageID>"
    reply = camera.ask("wsnt:Subscribe", _CONSUMER.format(camera.client), header=header)
    head = etree.fromstring(reply.body)[0]
    assert [(etree.QName(e).localname, e.text) for e in head] == [
        ("Action", "http://docs.oasis-open.org/wsn/bw-2/NotificationProducer/SubscribeResponse"),
        ("RelatesTo", "urn:uuid:7"),
    ]
    assert body_of(reply).tag == clark("wsnt:SubscribeResponse")
    again = username_token() + "<wsa:MessageID>urn:uuid:7</wsa:MessageID>"
    refused = camera.ask("wsnt:Renew", sub="never-was", header=again)
    assert [(etree.QName(e).localname, e.text) for e in etree.fromstring(refused.body)[0]] == [
        ("Action", "http://www.w3.org/2005/08/addressing/soap/fault"),
        ("RelatesTo", "urn:uuid:7"),
    ]
