"""What each dialect must look like, in one table, and how addresses find their stream again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.layout import lay_out

# dialect → for channel 3 of 16, main then sub: (token, name, source, stream address, snapshot address)
CHANNEL_3 = {
    "hikvision": [
        (
            "ProfileToken005",
            "Profile_301",
            "VideoSourceToken003",
            "/Streaming/Channels/301?transportmode=unicast&profile=ProfileToken005",
            "/onvif-http/snapshot?ProfileToken005",
        ),
        (
            "ProfileToken006",
            "Profile_302",
            "VideoSourceToken003",
            "/Streaming/Channels/302?transportmode=unicast&profile=ProfileToken006",
            "/onvif-http/snapshot?ProfileToken006",
        ),
    ],
    "dahua": [
        (
            "MediaProfile00200",
            "MediaProfile_Channel3_MainStream",
            "00200",
            "/cam/realmonitor?channel=3&subtype=0&unicast=true&proto=Onvif",
            "/onvifsnapshot/media_service/snapshot?channel=3&subtype=0",
        ),
        (
            "MediaProfile00201",
            "MediaProfile_Channel3_SubStream1",
            "00200",
            "/cam/realmonitor?channel=3&subtype=1&unicast=true&proto=Onvif",
            "/onvifsnapshot/media_service/snapshot?channel=3&subtype=1",
        ),
    ],
    "uniview": [
        (
            "media_profile5",
            "media_profile5",
            "video_source_3",
            "/unicast/c3/s0/live",
            "/LAPI/V1.0/Channels/3/Media/Video/Streams/0/Snapshot",
        ),
        (
            "media_profile6",
            "media_profile6",
            "video_source_3",
            "/unicast/c3/s1/live",
            "/LAPI/V1.0/Channels/3/Media/Video/Streams/1/Snapshot",
        ),
    ],
    "reolink": [
        (
            "004",
            "Channel03_mainStream",
            "002",
            "/h264Preview_03_main",
            "/cgi-bin/api.cgi?cmd=Snap&channel=2",
        ),
        (
            "005",
            "Channel03_subStream",
            "002",
            "/h264Preview_03_sub",
            "/cgi-bin/api.cgi?cmd=Snap&channel=2",
        ),
    ],
    "axis": [
        (
            "profile_3_h264_main",
            "profile_3 h264 main",
            "2",
            "/onvif-media/media.amp?profile=profile_3_h264_main&sessiontimeout=60&streamtype=unicast",
            "/onvif-cgi/jpg/image.cgi?resolution=1280x720&compression=30&camera=3",
        ),
        (
            "profile_3_h264_sub",
            "profile_3 h264 sub",
            "2",
            "/onvif-media/media.amp?profile=profile_3_h264_sub&sessiontimeout=60&streamtype=unicast",
            "/onvif-cgi/jpg/image.cgi?resolution=640x360&compression=30&camera=3",
        ),
    ],
    "gsoap": [
        (
            "Profile3",
            "CH03-MainStream",
            "VideoSource3",
            "/rtsp/streaming?channel=3&subtype=0",
            "/onvif/snapshot?channel=3&subtype=0",
        ),
        (
            "Profile19",
            "CH03-SubStream1",
            "VideoSource19",
            "/rtsp/streaming?channel=3&subtype=1",
            "/onvif/snapshot?channel=3&subtype=1",
        ),
    ],
}

# dialect → (SOAP accepts, Media2, main codec, sources of 16 channels, first listed source, oddities)
CHARACTER = {
    "hikvision": (("wsse", "digest"), True, "H264", 16, "VideoSourceToken016", {"checks_open"}),
    "dahua": (("wsse", "digest"), True, "H264", 16, "00000", {"checks_open", "white_space"}),
    "uniview": (("wsse",), True, "H265", 16, "VideoSource_1", set()),
    "reolink": (("wsse",), True, "H264", 16, "000", {"web_port"}),
    "axis": (("digest",), True, "H264", 16, "0", set()),
    "gsoap": (("wsse",), False, "H264", 32, "VideoSource1", {"double_escaped", "relative_snapshot"}),
}

ALL = tuple(DIALECTS)


def test_the_tables_cover_every_dialect() -> None:
    assert set(CHANNEL_3) == set(CHARACTER) == set(DIALECTS)


@pytest.mark.parametrize("name", ALL)
def test_tokens_and_addresses(name: str) -> None:
    profiles = [p for p in lay_out(DIALECTS[name], 16).profiles if p.channel == 3]
    assert [(p.token, p.name, p.source, p.rtsp, p.snapshot) for p in profiles] == CHANNEL_3[name]
    assert [p.media.name for p in profiles] == ["main", "sub"]


@pytest.mark.parametrize("name", ALL)
def test_character(name: str) -> None:
    dialect = DIALECTS[name]
    layout = lay_out(dialect, 16)
    sources = [p.listed_source for p in layout.sources()]
    flags = {
        "checks_open": dialect.checks_open,
        "white_space": dialect.uris.white_space,
        "web_port": dialect.uris.web_port,
        "double_escaped": dialect.uris.double_escaped,
        "relative_snapshot": dialect.uris.relative_snapshot,
    }
    odd = {flag for flag, on in flags.items() if on}
    has_media2 = dialect.paths.media2 is not None
    main = layout.profiles[0].media.codec
    assert (dialect.auth, has_media2, main, len(sources), sources[0], odd) == CHARACTER[name]


def test_some_dialects_disagree_with_themselves() -> None:
    """The order of sources is not that of profiles; a profile's SourceToken is not in the list of sources."""
    hikvision, uniview, gsoap = (lay_out(DIALECTS[n], 4) for n in ("hikvision", "uniview", "gsoap"))
    assert [p.channel for p in hikvision.sources()] == [4, 3, 2, 1]
    assert {p.source for p in uniview.profiles}.isdisjoint(p.listed_source for p in uniview.sources())
    assert [(p.channel, p.media.name) for p in gsoap.profiles[:5]] == [
        (1, "main"),
        (2, "main"),
        (3, "main"),
        (4, "main"),
        (1, "sub"),
    ]


