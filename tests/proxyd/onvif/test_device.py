"""What recorders may change of a camera through the device service, and what they may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxyd.camera.commands import Restart, SetSettings, SetUsers
from proxyd.camera.settings import CameraUser
from proxyd.errors import Conflict
from proxyd.onvif.exchange import Call, Pending, Reply
from proxyd.onvif.namespaces import clark
from proxyd.onvif.scopes import MAX_SCOPES, fixed_scopes
from proxyd.onvif.services.device_users import MAX_USERS

from .builders import PATHS, SPECS, USERNAME, Camera, body_of, camera_spec, fault_of, soap, texts
from .schemas import Validator

GUARD = CameraUser("guard", "guard-pass-2", "Operator")


def _keep(camera: Camera) -> None:
    """Does what the last command says, as the camera's owner would."""
    match camera.commands[-1]:
        case SetSettings(changes, _):
            settings = replace(camera.dispatcher.spec.settings, **changes)
            camera.dispatcher.update(replace(camera.dispatcher.spec, settings=settings))
        case SetUsers(users):
            camera.dispatcher.update(replace(camera.dispatcher.spec, users=users))
        case other:
            raise AssertionError(other)


def _user(name: str, password: str | None, level: str = "User") -> str:
    secret = "" if password is None else f"<tt:Password>{password}</tt:Password>"
    return f"<tds:User><tt:Username>{name}</tt:Username>{secret}<tt:UserLevel>{level}</tt:UserLevel></tds:User>"


def _refused(camera: Camera, reply: Reply, *expected: str) -> None:
    """`expected`: code without prefix, then subcodes."""
    code, subcodes, reason = fault_of(reply)
    assert [code.partition(":")[2], *(one.partition(":")[2] for one in subcodes)] == list(expected)
    assert reason
    assert camera.commands == []


# Accounts --------------------------------------------------------------------------------------------------


def test_accounts_are_made_changed_and_deleted(camera: Camera, validator: Validator) -> None:
    for operation, content in (
        ("CreateUsers", _user("guard", " secret", "Operator") + _user("visitor", "other")),
        ("SetUser", _user("guard", " other", "User") + _user("visitor", "newer", "Administrator")),
        ("DeleteUsers", "<tds:Username>guard</tds:Username>"),
    ):
        reply = camera.ask(f"tds:{operation}", content)
        validator.body(reply.body)
        assert reply.ok, reply.reason
        _keep(camera)
    assert camera.commands == [
        SetUsers((CameraUser("guard", " secret", "Operator"), CameraUser("visitor", "other", "User"))),
        SetUsers((CameraUser("guard", " other", "User"), CameraUser("visitor", "newer", "Administrator"))),
        SetUsers((CameraUser("visitor", "newer", "Administrator"),)),
    ]
    listed = camera.ask("tds:GetUsers")
    validator.body(listed.body)
    assert texts(listed, "tt:Username") == [USERNAME, "visitor"]
    assert texts(listed, "tt:Password") == []
    assert b"newer" not in listed.body


