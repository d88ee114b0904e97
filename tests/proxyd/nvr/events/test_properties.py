"""What an NVR says of its events becomes the cameras' topics, without what cannot be told apart."""

from __future__ import annotations

import pytest
from lxml import etree

from proxyd.nvr.events.properties import MAX_TOPICS, parse_properties
from proxyd.nvr.scan import scan
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.event_forms import FORMS
from proxyd.simulator.faults import Faults

HEAD = (
    '<a xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:tns1="http://www.onvif.org/ver10/topics" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:v="http://vendor.example/topics"><wstop:TopicSet>'
)
TAIL = "</wstop:TopicSet></a>"


def description(source: str, data: str, kind: str = "xs:boolean") -> str:
    return (
        '<tt:MessageDescription IsProperty="true">'
        f'<tt:Source><tt:SimpleItemDescription Name="{source}" Type="x:y"/></tt:Source>'
        f'<tt:Data><tt:SimpleItemDescription Name="{data}" Type="{kind}"/></tt:Data></tt:MessageDescription>'
    )


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_a_scan_learns_the_topics_of_every_dialect(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect) as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
    assert result.warnings == ()
    first, second = (channel.features.topics for channel in result.channels)
    assert first == second
    topics = {spec.topic for spec in first}
    expected = {
        form.topic
        for form in FORMS[dialect]
        if form.kind not in ("motion", "storage", "vendor") and (dialect, form.kind) != ("hikvision", "digital-input")
    }
    assert topics == expected
    for spec in first:
        assert all(kind.startswith(("xsd:", "tt:")) for _, kind in (*spec.source, *spec.data))


@pytest.mark.parametrize("faults", [Faults(no_events=True), Faults(no_addressing=True)])
async def test_a_scan_does_without(faults: Faults) -> None:
    async with SimulatedNvr(channels=1, faults=faults) as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
    assert result.complete
    assert bool(result.channels[0].features.topics) != faults.no_events


@pytest.mark.parametrize(
    "tree",
    [
        "",
        "<tns1:VideoSource/>",
        f"<v:Alarm><Smart>{description('VideoSource', 'State')}</Smart></v:Alarm>",
        f"<tns1:VideoSource><X>{description('InputToken', 'State')}</X></tns1:VideoSource>",
        f"<tns1:VideoSource><X>{description('Source', 'Text', 'xs:string')}</X></tns1:VideoSource>",
        f"<tns1:Monitoring><X>{description('Source', 'State')}</X></tns1:Monitoring>",
        f"<tns1:VideoSource><MotionAlarm>{description('Source', 'State')}</MotionAlarm></tns1:VideoSource>",
        "<tns1:VideoSource>" + "<a>" * 30 + description("Source", "State") + "</a>" * 30 + "</tns1:VideoSource>",
    ],
)
def test_topics_that_are_not_for_cameras(tree: str) -> None:
    assert parse_properties(etree.fromstring(HEAD + tree + TAIL)) == ()


def test_a_topic_set_without_end_is_cut() -> None:
    many = "".join(f"<T{n}>{description('Source', 'State')}</T{n}>" for n in range(500))
    answer = etree.fromstring(f"{HEAD}<tns1:RuleEngine>{many}</tns1:RuleEngine>{TAIL}")
    assert len(parse_properties(answer)) == MAX_TOPICS
