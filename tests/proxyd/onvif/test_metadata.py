"""The metadata stream as services tell of it, and its documents, by the published schemas."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from proxyd.camera.events import CameraEvent
from proxyd.camera.features import ChannelFeatures, MetadataFeatures
from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import CameraSpec
from proxyd.nvr.metadata import rewritten
from proxyd.onvif.event_messages import Message, initialized
from proxyd.onvif.metadata_documents import MAX_EVENT_BYTES, event_documents
from proxyd.onvif.motion import MOTION_TOPICS, motion_events
from proxyd.onvif.namespaces import clark

from .builders import NOW, SPECS, Camera, body_of, camera_spec, fault_of, texts
from .optics import PTZ
from .schemas import Validator

_EVENTS = camera_spec(features=ChannelFeatures(topics=MOTION_TOPICS))
_MOVABLE = camera_spec(
    features=ChannelFeatures(topics=MOTION_TOPICS, ptz=PTZ, metadata=MetadataFeatures(True, True, True))
)
_TT = 'xmlns:tt="http://www.onvif.org/ver10/schema"'
_AT = "2024-03-01T10:00:00Z"
_NVR_DOCUMENT = f"""<?xml version="1.0"?>
<tt:MetadataStream {_TT} xmlns:v="urn:vendor" v:device="NvrSource7">
  <tt:VideoAnalytics>
    <tt:Frame UtcTime="{_AT}" Source="NvrEngine7" Colorspace="RGB">
      <tt:PTZStatus><tt:Position><tt:PanTilt x="0.5" y="-0.25" space="http://192.0.2.9/space"/><tt:Zoom x="0.1"/>
        </tt:Position><tt:MoveStatus><tt:PanTilt>MOVING</tt:PanTilt><tt:Zoom>idle</tt:Zoom></tt:MoveStatus>
        <tt:Error>NvrError7</tt:Error><tt:UtcTime>{_AT}</tt:UtcTime></tt:PTZStatus>
      <tt:Transformation><tt:Translate x="-1.0" y="1"/><tt:Scale x="0.00125" y="-0.0025"/></tt:Transformation>
      <tt:Object ObjectId="12" Parent="7" v:name="NvrObject7">
        <tt:Appearance>
          <tt:Shape><tt:BoundingBox left="20.0" top="80.0" right="100.0" bottom="30.0"/>
            <tt:CenterOfGravity x="60.0" y="50.0"/>
            <tt:Polygon><tt:Point x="1" y="1"/><tt:Point x="2" y="1"/><tt:Point x="2" y="2"/></tt:Polygon></tt:Shape>
          <tt:Color><tt:ColorCluster><tt:Color X="1" Y="2" Z="3" Colorspace="http://192.0.2.9/c"/></tt:ColorCluster>
          </tt:Color>
          <tt:Class><tt:ClassCandidate><tt:Type>Vehical</tt:Type><tt:Likelihood>0.9</tt:Likelihood>
            </tt:ClassCandidate><tt:Type Likelihood="0.7">Car</tt:Type><tt:Type Likelihood="2">NvrClass7</tt:Type>
          </tt:Class>
          <tt:LicensePlateInfo><tt:PlateNumber>NVR 7</tt:PlateNumber></tt:LicensePlateInfo>
          <tt:ImageRef>http://nvr-admin:nvr-secret@192.0.2.9/crop.jpg</tt:ImageRef>
        </tt:Appearance>
        <tt:Behaviour><tt:Idle/><tt:Speed>1.5</tt:Speed></tt:Behaviour>
      </tt:Object>
      <tt:Object ObjectId="NvrObject7"/>
      <tt:Object ObjectId="13"><tt:Appearance><tt:Shape><tt:BoundingBox left="0" top="1" right="1" bottom="0"/>
        </tt:Shape></tt:Appearance></tt:Object>
      <tt:Object ObjectId="14"><tt:Appearance><tt:Shape><tt:BoundingBox left="nan" top="1" right="1" bottom="0"/>
        <tt:CenterOfGravity x="1e400" y="0"/></tt:Shape></tt:Appearance></tt:Object>
    </tt:Frame>
    <tt:Frame UtcTime="2024-03-01T09:59:59.5Z"/>
    <tt:Frame UtcTime="1970-01-01T00:00:00Z"/>
  </tt:VideoAnalytics>
  <tt:PTZ><tt:PTZStatus><tt:MoveStatus><tt:PanTilt>NvrWord7</tt:PanTilt></tt:MoveStatus>
    <tt:UtcTime>nonsense</tt:UtcTime></tt:PTZStatus></tt:PTZ>
  <tt:Event/>
  <tt:Extension><v:Secret>NvrSecret7</v:Secret></tt:Extension>