@pytest.mark.parametrize(
    ("operation", "content", "fault"),
    [
        ("CreateUsers", "", "Sender InvalidArgs"),
        ("CreateUsers", _user("guard", "x"), "Sender OperationProhibited UsernameClash"),
        ("CreateUsers", _user("onvif", "x"), "Sender OperationProhibited UsernameClash"),
        ("CreateUsers", _user("new", "x") + _user("new", "y"), "Sender OperationProhibited UsernameClash"),
        ("CreateUsers", _user("", "x"), "Sender OperationProhibited UsernameTooShort"),
        ("CreateUsers", _user("a" * 65, "x"), "Sender OperationProhibited UsernameTooLong"),
        ("CreateUsers", _user("a&#x9;b", "x"), "Sender InvalidArgVal"),
        ("CreateUsers", _user("new", None), "Sender OperationProhibited Password"),
        ("CreateUsers", _user("new", ""), "Sender OperationProhibited Password"),
        ("CreateUsers", _user("new", "x" * 65), "Sender OperationProhibited PasswordTooLong"),
        ("CreateUsers", _user("new", "x", "Anonymous"), "Sender OperationProhibited AnonymousNotAllowed"),
        ("CreateUsers", _user("new", "x", "Extended"), "Sender InvalidArgVal"),
        (
            "CreateUsers",
            "".join(_user(f"new{number}", "x") for number in range(MAX_USERS)),
            "Receiver Action TooManyUsers",
        ),
        ("SetUser", _user("nobody", "x"), "Sender InvalidArgVal UsernameMissing"),
        ("SetUser", _user("onvif", "x", "Administrator"), "Sender InvalidArgVal FixedUser"),
        ("SetUser", _user("guard", "x") + _user("nobody", "x"), "Sender InvalidArgVal UsernameMissing"),
        ("SetUser", _user("guard", "x" * 65), "Sender OperationProhibited PasswordTooLong"),
        ("SetUser", _user("guard", ""), "Sender OperationProhibited PasswordTooWeak"),
        ("SetUser", _user("guard", None), "Sender OperationProhibited PasswordTooWeak"),
        ("DeleteUsers", "", "Sender InvalidArgs"),
        ("DeleteUsers", "<tds:Username>nobody</tds:Username>", "Sender InvalidArgVal UsernameMissing"),
        ("DeleteUsers", "<tds:Username>onvif</tds:Username>", "Sender InvalidArgVal FixedUser"),
    ],
)
def test_accounts_that_cannot_be_so(operation: str, content: str, fault: str, validator: Validator) -> None:
    camera = Camera(camera_spec(users=(GUARD,)))
    reply = camera.ask(f"tds:{operation}", content)
    validator.body(reply.body)
    _refused(camera, reply, *fault.split())


def test_accounts_that_were_changed_meanwhile_are_not_overwritten(camera: Camera, validator: Validator) -> None:
    call = Call("POST", PATHS["tds"], PATHS["tds"], camera.reached, soap("tds:CreateUsers", _user("guard", "x")))
    pending = camera.dispatcher.handle(call, camera.now)
    assert isinstance(pending, Pending)
    assert pending.command.before == camera.spec.users
    reply = pending.failed(Conflict("The accounts were changed at the same time."))
    validator.body(reply.body)
    _refused(camera, reply, "Receiver", "Action")
    assert "at the same time" in reply.reason


# Scopes ----------------------------------------------------------------------------------------------------


def _scopes(*items: str, element: str = "ScopeItem") -> str:
    return "".join(f"<tds:{element}>{item}</tds:{element}>" for item in items)


def _configurable(camera: Camera) -> list[str]:
    kinds, items = (texts(camera.ask("tds:GetScopes"), name) for name in ("tt:ScopeDef", "tt:ScopeItem"))
    return [item for kind, item in zip(kinds, items, strict=True) if kind == "Configurable"]


def test_scopes_are_set_added_and_removed(camera: Camera, validator: Validator) -> None:
    one, two, three = (f"onvif://www.onvif.org/location/{name}" for name in ("yard", "north%20gate", "roof"))
    fixed = fixed_scopes(camera.spec)[0]
    steps = [
        ("tds:SetScopes", _scopes(one, fixed, element="Scopes"), [one]),
        ("tds:AddScopes", _scopes(two, three, one), [one, two, three]),
        ("tds:RemoveScopes", _scopes(one, three), [two]),
        ("tds:SetScopes", _scopes(three, element="Scopes"), [three]),
    ]
    for operation, content, expected in steps:
        reply = camera.ask(operation, content)
        validator.body(reply.body)
        assert reply.ok, reply.reason
        if operation == "tds:RemoveScopes":
            assert texts(reply, "tds:ScopeItem") == [one, three]
        _keep(camera)
        assert _configurable(camera) == expected
        validator.body(camera.ask("tds:GetScopes").body)


