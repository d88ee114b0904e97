"""Every answer of every service against the official schemas, for every kind of camera."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxyd.camera.commands import SetDiscovery
from proxyd.camera.settings import CameraSettings
from proxyd.camera.spec import CameraSpec
from proxyd.onvif.namespaces import DEVICE, DEVICEIO, EVENTS, MEDIA, MEDIA2, NOTIFICATION, PREFIXES, clark
from proxyd.onvif.services.operation import Access
from proxyd.onvif.services.registry import offered
from proxyd.onvif.soap import Element

from .builders import PATHS, SPECS, Camera, body_of, camera_spec, fault_of, main_stream, soap, sub_stream, texts
from .schemas import Validator

_SHORT = {PREFIXES[prefix]: prefix for prefix in PATHS}
_CHANGES = {Access.WRITE_SYSTEM, Access.ACTUATE, Access.UNRECOVERABLE}
_SETUP = (
    "<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream>"
    "<tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></trt:StreamSetup>"
)
# Operation → requests beyond the empty one. "{p}" stands for the service's prefix.
_CONTENT = {
    "GetServices": ["<tds:IncludeCapability>true</tds:IncludeCapability>"],
    "GetCapabilities": [f"<tds:Category>{each}</tds:Category>" for each in ("All", "Media", "PTZ", "Nonsense")],
    "GetStreamUri": [
        f"{_SETUP}<trt:ProfileToken>sub</trt:ProfileToken>",
        f"{_SETUP}<trt:ProfileToken>nowhere</trt:ProfileToken>",
        "<tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>main</tr2:ProfileToken>",
        "<tr2:Protocol>RtspsUnicast</tr2:Protocol><tr2:ProfileToken>main</tr2:ProfileToken>",
    ],
    "GetProfiles": [
        "<tr2:Type>All</tr2:Type>",
        "<tr2:Token>main</tr2:Token><tr2:Type>VideoEncoder</tr2:Type>",
        "<tr2:Token>nowhere</tr2:Token>",
    ],
    "SetDiscoveryMode": [
        f"<tds:DiscoveryMode>{each}</tds:DiscoveryMode>" for each in ("Discoverable", "NonDiscoverable", "Nonsense")
    ],
    "SetHostname": [f"<tds:Name>{each}</tds:Name>" for each in ("gate-3.example", "", "no host name")],
    "SetSystemDateAndTime": [
        f"<tds:DateTimeType>{each}</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
        for each in ("NTP", "Manual", "Never")
    ],
    "SetSystemFactoryDefault": [f"<tds:FactoryDefault>{each}</tds:FactoryDefault>" for each in ("Hard", "Nonsense")],
    "GetSystemLog": [f"<tds:LogType>{each}</tds:LogType>" for each in ("System", "Access", "Nonsense")],
    "CreatePullPointSubscription": ["<tev:InitialTerminationTime>PT60S</tev:InitialTerminationTime>"],
}
_TOKENS = [
    *(f"<{{p}}:ProfileToken>{token}</{{p}}:ProfileToken>" for token in ("main", "sub", "nowhere")),
    *(f"<{{p}}:VideoSourceToken>{token}</{{p}}:VideoSourceToken>" for token in ("video_source", "nowhere")),
    *(f"<{{p}}:AudioSourceToken>{token}</{{p}}:AudioSourceToken>" for token in ("audio_source", "nowhere")),
    *(f"<{{p}}:AudioOutputToken>{token}</{{p}}:AudioOutputToken>" for token in ("audio_output", "nowhere")),
    *(
        f"<{{p}}:ConfigurationToken>{token}</{{p}}:ConfigurationToken>"
        for token in (
            "video_encoder_main",
            "metadata_config",
            "video_encoder_sub",
            "audio_encoder_main",
            "audio_encoder_sub",
            "video_source_config",
            "audio_source_config",
            "audio_output_config",
            "audio_decoder_config",
            "video_analytics_config",
            "nowhere",
        )
    ),
]


# Kind of camera → parts of names of operations that answer only on others.
_WAY_BACK = ("AudioOutput", "AudioDecoder")
_LACKING = {
    "two H.264 streams": ("Audio", "VideoAnalyticsConfiguration", "MetadataConfiguration"),
    "audio": (*_WAY_BACK, "VideoAnalyticsConfiguration", "MetadataConfiguration"),
    "backchannel": ("VideoAnalyticsConfiguration", "MetadataConfiguration"),
    "analytics": ("Audio", "MetadataConfiguration"),
    "metadata": ("Audio", "VideoAnalyticsConfiguration"),
}


def _all_operations(spec: CameraSpec) -> list[tuple[str, str]]:
    """Of the services that such a camera has."""
    return sorted({key for service in offered(spec) for key in service.operations})


def _reads(spec: CameraSpec) -> set[tuple[str, str]]:
    return {
        key
        for service in offered(spec)
        for key, operation in service.operations.items()
        if operation.access not in _CHANGES
    }


@pytest.mark.parametrize("kind", SPECS)
def test_every_operation_answers_what_the_schema_allows(kind: str, validator: Validator) -> None:
    camera = Camera(SPECS[kind])
    answered = set()
    seen: set[bytes] = set()
    for namespace, name in _all_operations(camera.spec):
        prefix = _SHORT[namespace]
        tokens = [each.format(p=prefix) for each in _TOKENS] if prefix in ("trt", "tr2", "tmd", "tan") else []
        for content in ["", *_CONTENT.get(name, []), *tokens]:
            reply = camera.ask(f"{prefix}:{name}", content)
            if reply.body in seen or (namespace == MEDIA2 and MEDIA2 not in validator.operations):
                body = body_of(reply)
            else:
                body = validator.body(reply.body)
                seen.add(reply.body)
            assert reply.ok == (reply.status == 200) == (body.tag != clark("env:Fault"))
            assert reply.status in (200, 400), reply
            assert reply.ok or reply.reason
            if reply.ok:
                answered.add((namespace, name))
                assert body.tag == f"{{{namespace}}}{name}Response"
    needs_subscription = {
        (EVENTS, "PullMessages"),
        (EVENTS, "SetSynchronizationPoint"),
        (NOTIFICATION, "Subscribe"),
        (NOTIFICATION, "Renew"),
        (NOTIFICATION, "Unsubscribe"),
    }
    never = {
        (DEVICE, "GetSystemLog"),
        (DEVICE, "GetSystemSupportInformation"),
        (DEVICE, "GetCertificateInformation"),  # these two are of a certificate, and there is none
        (DEVICE, "GetPkcs10Request"),
        (MEDIA, "GetOSD"),
    }
    missing = {name for _, name in _reads(camera.spec) - needs_subscription - never - answered}
    if kind in _LACKING:
        assert {name for name in missing if not any(part in name for part in _LACKING[kind])} == set()
        assert not any(name for name in missing if name.endswith(("Configurations", "Sources", "Outputs")))


def test_every_operation_of_the_wsdls_is_answered_or_not_supported(camera: Camera, validator: Validator) -> None:
    for namespace, names in validator.operations.items():
        for name in names:
            reply = camera.ask(f"{_SHORT[namespace]}:{name}")
            validator.body(reply.body)
            if body_of(reply).tag == clark("env:Fault"):
                code, subcodes, reason = fault_of(reply)
                known = any((namespace, name) in service.operations for service in offered(camera.spec))
                assert known or (code, subcodes[0]) == ("env:Receiver", "ter:ActionNotSupported")
                assert known or "not implemented" in reason


def test_same_state_gives_the_same_bytes(camera: Camera) -> None:
    twin = Camera(camera.spec)
    for operation in ("tds:GetServices", "trt:GetProfiles", "tds:GetSystemDateAndTime"):
        assert camera.ask(operation).body == camera.ask(operation).body == twin.ask(operation).body


def test_addresses_are_those_by_which_the_client_came(camera: Camera) -> None:
    assert texts(camera.ask("tds:GetServices"), "tds:XAddr")[0] == "http://10.9.8.7/onvif/device_service"
    camera.reached = type(camera.reached)("fd00::1", 8080)
    assert texts(camera.ask("tds:GetServices"), "tds:XAddr")[0] == "http://[fd00::1]:8080/onvif/device_service"
    content = f"{_SETUP}<trt:ProfileToken>main</trt:ProfileToken>"
    assert texts(camera.ask("trt:GetStreamUri", content), "tt:Uri") == ["rtsp://[fd00::1]:8554/main"]


def test_standard_ports_are_left_out_of_uris() -> None:
    camera = Camera(SPECS["IPv6"])
    content = f"{_SETUP}<trt:ProfileToken>main</trt:ProfileToken>"
    assert texts(camera.ask("trt:GetStreamUri", content), "tt:Uri") == ["rtsp://10.9.8.7/main"]
    uri = camera.ask("trt:GetSnapshotUri", "<trt:ProfileToken>main</trt:ProfileToken>")
    assert texts(uri, "tt:Uri") == ["http://10.9.8.7/snapshot"]


@pytest.mark.parametrize("protocol", ["UDP", "HTTP", "RTSP", "TCP"])
def test_stream_uri_for_every_transport(camera: Camera, protocol: str) -> None:
    setup = _SETUP.replace("RTSP", protocol)
    reply = camera.ask("trt:GetStreamUri", f"{setup}<trt:ProfileToken>main</trt:ProfileToken>")
    assert texts(reply, "tt:Uri") == ["rtsp://10.9.8.7:8554/main"]


def test_streams_by_tls_are_told_while_they_are_switched_on() -> None:
    content = "<tr2:Protocol>{}</tr2:Protocol><tr2:ProfileToken>main</tr2:ProfileToken>"
    camera = Camera(camera_spec())
    assert "RtspsUnicast" in fault_of(camera.ask("tr2:GetStreamUri", content.format("RtspsUnicast")))[2]
    for port, place in ((322, "10.9.8.7"), (9554, "10.9.8.7:9554")):
        camera = Camera(camera_spec(settings=CameraSettings(https=True), rtsps_port=port))
        reply = camera.ask("tr2:GetStreamUri", content.format("RtspsUnicast"))
        assert texts(reply, "tr2:Uri") == [f"rtsps://{place}/main"]
        assert texts(camera.ask("tr2:GetStreamUri", content.format("RTSP")), "tr2:Uri") == ["rtsp://10.9.8.7:8554/main"]


def test_h265_is_listed_by_media2_only() -> None:
    camera = Camera(SPECS["H.265 main"])
    assert _tokens(camera.ask("trt:GetProfiles").body, "trt:Profiles") == ["sub"]
    assert _tokens(camera.ask("tr2:GetProfiles").body, "tr2:Profiles") == ["main", "sub"]
    by_token = camera.ask("trt:GetProfile", "<trt:ProfileToken>main</trt:ProfileToken>")
    assert by_token.ok
    assert texts(by_token, "tt:Encoding") == []
    both = camera.ask("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>")
    assert texts(both, "tt:Encoding") == ["H265", "H264"]


def test_h265_alone_is_listed_without_encoder() -> None:
    camera = Camera(SPECS["only H.265"])
    profiles = camera.ask("trt:GetProfiles")
    assert _tokens(profiles.body, "trt:Profiles") == ["main"]
    assert texts(profiles, "tt:Encoding") == []
    assert texts(profiles, "tt:SourceToken") == ["video_source"]
    assert texts(camera.ask("trt:GetVideoEncoderConfigurations"), "tt:Encoding") == []


def test_h264_comes_before_other_codecs_in_media1() -> None:
    camera = Camera(SPECS["two H.264 streams"])
    assert _tokens(camera.ask("trt:GetProfiles").body, "trt:Profiles") == ["main", "sub"]
    mixed = Camera(camera_spec(streams=(main_stream(codec="JPEG"), sub_stream())))
    assert _tokens(mixed.ask("trt:GetProfiles").body, "trt:Profiles") == ["sub", "main"]


def test_profiles_carry_what_unifi_protect_needs(camera: Camera) -> None:
    reply = camera.ask("trt:GetProfiles")
    assert texts(reply, "tt:FrameRateLimit") == ["25", "12"]
    assert texts(reply, "tt:SourceToken") == ["video_source"] * 2
    sources = _tokens(camera.ask("trt:GetVideoSources").body, "trt:VideoSources")
    assert sources == ["video_source"]


def test_exactly_one_enabled_interface_with_the_cameras_mac(camera: Camera) -> None:
    reply = camera.ask("tds:GetNetworkInterfaces")
    assert texts(reply, "tt:HwAddress") == [camera.spec.mac]
    assert len(list(body_of(reply))) == 1


def test_media2_includes_only_the_types_asked_for(camera: Camera) -> None:
    plain = body_of(camera.ask("tr2:GetProfiles"))
    assert plain.find(f".//{clark('tr2:Configurations')}") is None
    asked = body_of(camera.ask("tr2:GetProfiles", "<tr2:Type>VideoEncoder</tr2:Type>"))
    assert [child.tag for child in _first(asked, "tr2:Configurations")] == [clark("tr2:VideoEncoder")]


@pytest.mark.parametrize("service", ["trt", "tr2"])
def test_create_profile_answers_as_synology_expects(camera: Camera, service: str) -> None:
    reply = camera.ask(f"{service}:CreateProfile", f"<{service}:Name>SynoProfile</{service}:Name>")
    assert fault_of(reply)[:2] == ("env:Receiver", ["ter:Action", "ter:MaxNVTProfiles"])


def test_nothing_of_the_nvr_is_in_any_answer(camera: Camera) -> None:
    for namespace, name in _all_operations(camera.spec):
        for content in ["", *_CONTENT.get(name, [])]:
            body = camera.ask(f"{_SHORT[namespace]}:{name}", content).body
            for secret in (b"192.0.2.9", b"nvr-admin", b"nvr-secret", b"Channels/", camera.spec.password.encode()):
                assert secret not in body


def test_the_discovery_mode_is_told_and_set(camera: Camera) -> None:
    assert texts(camera.ask("tds:GetDiscoveryMode"), "tds:DiscoveryMode") == ["Discoverable"]
    assert camera.ask("tds:SetDiscoveryMode", "<tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode>").ok
    assert camera.commands == [SetDiscovery(False)]
    camera.dispatcher.update(replace(camera.spec, discovery=False))
    assert texts(camera.ask("tds:GetDiscoveryMode"), "tds:DiscoveryMode") == ["NonDiscoverable"]
    assert camera.ask("tds:SetDiscoveryMode", "<tds:DiscoveryMode>Discoverable</tds:DiscoveryMode>").ok
    for wrong in ("", "<tds:DiscoveryMode>Off</tds:DiscoveryMode>"):
        assert fault_of(camera.ask("tds:SetDiscoveryMode", wrong))[0] == "env:Sender"
    assert (
        camera.ask("tds:SetDiscoveryMode", "<tds:DiscoveryMode>Discoverable</tds:DiscoveryMode>", header="").status
        == 401
    )
    assert camera.commands == [SetDiscovery(False), SetDiscovery(True)]


def test_system_time_is_utc_and_ntp(camera: Camera) -> None:
    reply = camera.ask("tds:GetSystemDateAndTime", header="")
    assert texts(reply, "tt:DateTimeType") == ["NTP"]
    assert texts(reply, "tt:Hour")[0] == "11"
    assert texts(reply, "tt:Day")[0] == "22"


def test_capabilities_of_one_category(camera: Camera) -> None:
    reply = body_of(camera.ask("tds:GetCapabilities", "<tds:Category>Events</tds:Category>"))
    assert [child.tag for child in reply[0]] == [clark("tt:Events")]
    reply_all = body_of(camera.ask("tds:GetCapabilities"))
    assert [child.tag for child in reply_all[0]] == [
        clark(f"tt:{name}") for name in ("Device", "Events", "Media", "Extension")
    ]
    missing = camera.ask("tds:GetCapabilities", "<tds:Category>PTZ</tds:Category>")
    assert fault_of(missing)[1] == ["ter:ActionNotSupported", "ter:NoSuchService"]


def test_update_changes_the_answers(camera: Camera) -> None:
    before = camera.ask("tds:GetScopes").body
    camera.dispatcher.update(camera_spec(name="Porch"))
    after = camera.ask("tds:GetScopes").body
    assert b"/name/Porch" in after
    assert b"/name/Porch" not in before


def test_wrong_path_is_told_where_to_ask(camera: Camera) -> None:
    reply = camera.send(soap("trt:GetProfiles"), PATHS["tds"])
    assert fault_of(reply)[1] == ["ter:ActionNotSupported"]
    assert PATHS["trt"] in fault_of(reply)[2]


def test_namespaces_of_services_are_known(camera: Camera) -> None:
    assert texts(camera.ask("tds:GetServices", header=""), "tds:Namespace") == [DEVICE, MEDIA, MEDIA2, EVENTS, DEVICEIO]


def _tokens(document: bytes, name: str) -> list[str]:
    return [element.get("token") or "" for element in body_of(document).iter(clark(name))]


def _first(element: Element, name: str) -> Element:
    return next(iter(element.iter(clark(name))))
