"""What a scan notes of the NVR's own names: by pure cases, and by each dialect of the simulator."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from proxyd.camera.features import ChannelTokens
from proxyd.nvr.grouping import Channel
from proxyd.nvr.profiles import Profile, parse_media2_profile, parse_media_profile
from proxyd.nvr.scan import scan
from proxyd.nvr.tokens import MAX_TOKENS, channel_tokens
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults
from proxyd.store.documents import features_text, parse_features

MAIN = Profile("main", source_token="src_1", source_config_token="conf_1", encoder_token="enc_1", analytics="an_1")
SUB = Profile("sub", source_token="src_1", source_config_token="conf_1", encoder_token="enc_2", ptz_configuration="p")


def channel(*members: Profile) -> Channel:
    return Channel("src_1", 1, "one", members[0], None, members)


def test_tokens_are_gathered_from_all_profiles_main_first() -> None:
    tokens = channel_tokens(Channel("src_1", 1, "one", MAIN, None, (SUB, MAIN)))
    assert tokens.profiles == ("main", "sub")
    assert tokens.source_configurations == ("conf_1",)
    assert tokens.encoders == ("enc_1", "enc_2")
    assert (tokens.ptz_profile, tokens.ptz_configuration, tokens.analytics) == ("sub", "p", "an_1")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (("src_0", "src_1"), "src_1"),
        (("VideoSource_2", "VideoSource_1"), "VideoSource_1"),  # another spelling of the same number
        (("A_1", "B_1"), "src_1"),  # two candidates: neither is certain
        ((), "src_1"),
    ],
)
def test_the_physical_source_is_found_under_its_other_name(listed: tuple[str, ...], expected: str) -> None:
    assert channel_tokens(channel(MAIN), listed).video_source == expected


def test_hundreds_of_profiles_of_recorders_are_not_all_kept() -> None:
    many = [Profile(f"p{n}", source_token="src_1", encoder_token=f"e{n}") for n in range(300)]
    tokens = channel_tokens(channel(*many))
    assert len(tokens.profiles) == len(tokens.encoders) == MAX_TOKENS


def test_both_media_services_give_the_same_parts() -> None:
    first = parse_media_profile(
        {
            "token": "t",
            "VideoSourceConfiguration": {"token": "c", "SourceToken": "s"},
            "PTZConfiguration": {"token": "p", "NodeToken": "n"},
            "VideoAnalyticsConfiguration": {"token": "a"},
            "AudioSourceConfiguration": {"SourceToken": "m"},
            "Extension": {
                "AudioOutputConfiguration": {"OutputToken": "o"},
                "AudioDecoderConfiguration": {"token": "d"},
            },
        }
    )
    second = parse_media2_profile(
        {
            "token": "t",
            "Configurations": {
                "VideoSource": {"token": "c", "SourceToken": "s"},
                "PTZ": {"token": "p", "NodeToken": "n"},
                "Analytics": {"token": "a"},
                "AudioSource": {"SourceToken": "m"},
                "AudioOutput": {"OutputToken": "o"},
                "AudioDecoder": {"token": "d"},
            },
        }
    )
    assert first == second
    assert first is not None
    assert (first.ptz_node, first.analytics, first.audio_source, first.audio_output) == ("n", "a", "m", "o")
    assert first.audio_decoder == "d"


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_a_loudspeaker_is_found_where_it_is(dialect: str) -> None:
    async with SimulatedNvr(channels=3, dialect=dialect, faults=Faults(speakers=frozenset((2,)))) as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
    assert [channel.features.speaker for channel in result.channels] == [False, True, False]
    assert parse_features(features_text(result.channels[1].features)).speaker
    assert not parse_features("{}").speaker


@pytest.mark.parametrize(
    ("faults", "found", "asked"),
    [
        ({"rtsp_deaf": True}, False, 2),
        ({"rtsp_refuses": "wrong"}, True, 1),  # what cannot be asked is believed, and not asked twice
    ],
)
async def test_a_loudspeaker_has_to_be_there_by_rtsp(faults: dict[str, Any], found: bool, asked: int) -> None:
    async with SimulatedNvr(channels=2, faults=Faults(speakers=frozenset((1, 2)), **faults)) as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
        assert nvr.rtsp is not None
        assert nvr.rtsp.requests["OPTIONS"] == asked
    assert [channel.features.speaker for channel in result.channels] == [found, found]


@pytest.mark.parametrize(("speakers", "found"), [((0,), True), ((), False)])
async def test_a_loudspeaker_of_a_device_with_one_channel_is_that_one_s(speakers: tuple[int, ...], found: bool) -> None:
    async with SimulatedNvr(channels=1, faults=Faults(speakers=frozenset(speakers))) as nvr:
        [channel] = (await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)).channels
    assert channel.features.speaker is found


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_every_dialect_tells_its_tokens(dialect: str) -> None:
    async with SimulatedNvr(channels=3, dialect=dialect) as nvr:
        result = await scan(nvr.access, on_progress=lambda _: None, on_channel=lambda _: None)
        profiles = nvr.layout.profiles
    for found in result.channels:
        mine = [p for p in profiles if p.channel == found.number]
        tokens = found.features.tokens
        assert set(tokens.profiles) == {p.token for p in mine}
        assert set(tokens.source_configurations) == {p.source_config for p in mine}
        assert set(tokens.encoders) == {p.encoder for p in mine}
        assert set(tokens.sources) == {p.source for p in mine}
        assert tokens.source_token in tokens.sources
        assert tokens.video_source in {p.listed_source for p in mine}


def test_every_name_of_the_nvr_counts_as_one_that_no_recorder_may_read() -> None:
    kinds = {one.name: one.default for one in fields(ChannelTokens)}
    tokens = ChannelTokens(**{name: name if usual == "" else (name, "") for name, usual in kinds.items()})  # type: ignore[arg-type]  # a text, or a tuple where that is the default
    assert tokens.all() == kinds.keys()
    assert not ChannelTokens().all()