@pytest.mark.parametrize("name", ALL)
def test_every_address_finds_its_stream(name: str) -> None:
    layout = lay_out(DIALECTS[name], 64)
    assert len({p.token for p in layout.profiles}) == 128
    for profile in layout.profiles:
        assert layout.by_rtsp(profile.rtsp) is profile
        assert layout.by_rtsp(profile.rtsp + "/") is profile
        shown = layout.by_snapshot(profile.snapshot)
        assert shown is not None
        assert shown.channel == profile.channel
    assert layout.by_rtsp("/no/such/stream?channel=1") is None
    assert layout.by_rtsp("") is None


@given(st.sampled_from(ALL), st.text(max_size=60))
def test_any_address_is_answered(name: str, address: str) -> None:
    layout = lay_out(DIALECTS[name], 2)
    for asked in (address, layout.profiles[0].rtsp + address):
        layout.by_rtsp(asked)
        layout.by_snapshot(asked)


def test_query_parameters_may_be_reordered_or_missing() -> None:
    layout = lay_out(DIALECTS["dahua"], 4)
    found = layout.by_rtsp("/cam/realmonitor?subtype=1&channel=2")
    assert found is not None
    assert (found.channel, found.media.name) == (2, "sub")
    assert layout.by_rtsp("/cam/realmonitor?channel=2") is None
    bare = lay_out(DIALECTS["hikvision"], 4).by_rtsp("/Streaming/Channels/202")
    assert bare is not None
    assert bare.token == "ProfileToken004"


@pytest.mark.parametrize("name", ALL)
def test_gaps_and_offline_channels_rename_nobody(name: str) -> None:
    whole = {p.token: p for p in lay_out(DIALECTS[name], 8).profiles}
    odd = lay_out(DIALECTS[name], 8, frozenset({3}), frozenset({2, 5}))
    assert {p.channel for p in odd.profiles} == {1, 3, 4, 6, 7, 8}
    for profile in odd.profiles:
        assert whole[profile.token].rtsp == profile.rtsp
        assert profile.online == (profile.channel != 3)
    offline = next(p for p in odd.profiles if p.channel == 3)
    assert odd.by_rtsp(offline.rtsp) is None
    assert odd.by_snapshot(offline.snapshot) is None


def test_h265_only_in_media2() -> None:
    layout = lay_out(DIALECTS["hikvision"], 2, media2_only_h265=True)
    assert [(p.media.name, p.media.codec, p.media1) for p in layout.profiles[:2]] == [
        ("main", "H265", False),
        ("sub", "H264", True),
    ]
    assert [p.media.name for p in layout.media1()] == ["sub", "sub"]


def test_a_padded_bitrate_is_told() -> None:
    assert {p.media.bitrate_kbps for p in lay_out(DIALECTS["axis"], 2, bitrate_kbps=6000).profiles} == {6000}
