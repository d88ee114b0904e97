"""Rules and analytics modules: read in a scan, told without anything that recorders could not read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.camera.features import AnalyticsItem, with_kept
from proxyd.nvr.analytics import MAX_ITEMS, ask_items, parse_items
from proxyd.nvr.scan import scan
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.event_forms import VENDOR_NAMESPACE
from proxyd.store.documents import features_text, parse_features

_TAN = "http://www.onvif.org/ver20/analytics/wsdl"


async def test_a_scan_reads_rules_and_modules_of_each_channel() -> None:
    async with SimulatedNvr(channels=2, dialect="hikvision") as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
    for channel in result.channels:
        known = channel.features
        assert known.tokens.analytics == f"VideoAnalyticsToken{channel.number:03d}"
        assert known.rules == (
            AnalyticsItem(
                "MyMotionDetectorRule", "tt:CellMotionDetector", (("MinCount", "5"), ("ActiveCells", "0P8A8A=="))
            ),
            AnalyticsItem("Gate line", "tt:LineDetector", (("Direction", "Any"),)),
            AnalyticsItem("Entrance", "regionEntrance", (("Armed", "true"),), VENDOR_NAMESPACE),
        )
        assert known.analytics_read
        assert known.modules == (AnalyticsItem("MyCellMotionModule", "tt:CellMotionEngine", (("Sensitivity", "60"),)),)
        assert parse_features(features_text(known)) == known


async def test_rules_that_were_deleted_are_no_more() -> None:
    async with SimulatedNvr(channels=1) as nvr:
        before = (await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)).channels[0].features
        await nvr.set_fault("no-rules")
        after = (await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)).channels[0].features
    kept = with_kept(after, before)
    assert (kept.rules, kept.modules) == ((), ())
    silent = with_kept(replace(after, analytics_read=False), before)
    assert (silent.rules, silent.modules) == (before.rules, before.modules)


async def test_a_device_without_the_service_is_not_asked() -> None:
    async with SimulatedNvr(channels=1, dialect="reolink") as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
        assert nvr.requests["GetRules"] == 0
    assert result.channels[0].features.rules == ()


def _answer(rules: str) -> etree._Element:
    return etree.fromstring(f'<r xmlns:tan="{_TAN}" xmlns:hik="urn:vendor">{rules}</r>')


@pytest.mark.parametrize(
    "namespace",
    ["http://www.onvif.org/ver20/analytics", "http://192.0.2.9/rules", "urn:NvrToken7:x", "urn:a b", "u" * 300],
)
def test_a_namespace_that_cannot_be_told_is_the_schema_s(namespace: str) -> None:
    rule = f'<a><t:Rule xmlns:t="{_TAN}" xmlns:v="{namespace}" Name="A" Type="v:Smoke"/></a>'
    answer = etree.fromstring(rule, etree.XMLParser(recover=True))
    assert parse_items(answer, "GetRules", {"NvrToken7", "192.0.2.9", "v"}) == (AnalyticsItem("A", "tt:Smoke"),)


def test_what_makes_no_sense_is_left_out() -> None:
    odd = _answer(
        '<tan:Rule Name="A" Type="hik:regionEntrance"/><tan:Rule Name="A" Type="tt:LineDetector"/>'
        '<tan:Rule Name="" Type="tt:LineDetector"/><tan:Rule Name="B"/><tan:Rule Name="C" Type="1&lt;2"/>'
        '<tan:Rule Name="D" Type="Field-Detector"><hik:Parameters><hik:SimpleItem Name="x"/><hik:SimpleItem/>'
        "</hik:Parameters></tan:Rule>"
    )
    assert parse_items(odd, "GetRules") == (
        AnalyticsItem("A", "regionEntrance", namespace="urn:vendor"),
        AnalyticsItem("D", "tt:Field-Detector", (("x", ""),)),
    )
    many = _answer("".join(f'<tan:Rule Name="{n}" Type="tt:LineDetector"/>' for n in range(MAX_ITEMS + 1)))
    assert len(parse_items(many, "GetRules")) == MAX_ITEMS
    assert parse_items(odd, "GetAnalyticsModules") == ()
    told = _answer(
        '<tan:Rule Name="A" Type="x"><tan:Parameters><tan:SimpleItem Name="Source" Value="NvrSource7"/>'
        '<tan:SimpleItem Name="Armed" Value="true"/></tan:Parameters></tan:Rule>'
    )
    assert parse_items(told, "GetRules", {"NvrSource7"}) == (AnalyticsItem("A", "tt:x", (("Armed", "true"),)),)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))))
def test_any_type_is_told_as_a_name_or_not_at_all(kind: str) -> None:
    rule = etree.Element(f"{{{_TAN}}}Rule", {"Name": "A", "Type": kind})
    answer = etree.Element("answer")
    answer.append(rule)
    for item in parse_items(answer, "GetRules"):
        assert item.namespace == ""
        etree.QName("urn:any", item.type.removeprefix("tt:"))  # raises for what is no name


def test_the_question_names_the_configuration() -> None:
    call = ask_items("http://192.0.2.9/onvif/Analytics", "GetRules", "Token<1>")
    assert call.action == f"{_TAN}/GetRules"
    assert call.body.findtext(f"{{{_TAN}}}ConfigurationToken") == "Token<1>"