@pytest.mark.parametrize(
    ("operation", "content", "fault"),
    [
        ("AddScopes", "", "Sender InvalidArgs"),
        ("AddScopes", _scopes("no scope"), "Sender InvalidArgVal"),
        ("AddScopes", _scopes("noscheme"), "Sender InvalidArgVal"),
        ("AddScopes", _scopes(f"onvif://{'x' * 200}"), "Sender InvalidArgVal"),
        ("AddScopes", _scopes(*(f"a:{n}" for n in range(MAX_SCOPES + 1))), "Receiver Action TooManyScopes"),
        ("RemoveScopes", _scopes("a:1"), "Sender InvalidArgVal NoScope"),
        (
            "RemoveScopes",
            _scopes("onvif://www.onvif.org/Profile/Streaming"),
            "Sender OperationProhibited FixedScope",
        ),
    ],
)
def test_scopes_that_cannot_be_so(
    camera: Camera, operation: str, content: str, fault: str, validator: Validator
) -> None:
    reply = camera.ask(f"tds:{operation}", content)
    validator.body(reply.body)
    _refused(camera, reply, *fault.split())


# Network ---------------------------------------------------------------------------------------------------


def test_the_host_name_is_kept(camera: Camera) -> None:
    assert texts(camera.ask("tds:GetHostname"), "tt:Name") == [camera.spec.serial]
    for name, shown in (("gate-3.example", "gate-3.example"), ("", camera.spec.serial)):
        assert camera.ask("tds:SetHostname", f"<tds:Name>{name}</tds:Name>").ok
        assert camera.commands[-1] == SetSettings({"hostname": name}, "the host name")
        _keep(camera)
        assert texts(camera.ask("tds:GetHostname"), "tt:Name") == [shown]


@pytest.mark.parametrize("name", ["no host name", "-x", "a..b", "a" * 64, f"{'a.' * 130}a", "ü"])
def test_names_that_are_no_host_names(camera: Camera, name: str) -> None:
    reply = camera.ask("tds:SetHostname", f"<tds:Name>{name}</tds:Name>")
    _refused(camera, reply, "Sender", "InvalidArgVal", "InvalidHostname")


def _protocol(name: str, enabled: str, port: int | None = None) -> str:
    number = "" if port is None else f"<tt:Port>{port}</tt:Port>"
    content = f"<tt:Name>{name}</tt:Name><tt:Enabled>{enabled}</tt:Enabled>{number}"
    return f"<tds:NetworkProtocols>{content}</tds:NetworkProtocols>"


def test_https_can_be_switched_by_a_recorder(camera: Camera, validator: Validator) -> None:
    content = _protocol("HTTP", "true", 80) + _protocol("HTTPS", "true", 443) + _protocol("RTSP", "true", 8554)
    reply = camera.ask("tds:SetNetworkProtocols", content)
    validator.body(reply.body)
    assert camera.commands == [SetSettings({"https": True}, "HTTPS")]
    _keep(camera)
    told = camera.ask("tds:GetNetworkProtocols")
    assert texts(told, "tt:Name") == ["HTTP", "HTTPS", "RTSP"]
    assert texts(told, "tt:Enabled") == ["true", "true", "true"]
    assert texts(told, "tt:Port") == ["80", "443", "8554"]
    security = next(body_of(camera.ask("tds:GetServiceCapabilities")).iter(clark("tds:Security")))
    assert security.get("TLS1.2") == "true"


def test_saying_what_is_so_changes_nothing(camera: Camera, validator: Validator) -> None:
    manual = "<tt:Manual><tt:Address>127.0.0.1</tt:Address><tt:PrefixLength>24</tt:PrefixLength></tt:Manual>"
    interface = (
        "<tds:InterfaceToken>eth0</tds:InterfaceToken><tds:NetworkInterface><tt:Enabled>true</tt:Enabled>"
        f"<tt:IPv4><tt:Enabled>true</tt:Enabled>{manual}<tt:DHCP>false</tt:DHCP></tt:IPv4></tds:NetworkInterface>"
    )
    off = "<tds:FromDHCP>false</tds:FromDHCP>"
    for operation, content in (
        ("SetNetworkProtocols", _protocol("HTTP", "true", 80)),
        ("SetNetworkInterfaces", interface),
        ("SetDNS", off),
        ("SetNTP", off),
        ("SetHostnameFromDHCP", off),
        ("SetNetworkDefaultGateway", ""),
        (
            "SetSystemDateAndTime",
            "<tds:DateTimeType>NTP</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>",
        ),
    ):
        reply = camera.ask(f"tds:{operation}", content)
        validator.body(reply.body)
        assert reply.ok, operation
    assert camera.commands == []


