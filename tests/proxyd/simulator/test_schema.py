"""Answers are valid against the official schemas, except where a dialect is known to be wrong."""

from __future__ import annotations

import pytest

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.event_forms import FORMS
from proxyd.simulator.faults import Faults
from proxyd.simulator.happenings import Happening
from tests.proxyd.onvif.schemas import Validator
from tests.proxyd.simulator.onvif_requests import OnvifRequests

pytestmark = pytest.mark.usefixtures("shared_data")  # only the official schemas know Media2

OPERATIONS = [
    ("tds:GetServices", "<tds:IncludeCapability>true</tds:IncludeCapability>"),
    ("tds:GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>"),
    ("tds:GetServiceCapabilities", ""),
    ("tds:GetCapabilities", "<tds:Category>All</tds:Category>"),
    ("tds:GetSystemDateAndTime", ""),
    ("tds:GetWsdlUrl", ""),
    ("tds:GetHostname", ""),
    ("tds:GetEndpointReference", ""),
    ("tds:GetDeviceInformation", ""),
    ("tds:GetScopes", ""),
    ("tds:GetNetworkInterfaces", ""),
    ("tds:GetNetworkProtocols", ""),
    ("tds:GetUsers", ""),
    ("trt:GetProfiles", ""),
    ("trt:GetProfile", "<trt:ProfileToken>{token}</trt:ProfileToken>"),
    ("trt:GetVideoSources", ""),
    ("trt:GetVideoSourceConfigurations", ""),
    ("trt:GetVideoEncoderConfigurations", ""),
    ("trt:GetVideoEncoderConfiguration", "<trt:ConfigurationToken>{encoder}</trt:ConfigurationToken>"),
    ("trt:GetVideoEncoderConfigurationOptions", "<trt:ProfileToken>{token}</trt:ProfileToken>"),
    ("trt:GetAudioSources", ""),
    ("trt:GetAudioOutputs", ""),
    ("trt:GetAudioDecoderConfigurations", ""),
    ("trt:GetStreamUri", "<trt:ProfileToken>{token}</trt:ProfileToken>"),
    ("trt:GetSnapshotUri", "<trt:ProfileToken>{token}</trt:ProfileToken>"),
    ("trt:GetServiceCapabilities", ""),
    ("tr2:GetProfiles", ""),
    ("tr2:GetProfiles", "<tr2:Type>All</tr2:Type>"),
    ("tr2:GetProfiles", "<tr2:Token>{token}</tr2:Token><tr2:Type>VideoEncoder</tr2:Type>"),
    ("tr2:GetVideoSourceConfigurations", ""),
    ("tr2:GetVideoEncoderConfigurations", ""),
    ("tr2:GetVideoEncoderConfigurationOptions", "<tr2:ConfigurationToken>{encoder}</tr2:ConfigurationToken>"),
    ("tr2:GetStreamUri", "<tr2:ProfileToken>{token}</tr2:ProfileToken>"),
    ("tr2:GetSnapshotUri", "<tr2:ProfileToken>{token}</tr2:ProfileToken>"),
    ("tr2:GetServiceCapabilities", ""),
    ("tan:GetServiceCapabilities", ""),
    ("tan:GetRules", "<tan:ConfigurationToken>VideoAnalyticsToken001</tan:ConfigurationToken>"),
    ("tan:GetAnalyticsModules", "<tan:ConfigurationToken>VideoAnalyticsToken001</tan:ConfigurationToken>"),
    ("tev:CreatePullPointSubscription", ""),
    ("tev:GetServiceCapabilities", ""),
    ("tev:GetEventProperties", ""),
    ("tds:SystemReboot", ""),
]


@pytest.mark.parametrize("dialect", tuple(DIALECTS))
async def test_answers_are_valid(dialect: str, validator: Validator) -> None:
    faults = Faults(speakers=frozenset((1, 2)))
    async with SimulatedNvr(channels=3, dialect=dialect, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        token, encoder = nvr.layout.profiles[0].token, nvr.layout.profiles[0].encoder
        for operation, body in OPERATIONS:
            if operation.startswith("tr2:") and not DIALECTS[dialect].paths.media2:
                continue
            if operation.startswith("tan:") and not DIALECTS[dialect].paths.analytics:
                continue
            reply = await onvif.call(operation, body.format(token=token, encoder=encoder))
            if ("<tt:Encoding>H265" in reply.text or "<tt:H265>" in reply.text) and operation.startswith("trt:"):
                continue  # not in Media1's enumeration, and devices say it all the same
            assert validator.body(reply.text.encode()) is not None, operation


async def test_pull_points_answer_validly(validator: Validator) -> None:
    async with SimulatedNvr(channels=1) as nvr, OnvifRequests(nvr) as onvif:
        made = await onvif.call("tev:CreatePullPointSubscription")
        path = made.texts("wsa:Address")[0].removeprefix(f"http://{nvr.host}:{nvr.port}")
        for operation, body in (
            ("tev:PullMessages", "<tev:Timeout>PT0S</tev:Timeout>"),
            ("tev:SetSynchronizationPoint", ""),
            ("wsnt:Renew", "<wsnt:TerminationTime>PT60S</wsnt:TerminationTime>"),
            ("wsnt:Unsubscribe", ""),
        ):
            reply = await onvif.call(operation, body, path=path)
            assert reply.status == 200
            validator.body(reply.text.encode())


@pytest.mark.parametrize("dialect", tuple(DIALECTS))
async def test_every_kind_of_event_is_valid(dialect: str, validator: Validator) -> None:
    async with SimulatedNvr(channels=1, dialect=dialect) as nvr, OnvifRequests(nvr) as onvif:
        made = await onvif.call("tev:CreatePullPointSubscription")
        path = made.texts("wsa:Address")[0].removeprefix(f"http://{nvr.host}:{nvr.port}")
        for form in FORMS[dialect]:
            nvr.happen(Happening(1, form.kind))
        reply = await onvif.call("tev:PullMessages", "<tev:Timeout>PT0S</tev:Timeout>", path=path)
        assert len(reply.texts("wsnt:Topic")) > len(FORMS[dialect])
        validator.body(reply.text.encode())


async def test_h265_in_media2_is_valid(validator: Validator) -> None:
    faults = Faults(media2_only_h265=True, offline=frozenset({2}))
    async with SimulatedNvr(channels=2, faults=faults) as nvr, OnvifRequests(nvr) as onvif:
        for operation in ("trt:GetProfiles", "tr2:GetProfiles"):
            reply = await onvif.call(operation, "<tr2:Type>All</tr2:Type>" if operation[2] == "2" else "")
            validator.body(reply.text.encode())