</tt:MetadataStream>""".encode()


@pytest.mark.parametrize("spec", [_EVENTS, _MOVABLE], ids=["events", "objects and positions"])
def test_what_is_declared_is_valid_and_the_same_everywhere(spec: CameraSpec, validator: Validator) -> None:
    camera = Camera(spec)
    everywhere = []
    for operation, content, name in (
        ("trt:GetProfiles", "", "tt:MetadataConfiguration"),
        ("trt:GetMetadataConfigurations", "", "trt:Configurations"),
        ("trt:GetCompatibleMetadataConfigurations", "<trt:ProfileToken>sub</trt:ProfileToken>", "trt:Configurations"),
        (
            "trt:GetMetadataConfiguration",
            "<trt:ConfigurationToken>metadata_config</trt:ConfigurationToken>",
            "trt:Configuration",
        ),
        ("tr2:GetProfiles", "<tr2:Type>Metadata</tr2:Type>", "tr2:Metadata"),
        ("tr2:GetMetadataConfigurations", "", "tr2:Configurations"),
    ):
        reply = camera.ask(operation, content)
        assert reply.ok, operation
        validator.body(reply.body)
        everywhere += [
            [etree.tostring(child, method="c14n", exclusive=True) for child in found]
            for found in body_of(reply).iter(clark(name))
            if found.get("token") == "metadata_config"
        ]
    assert len(everywhere) == 2 + 1 + 1 + 1 + 2 + 1
    assert all(one == everywhere[0] for one in everywhere)
    configuration = camera.ask("tr2:GetMetadataConfigurations")
    assert texts(configuration, "tt:Analytics") == ["true" if spec is _MOVABLE else "false"]
    assert texts(configuration, "tt:Status") == (["true"] if spec is _MOVABLE else [])
    assert len(texts(configuration, "tt:Events")) == 1
    for prefix in ("trt", "tr2"):
        options = camera.ask(f"{prefix}:GetMetadataConfigurationOptions")
        validator.body(options.body)
        assert texts(options, "tt:PanTiltPositionSupported") == ["true" if spec is _MOVABLE else "false"]
    capabilities = body_of(camera.ask("tr2:GetServiceCapabilities"))[0][0]
    assert "Metadata" in (capabilities.get("ConfigurationsSupported") or "").split()


def test_positions_are_those_of_movable_cameras() -> None:
    fixed = camera_spec(features=ChannelFeatures(metadata=MetadataFeatures(True, True, True)))
    reply = Camera(fixed).ask("trt:GetMetadataConfigurations")
    assert texts(reply, "tt:Analytics") == ["true"] and texts(reply, "tt:Position") == []


@pytest.mark.parametrize(
    "spec",
    [SPECS["two H.264 streams"], replace(_MOVABLE, settings=CameraSettings(metadata=False))],
    ids=["none", "off"],
)
def test_a_camera_without_it_says_nothing_of_it(spec: CameraSpec) -> None:
    camera = Camera(spec)
    for operation, content in (
        ("trt:GetProfiles", ""),
        ("trt:GetMetadataConfigurations", ""),
        ("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>"),
        ("tr2:GetMetadataConfigurations", ""),
        ("tr2:GetServiceCapabilities", ""),
    ):
        reply = camera.ask(operation, content)
        assert reply.ok and b"metadata_config" not in reply.body and b" Metadata" not in reply.body
    for prefix in ("trt", "tr2"):
        assert fault_of(camera.ask(f"{prefix}:GetMetadataConfigurationOptions"))[1][-1] == "ter:NoConfig"


@pytest.mark.parametrize("prefix", ["trt", "tr2"])
def test_what_was_read_may_be_set_and_nothing_else(prefix: str) -> None:
    camera = Camera(_MOVABLE)
    found = body_of(camera.ask(f"{prefix}:GetMetadataConfigurations"))[0]
    found.tag = clark(f"{prefix}:Configuration")
    told = etree.tostring(found).decode()
    assert camera.ask(f"{prefix}:SetMetadataConfiguration", told).ok
    other = camera.ask(f"{prefix}:SetMetadataConfiguration", told.replace(">true<", ">false<", 1))
    assert fault_of(other)[1] == ["ter:InvalidArgVal", "ter:ConfigModify"]


@pytest.mark.parametrize("prefix", ["trt", "tr2"])
def test_a_synchronization_point_tells_how_things_stand(prefix: str) -> None:
    camera = Camera(_EVENTS)
    told: list[Message] = []
    camera.subscriptions.watch(told.extend)
    for event in motion_events(True, NOW):
        camera.subscriptions.deliver(event, NOW)
    assert [message.event.operation for message in told] == ["Changed"] * 2
    told.clear()
    for _ in range(2):
        profile = f"<{prefix}:ProfileToken>main</{prefix}:ProfileToken>"
        assert camera.ask(f"{prefix}:SetSynchronizationPoint", profile).ok
    assert [(m.event.operation, m.event.data[0][1]) for m in told] == [("Initialized", "true")] * 4
    assert not camera.ask(f"{prefix}:SetSynchronizationPoint", profile.replace("main", "nowhere")).ok
    assert len(told) == 4


def test_documents_of_events_are_valid(validator: Validator) -> None:
    messages = [initialized(event) for event in motion_events(True, NOW)]
    (document,) = event_documents(messages)
    validator.schema.validate(document)
    names = [one.text for one in etree.fromstring(document).iter(clark("wsnt:Topic"))]
    assert names == [message.event.topic for message in messages]


def test_many_events_are_several_documents_in_order(validator: Validator) -> None:
    events = [CameraEvent("tns1:Device/Trigger/DigitalInput", NOW, (("InputToken", str(n)),)) for n in range(200)]
    documents = list(event_documents(Message(event) for event in events))
    assert len(documents) > 2 and all(len(document) < MAX_EVENT_BYTES + 1024 for document in documents)
    values = []
    for document in documents:
        validator.schema.validate(document)
        values += [item.get("Value") for item in etree.fromstring(document).iter(clark("tt:SimpleItem"))]
    assert values == [str(n) for n in range(200)]
    assert list(event_documents([])) == []


def test_what_an_nvr_says_is_written_anew(validator: Validator) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    document = rewritten(_NVR_DOCUMENT, now, moves=True)
    validator.schema.validate(document)
    root = etree.fromstring(document)
    frames = list(root.iter(clark("tt:Frame")))
    ages = [now - datetime.fromisoformat(frame.get("UtcTime") or "") for frame in frames]
    assert ages == [timedelta(), timedelta(seconds=0.5), timedelta(seconds=10)], "spans are the NVR's, times ours"
    objects = list(root.iter(clark("tt:Object")))
    assert [(one.get("ObjectId"), one.get("Parent")) for one in objects] == [("12", "7"), ("13", None), ("14", None)]
    boxes = [_attributes(box) for box in root.iter(clark("tt:BoundingBox"))]
    assert boxes[0] == {"left": "20", "top": "80", "right": "100", "bottom": "30"}
    centres = [_attributes(centre) for centre in root.iter(clark("tt:CenterOfGravity"))]
    assert centres == [{"x": "60", "y": "50"}, {"x": "0.5", "y": "0.5"}], "a box without its centre gets one"
    kinds = [
        (kind.text, kind.get("Likelihood")) for kind in objects[0].findall(f".//{clark('tt:Class')}/{clark('tt:Type')}")
    ]
    assert kinds == [("Car", "0.7"), ("Other", "1"), ("Vehicle", "0.9")]
    assert [one.text for one in root.iter(clark("tt:PanTilt")) if one.text] == ["MOVING"]
    (pan_tilt,) = (one for one in root.iter(clark("tt:PanTilt")) if not one.text)
    assert _attributes(pan_tilt) == {"x": "0.5", "y": "-0.25"}
    for secret in (b"Nvr", b"nvr", b"NVR", b"192.0.2", b"vendor", b"2024", b"1970", b"nan", b"space"):
        assert secret not in document


def test_positions_of_a_camera_that_nobody_may_move_stay_behind() -> None:
    document = rewritten(_NVR_DOCUMENT, NOW, moves=False)
    assert b"PTZ" not in document and b"BoundingBox" in document


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def _within(content: str) -> bytes:
    return f"<tt:MetadataStream {_TT}>{content}</tt:MetadataStream>".encode()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<",
        b"\x00\xff\xfe",
        _NVR_DOCUMENT[:400],
        _within(""),
        _within("<tt:Event>NvrSource7</tt:Event>"),
        b"<MetadataStream><VideoAnalytics><Frame UtcTime='x'/></VideoAnalytics></MetadataStream>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + _within("<tt:VideoAnalytics><tt:Frame/></tt:VideoAnalytics>"),
        _within("<tt:VideoAnalytics>" + "<tt:Frame>" * 100 + "</tt:Frame>" * 100 + "</tt:VideoAnalytics>"),
        _within("<tt:VideoAnalytics>" + "<tt:Frame/>" * 2001 + "</tt:VideoAnalytics>"),
        _within("<tt:VideoAnalytics><tt:Frame>" + " " * 70_000 + "</tt:Frame></tt:VideoAnalytics>"),
    ],
    ids=["empty", "half", "bytes", "cut", "bare", "events", "no namespace", "entities", "deep", "many", "long"],
)
def test_what_cannot_be_read_is_left_out(document: bytes) -> None:
    assert rewritten(document, NOW, moves=True) == b""


def test_numbers_of_frames_and_objects_are_limited(validator: Validator) -> None:
    objects = "".join(f'<tt:Object ObjectId="{number}"/>' for number in range(500))
    frames = f'<tt:Frame UtcTime="{_AT}">{objects}</tt:Frame>' + f'<tt:Frame UtcTime="{_AT}"/>' * 100
    document = rewritten(_within(f"<tt:VideoAnalytics>{frames}</tt:VideoAnalytics>"), NOW, moves=True)
    validator.schema.validate(document)
    root = etree.fromstring(document)
    assert len(list(root.iter(clark("tt:Object")))) == 64
    assert len(list(root.iter(clark("tt:Frame")))) == 32
