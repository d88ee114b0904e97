"""Rules and analytics modules: read in a scan, told without anything that recorders could not read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from proxyd.camera.features import AnalyticsItem
from proxyd.nvr.analytics import MAX_ITEMS, ask_items, parse_items
from proxyd.nvr.scan import scan
from proxyd.simulator.device import SimulatedNvr
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
        )
        assert known.modules == (AnalyticsItem("MyCellMotionModule", "tt:CellMotionEngine", (("Sensitivity", "60"),)),)
        assert parse_features(features_text(known)) == known


async def test_a_device_without_the_service_is_not_asked() -> None:
    async with SimulatedNvr(channels=1, dialect="reolink") as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
        assert nvr.requests["GetRules"] == 0
    assert result.channels[0].features.rules == ()


def _answer(rules: str) -> etree._Element:
    return etree.fromstring(f'<r xmlns:tan="{_TAN}" xmlns:hik="urn:vendor">{rules}</r>')


def test_what_makes_no_sense_is_left_out() -> None:
    odd = _answer(
        '<tan:Rule Name="A" Type="hik:regionEntrance"/><tan:Rule Name="A" Type="tt:LineDetector"/>'
        '<tan:Rule Name="" Type="tt:LineDetector"/><tan:Rule Name="B"/><tan:Rule Name="C" Type="1&lt;2"/>'
        '<tan:Rule Name="D" Type="Field-Detector"><hik:Parameters><hik:SimpleItem Name="x"/><hik:SimpleItem/>'
        "</hik:Parameters></tan:Rule>"
    )
    assert parse_items(odd, "GetRules") == (
        AnalyticsItem("A", "tt:regionEntrance"),
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
        etree.QName("urn:any", item.type.removeprefix("tt:"))  # raises for what is no name


def test_the_question_names_the_configuration() -> None:
    call = ask_items("http://192.0.2.9/onvif/Analytics", "GetRules", "Token<1>")
    assert call.action == f"{_TAN}/GetRules"
    assert call.body.findtext(f"{{{_TAN}}}ConfigurationToken") == "Token<1>"