@pytest.mark.parametrize(
    ("operation", "content"),
    [
        ("SetNetworkProtocols", _protocol("HTTP", "true", 8080)),
        ("SetNetworkProtocols", _protocol("RTSP", "false")),
        (
            "SetNetworkInterfaces",
            "<tds:InterfaceToken>eth0</tds:InterfaceToken><tds:NetworkInterface><tt:IPv4><tt:DHCP>true</tt:DHCP>"
            "</tt:IPv4></tds:NetworkInterface>",
        ),
        (
            "SetNetworkInterfaces",
            "<tds:InterfaceToken>eth0</tds:InterfaceToken><tds:NetworkInterface><tt:MTU>9000</tt:MTU>"
            "</tds:NetworkInterface>",
        ),
        ("SetDNS", "<tds:FromDHCP>true</tds:FromDHCP>"),
        ("SetNTP", "<tds:FromDHCP>false</tds:FromDHCP><tds:NTPManual><tt:Type>DNS</tt:Type></tds:NTPManual>"),
        ("SetHostnameFromDHCP", "<tds:FromDHCP>true</tds:FromDHCP>"),
        ("SetNetworkDefaultGateway", "<tds:IPv4Address>192.0.2.1</tds:IPv4Address>"),
        (
            "SetSystemDateAndTime",
            "<tds:DateTimeType>Manual</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>",
        ),
        ("SetSystemFactoryDefault", "<tds:FactoryDefault>Soft</tds:FactoryDefault>"),
    ],
)
def test_what_is_the_hosts_is_refused(camera: Camera, operation: str, content: str, validator: Validator) -> None:
    reply = camera.ask(f"tds:{operation}", content)
    validator.body(reply.body)
    _refused(camera, reply, "Sender", "OperationProhibited")


# System ----------------------------------------------------------------------------------------------------


def test_a_reboot_restarts_this_camera(camera: Camera, validator: Validator) -> None:
    reply = camera.ask("tds:SystemReboot")
    validator.body(reply.body)
    assert texts(reply, "tds:Message") == ["Only this camera restarts, in about a second."]
    assert camera.commands == [Restart()]


def test_there_are_no_logs_for_recorders(camera: Camera) -> None:
    log = camera.ask("tds:GetSystemLog", "<tds:LogType>Access</tds:LogType>")
    _refused(camera, log, "Sender", "InvalidArgs", "AccesslogUnavailable")
    support = camera.ask("tds:GetSystemSupportInformation")
    _refused(camera, support, "Sender", "InvalidArgs", "SupportInformationUnavailable")


def test_relays_and_outputs(camera: Camera, validator: Validator) -> None:
    for operation in ("SetRelayOutputSettings", "SetRelayOutputState"):
        _refused(camera, camera.ask(f"tds:{operation}"), "Sender", "InvalidArgVal", "RelayToken")
    for operation in ("tds:GetRelayOutputs", "tmd:GetAudioOutputs", "tmd:GetDigitalInputs", "tmd:GetSerialPorts"):
        reply = camera.ask(operation)
        assert len(validator.body(reply.body)) == 0
    assert texts(camera.ask("tmd:GetVideoSources"), "tmd:Token") == ["video_source"]


def test_the_loudspeaker_is_told_of_where_there_is_one(validator: Validator) -> None:
    for kind, counted in (("backchannel", "1"), ("audio", "0")):
        camera = Camera(SPECS[kind])
        told = camera.ask("tmd:GetServiceCapabilities")
        validator.body(told.body)
        capabilities = next(body_of(told).iter(clark("tmd:Capabilities")))
        assert (capabilities.get("AudioSources"), capabilities.get("AudioOutputs")) == ("1", counted)
        assert texts(camera.ask("tmd:GetAudioOutputs"), "tmd:Token") == ["audio_output"] * int(counted)
        one = camera.ask("tmd:GetAudioOutputConfiguration", "<tmd:AudioOutputToken>audio_output</tmd:AudioOutputToken>")
        validator.body(one.body)
        assert one.ok == (counted == "1")
