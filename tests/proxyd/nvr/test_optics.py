"""What a scan learns of moving cameras and picture settings, and that trouble there costs nothing else."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.features import MAX_PRESETS, PtzSpace, Span
from proxyd.nvr import features
from proxyd.nvr.account import Account
from proxyd.nvr.imaging import imaging_features
from proxyd.nvr.link import NvrLink
from proxyd.nvr.ptz import by_token, ptz_features, tells_move_status
from proxyd.nvr.result import ScannedChannel, ScanResult
from proxyd.nvr.scan import scan
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults
from proxyd.store.documents import features_text, parse_features

_PAN_TILT = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/"
_FOV = _PAN_TILT + "TranslationSpaceFov"
_GENERIC = _PAN_TILT + "TranslationGenericSpace"


async def scanned(nvr: SimulatedNvr) -> ScanResult:
    return await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)


def channel(result: ScanResult, number: int) -> ScannedChannel:
    return next(c for c in result.channels if c.number == number)


@pytest.mark.parametrize("dialect", [name for name, dialect in DIALECTS.items() if dialect.ptz])
async def test_movable_channels_are_known_with_all_that_they_can(dialect: str) -> None:
    style = DIALECTS[dialect].ptz
    assert style is not None
    async with SimulatedNvr(channels=6, dialect=dialect) as nvr:
        result = await scanned(nvr)
        mains = {p.channel: p for p in nvr.layout.profiles if p.media.name == "main"}
    assert result.complete
    assert [c.number for c in result.channels if c.features.ptz] == [n for n in range(1, 7) if style.moves(n)]
    known = channel(result, 4).features
    assert known.tokens.ptz_profile == mains[4].token
    assert (known.tokens.ptz_configuration, known.tokens.ptz_node) == ("PTZToken004", "PTZNode004")
    ptz = known.ptz
    assert ptz is not None
    assert ptz.relative_pan_tilt[0] == PtzSpace(_GENERIC, Span(-1, 1), Span(-1, 1)), "the default stands first"
    assert (_FOV in [space.uri for space in ptz.relative_pan_tilt]) == style.fov
    assert ptz.continuous_zoom[0].y is None
    assert (ptz.timeout_s, ptz.presets, ptz.home) == (Span(1, 60), 8, True)
    assert ptz.move_status == style.move_status
    assert ptz.auxiliary == ("tt:Wiper|On", "tt:Wiper|Off")
    imaging = known.imaging
    assert imaging is not None
    assert ("WideDynamicRange/Level", Span(0, 100)) in imaging.levels
    assert ("IrCutFilter", ("ON", "OFF", "AUTO")) in imaging.modes
    assert ("Continuous", Span(-1, 1)) in imaging.focus_move
    assert parse_features(features_text(known)) == known


@pytest.mark.parametrize("fault", ["broken-optics", "get-services-fault"])
async def test_trouble_there_costs_only_these_features(fault: str) -> None:
    async with SimulatedNvr(channels=12, faults=Faults.parse([fault])) as nvr:
        result = await scanned(nvr)
        asked = nvr.requests["GetOptions"]
    assert result.complete
    assert len(result.channels) == 12
    assert all(c.online and len(c.streams) == 2 for c in result.channels)
    found = [c.number for c in result.channels if c.features.ptz and c.features.imaging]
    assert found == ([] if fault == "broken-optics" else [2, 4, 6, 8, 10, 12])
    assert asked <= (10 if fault == "broken-optics" else 12), "what never works is not asked for each channel"


async def test_a_slow_nvr_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_MOST_WAITING_S", 0.3)
    async with SimulatedNvr(channels=8, faults=Faults.parse(["slow=0.02"])) as nvr:
        result = await scanned(nvr)
        assert 0 < nvr.requests["GetOptions"] < 8
    assert result.complete
    assert len([c for c in result.channels if c.features.imaging is None]) > 0
    assert any("Scan again" in sentence for sentence in result.warnings)


async def test_calls_of_several_cameras_do_not_wait_for_each_other() -> None:
    async with SimulatedNvr(channels=8) as nvr:
        link = NvrLink(Account(nvr.access))
        moving = [p.token for p in nvr.layout.profiles if p.channel % 2 == 0 and p.media.name == "main"]
        await link.call("ptz", "GetStatus", {"ProfileToken": moving[0]})
        await nvr.set_fault("slow=0.2")
        try:
            await asyncio.gather(*(link.call("ptz", "Stop", {"ProfileToken": token}) for token in moving))
        finally:
            await link.close()
        assert nvr.peak_parallel == len(moving) == 4
        assert [list(nvr.optics.movable(number).done) for number in (2, 4, 6, 8)] == [["Stop"]] * 4


async def test_an_offline_channel_is_not_asked() -> None:
    async with SimulatedNvr(channels=2, faults=Faults.parse(["offline=2"])) as nvr:
        result = await scanned(nvr)
        assert nvr.requests["GetOptions"] == 1
        assert nvr.requests["GetConfigurationOptions"] == 0
    assert channel(result, 2).features.ptz is None
    assert channel(result, 2).features.tokens.ptz_configuration


def space(uri: str, low: Any = -1.0, high: Any = 1.0) -> dict[str, Any]:
    return {"URI": uri, "XRange": {"Min": low, "Max": high}, "YRange": {"Min": low, "Max": high}}


def test_vendors_own_spaces_and_impossible_ranges_are_left_out() -> None:
    told = [
        space("http://192.168.1.64/spaces/Own"),
        space(_FOV, 1.0, -1.0),
        space(_GENERIC, "-INF", "INF"),
        space(_GENERIC),
        {"URI": None, "XRange": None},
    ]
    found = ptz_features({"SupportedPTZSpaces": {"RelativePanTiltTranslationSpace": told}}, {}, {}, move_status=False)
    assert found is not None
    assert [each.uri for each in found.relative_pan_tilt] == [_GENERIC]
    found = ptz_features(
        {"SupportedPTZSpaces": {"RelativePanTiltTranslationSpace": told[:2]}}, {}, {}, move_status=True
    )
    assert found is None, "nothing is left to move by"


def test_what_a_configuration_offers_counts_more_than_its_node() -> None:
    node = {"SupportedPTZSpaces": {"RelativePanTiltTranslationSpace": [space(_GENERIC), space(_FOV)]}}
    options = {
        "Spaces": {"RelativePanTiltTranslationSpace": [space(_FOV)]},
        "PTZTimeout": {"Min": timedelta(seconds=0.5), "Max": timedelta(days=2)},
    }
    found = ptz_features(node, {}, options, move_status=False)
    assert found is not None
    assert [each.uri for each in found.relative_pan_tilt] == [_FOV]
    assert found.timeout_s == Span(0.5, 60.0), "nothing moves longer than a minute by itself"


def test_presets_alone_are_worth_it() -> None:
    found = ptz_features({"MaximumNumberOfPresets": 300_000, "HomeSupported": None}, {}, {}, move_status=False)
    assert found is not None
    assert (found.presets, found.home) == (MAX_PRESETS, False)


@pytest.mark.parametrize(
    ("answer", "tells"),
    [
        ({"_attr_1": {"MoveStatus": "true"}}, True),
        ({"MoveStatus": True}, True),
        ({"MoveStatus": {"PanTilt": "IDLE", "Zoom": None}}, True),
        ({"MoveStatus": None, "_attr_1": None}, False),
        ({"_attr_1": {"MoveStatus": "false"}}, False),
        (None, False),
        ("nonsense", False),
    ],
)
def test_move_status_is_known_from_either_answer(answer: object, tells: bool) -> None:
    assert tells_move_status(answer) is tells


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.timedeltas(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "token",
                    "Spaces",
                    "AbsoluteZoomPositionSpace",
                    "URI",
                    "XRange",
                    "Min",
                    "Max",
                    "PTZTimeout",
                    "Brightness",
                ]
                + ["SupportedPTZSpaces", "MaximumNumberOfPresets", "Exposure", "Mode", "Focus", "Continuous", "Speed"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
_mappings = st.dictionaries(
    st.sampled_from(["Spaces", "PTZTimeout", "Exposure", "Brightness", "Continuous"]), _anything
)


@given(_mappings, _mappings, _mappings, _anything)
def test_odd_answers_give_less_and_never_an_error(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any], four: object
) -> None:
    ptz = ptz_features(one, two, three, move_status=tells_move_status(four))
    assert ptz is None or 0 < ptz.timeout_s.low <= ptz.timeout_s.high <= 60
    imaging = imaging_features(one, two)
    assert imaging is None or all(span.low <= span.high for _, span in imaging.levels)
    assert all(isinstance(token, str) for token in by_token(four))
