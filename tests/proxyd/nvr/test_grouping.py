"""Profiles into channels: vendors' shapes, odd cases from the field, and any soup at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.spec import Codec
from proxyd.nvr.grouping import (
    MAX_CHANNELS,
    Channel,
    group_profiles,
    profiles_to_ask,
    same_picture_warnings,
)
from proxyd.nvr.profiles import Profile


def stream(token: str, source: str, width: int = 1920, codec: Codec | None = "H264", **more: object) -> Profile:
    made = Profile(token, source_token=source, encoder_token=f"e-{token}", codec=codec, width=width, height=width // 2)
    return replace(made, **more)  # type: ignore[arg-type]  # tests name the fields they need


def shape(channels: tuple[Channel, ...]) -> list[tuple[int, str | None, str | None]]:
    return [(c.number, c.main.token if c.main else None, c.sub.token if c.sub else None) for c in channels]


def asked_of(profiles: list[Profile], uris: dict[str, str]) -> dict[str, str]:
    """The addresses that a scan would have read before grouping."""
    return {p.token: uris[p.token] for p in profiles_to_ask(profiles) if p.token in uris}


def test_streams_of_one_source_are_one_channel_larger_first() -> None:
    profiles = [stream("s", "A", 640), stream("m", "A", 2560), stream("t", "A", 320), stream("x", "B", 1280)]
    channels = group_profiles(profiles).channels
    assert shape(channels) == [(1, "m", "s"), (2, "x", None)]
    assert [c.key for c in channels] == ["A", "B"]


def test_quality_breaks_ties_of_size() -> None:
    profiles = [stream("low", "A", quality=2.0), stream("high", "A", quality=5.0), stream("b", "B")]
    assert shape(group_profiles(profiles).channels)[0] == (1, "high", "low")


def test_an_h264_sub_stream_goes_with_an_h265_main_stream() -> None:
    profiles = [
        stream("m", "A", 3840, "H265"),
        stream("h265", "A", 1280, "H265"),
        stream("h264", "A", 640),
        stream("b", "B"),
    ]
    assert shape(group_profiles(profiles).channels)[0] == (1, "m", "h264")


def test_stills_are_never_preferred_to_video() -> None:
    profiles = [stream("jpeg", "A", 3840, "JPEG"), stream("v", "A", 640), stream("b", "B", codec="JPEG")]
    assert shape(group_profiles(profiles).channels) == [(1, "v", None), (2, "b", None)]


def test_a_second_profile_for_the_same_encoder_is_the_same_stream() -> None:
    """Recorders leave profiles of their own behind (Synology's "SynoProfile")."""
    profiles = [
        stream("m", "A"),
        stream("copy", "A", encoder_token="e-m"),
        stream("s", "A", 640),
        stream("b", "B"),
    ]
    assert shape(group_profiles(profiles).channels)[0] == (1, "m", "s")


def test_channels_without_an_encoder_are_offline() -> None:
    profiles = [
        stream("a", "A"),
        stream("b", "B", 0, None),
        stream("c", "C", 0),
        stream("c2", "C", 640, None),
        stream("d", "D"),
    ]
    channels = group_profiles(profiles).channels
    assert [(c.number, c.online) for c in channels] == [(1, True), (2, False), (3, False), (4, True)]


def test_a_stream_that_media_hides_is_named_in_a_warning() -> None:
    grouping = group_profiles([stream("m", "A", 0, None), stream("s", "A", 640), stream("b", "B")])
    assert shape(grouping.channels)[0] == (1, "s", None)
    assert any("Channel 1" in w and "H.265" in w for w in grouping.warnings)


def test_profiles_without_video_are_no_channels() -> None:
    assert group_profiles([Profile("metadata"), Profile("audio", name="Audio only")]).channels == ()


def test_hikvision_numbers_come_from_the_address() -> None:
    """Tokens count profiles and gaps show in addresses only."""
    profiles, uris = [], {}
    for index, channel in enumerate((2, 3, 16)):
        for number in (1, 2):
            token = f"ProfileToken{2 * index + number:03d}"
            profiles.append(stream(token, f"Source{index}", 1920 // number))
            uris[token] = f"rtsp://nvr/Streaming/Channels/{channel}0{number}?transportmode=unicast"
    channels = group_profiles(profiles, asked_of(profiles, uris)).channels
    assert [c.number for c in channels] == [2, 3, 16]


def test_hikvision_profile_tokens_can_tell_the_number() -> None:
    profiles = [stream(f"Profile_{c}0{s}", f"V{c}", 1920 // s) for c in (1, 4, 12) for s in (1, 2)]
    assert profiles_to_ask(profiles) == ()
    assert [c.number for c in group_profiles(profiles).channels] == [1, 4, 12]


def test_dahua_numbers_come_from_tokens_without_asking() -> None:
    profiles = [
        stream(f"MediaProfile{c - 1:03d}{s:02d}", f"{c - 1:03d}00", 1920 // (s + 1)) for c in (1, 2, 5) for s in (0, 1)
    ]
    assert profiles_to_ask(profiles) == ()
    assert [c.number for c in group_profiles(profiles).channels] == [1, 2, 5]


@pytest.mark.parametrize(
    ("template", "channels"),
    [
        ("rtsp://n/cam/realmonitor?channel={c}&subtype=0&unicast=true&proto=Onvif", (1, 3, 32)),
        ("rtsp://n/unicast/c{c}/s0/live", (2, 3, 5)),
        ("rtsp://n/h264Preview_{c:02d}_main", (1, 2, 12)),
        ("rtsp://n/rtsp/streaming?channel={c}&subtype=0", (4, 5, 6)),
        ("rtsp://n/user=admin_password=_channel={c}_stream=0.sdp?real_stream", (1, 2, 4)),
        ("rtsp://n/video?camera={c}&resolution=big", (1, 4, 5)),
        ("rtsp://n/live/ch{c}/main", (3, 7, 9)),
        ("rtsp://n/Streaming/Unicast/channels/{c}02", (3, 7, 64)),
    ],
)
def test_numbers_in_the_addresses_of_known_vendors(template: str, channels: tuple[int, ...]) -> None:
    profiles = [stream(f"p{i}-{s}", f"src-{i}", 1920 // s) for i, _ in enumerate(channels) for s in (1, 2)]
    uris = {f"p{i}-1": template.format(c=c) for i, c in enumerate(channels)}
    assert [c.number for c in group_profiles(profiles, asked_of(profiles, uris)).channels] == list(channels)


def test_numbers_that_start_at_zero_are_shifted() -> None:
    profiles = [stream(f"x{i}{s}", f"s{i}", 640 * s) for i in (0, 1, 3) for s in (1, 2)]
    uris = {f"x{i}2": f"rtsp://n/live?channel={i}" for i in (0, 1, 3)}
    assert [c.number for c in group_profiles(profiles, uris).channels] == [1, 2, 4]


def test_numbers_that_contradict_each_other_are_not_used() -> None:
    """Two sources, one camera: the same number twice tells nothing, the order does."""
    profiles = [stream(f"x{i}{s}", f"{c}", 640 * s) for i, c in enumerate("ABC") for s in (1, 2)]
    uris = {"x02": "rtsp://n/unicast/c1/s0/live", "x12": "rtsp://n/unicast/c1/s0/live"}
    grouping = group_profiles(profiles, uris)
    assert [c.number for c in grouping.channels] == [1, 2, 3]
    assert same_picture_warnings(grouping.channels, uris) == [
        "Channels 1 and 2 give the same stream address; they are probably one camera. All are kept."
    ]


def test_an_offline_channel_without_address_takes_its_number_from_its_source() -> None:
    profiles = [stream(f"p{c}", f"VideoSource_{c}") for c in (1, 2, 4)] + [stream("p3", "VideoSource_3", 0, None)]
    profiles += [replace(p, token=p.token + "s", width=p.width // 2, encoder_token=p.token + "s") for p in profiles]
    uris = {f"p{c}": f"rtsp://n/unicast/c{c}/s0/live" for c in (1, 2, 4)}
    assert [(c.key, c.number) for c in group_profiles(profiles, uris).channels] == [
        (f"VideoSource_{n}", n) for n in (1, 2, 3, 4)
    ]


def test_gsoap_streams_as_sources_are_joined_by_their_names() -> None:
    profiles = [
        stream(f"t{c}{s}", f"src{2 * c + s}", 1920 // s, name=f"CH{c:02d}_{'Main' if s == 1 else 'Sub'}Stream")
        for c in (1, 2, 5)
        for s in (1, 2)
    ]
    assert profiles_to_ask(profiles) == ()
    channels = group_profiles(profiles).channels
    assert shape(channels) == [(1, "t11", "t12"), (2, "t21", "t22"), (5, "t51", "t52")]
    assert [c.key for c in channels] == ["channel:1", "channel:2", "channel:5"]


def test_gsoap_streams_as_sources_are_joined_by_their_addresses() -> None:
    profiles = [stream(f"t{i}", f"src{i}", 1920 // (i % 2 + 1), name=f"profile{i}") for i in range(6)]
    uris = {f"t{i}": f"rtsp://n/rtsp/streaming?channel={i // 2 + 1}&subtype={i % 2}" for i in range(6)}
    assert len(profiles_to_ask(profiles)) == 6
    channels = group_profiles(profiles, uris).channels
    assert shape(channels) == [(1, "t0", "t1"), (2, "t2", "t3"), (3, "t4", "t5")]


def test_one_gsoap_channel_is_one_channel() -> None:
    profiles = [stream("a", "src1", name="CH01_MainStream"), stream("b", "src2", 640, name="CH01_SubStream")]
    assert shape(group_profiles(profiles).channels) == [(1, "a", "b")]


def test_cameras_with_one_stream_each_stay_by_source() -> None:
    profiles = [stream(f"p{c}", f"VideoSource_{c}", name=f"Channel {c}") for c in (1, 2, 3)]
    uris = {f"p{c}": f"rtsp://n/Streaming/Channels/{c}01" for c in (1, 2, 3)}
    channels = group_profiles(profiles, uris).channels
    assert [c.key for c in channels] == ["VideoSource_1", "VideoSource_2", "VideoSource_3"]


def test_one_source_for_all_channels_is_split_by_address() -> None:
    """XM and Sunba recorders."""
    profiles = [stream(f"00{i}", "V", 1920 // (i % 2 + 1)) for i in range(4)]
    uris = {f"00{i}": f"rtsp://n/user=a_password=_channel={i // 2 + 1}_stream={i % 2}.sdp" for i in range(4)}
    assert shape(group_profiles(profiles, uris).channels) == [(1, "000", "001"), (2, "002", "003")]


@pytest.mark.parametrize(
    "template", ["rtsp://n/media/video{i}", "rtsp://n/ch{i}", "rtsp://n/Streaming/Channels/10{i}", "rtsp://n/live{i}"]
)
def test_streams_of_one_camera_are_not_split(template: str) -> None:
    profiles = [stream(f"Profile_10{i}", "V", 1920 // i, name=f"Profile_10{i}") for i in (1, 2, 3)]
    uris = {f"Profile_10{i}": template.format(i=i) for i in (1, 2, 3)}
    [channel] = group_profiles(profiles, asked_of(profiles, uris)).channels
    assert (channel.key, channel.number) == ("V", 1)


def test_axis_sensors() -> None:
    profiles = [
        stream(
            f"profile_{c}_{kind}", str(c - 1), 1920, "H264" if kind == "h264" else "JPEG", name=f"profile_{c} {kind}"
        )
        for c in (1, 2, 3, 4)
        for kind in ("h264", "jpeg")
    ]
    channels = group_profiles(profiles).channels
    assert shape(channels) == [(c, f"profile_{c}_h264", None) for c in (1, 2, 3, 4)]


def test_twelve_channels_with_thirty_six_profiles_some_without_sub_streams() -> None:
    """A real NVR: sub-streams of empty channels have no encoder."""
    profiles = [
        stream(f"p{c}-{s}", f"V{c}", 1920 // s if c % 3 or s == 1 else 0, "H264" if c % 3 else None)
        for c in range(1, 13)
        for s in (1, 2, 3)
    ]
    channels = group_profiles(profiles).channels
    assert [c.number for c in channels] == list(range(1, 13))
    assert [c.number for c in channels if not c.online] == [3, 6, 9, 12]


def test_more_channels_than_anyone_has_are_cut_with_a_word() -> None:
    grouping = group_profiles([stream(f"p{i}{s}", f"v{i}", 100 * s) for i in range(MAX_CHANNELS + 5) for s in (1, 2)])
    assert len(grouping.channels) == MAX_CHANNELS
    assert any("only the first" in w for w in grouping.warnings)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("mainStream", "mainStream"), ["Channel 1", "Channel 2"]),
        (("MediaProfile_Channel1_MainStream", "MediaProfile_Channel2_MainStream"), ["Channel 1", "Channel 2"]),
        (("Garage_MainStream", "Front door - Sub"), ["Garage", "Front door"]),
        (("Yard 1 main", "Yard 2 main"), ["Yard 1", "Yard 2"]),
        (("media_profile1", "Profile_101"), ["Channel 1", "Channel 2"]),
        (("IPCamera H.264", "IPCamera H.265"), ["Channel 1", "Channel 2"]),
        (("Kasse (main)", "\u5927\u95e8"), ["Kasse", "\u5927\u95e8"]),
        (("", "x" * 300), ["Channel 1", "x" * 64]),
    ],
)
def test_names(names: tuple[str, str], expected: list[str]) -> None:
    profiles = [stream(f"p{i}", f"src-{i}", name=name) for i, name in enumerate(names)]
    assert [c.name for c in group_profiles(profiles).channels] == expected


_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["Channel1_Main", "CH 2 Sub", "000", "001", "Profile_101", "MediaProfile00100", "video_source_3"]),
)
_PROFILES = st.builds(
    Profile,
    token=_TEXTS.filter(bool),
    name=_TEXTS,
    source_token=_TEXTS,
    source_config_name=_TEXTS,
    encoder_token=_TEXTS,
    codec=st.sampled_from([None, "H264", "H265", "JPEG", "MPEG4"]),
    width=st.integers(0, 4096),
    height=st.integers(0, 4096),
    quality=st.floats(0, 10),
)
_URIS = st.one_of(
    st.text(max_size=30),
    st.builds("rtsp://n/unicast/c{}/s0/live".format, st.integers(0, 70)),
    st.builds("rtsp://n/x?channel={}".format, st.integers(0, 99999)),
)


@given(st.lists(_PROFILES, max_size=20), st.data())
def test_any_soup_gives_channels_with_unique_keys_and_numbers(profiles: list[Profile], data: st.DataObject) -> None:
    uris = {p.token: data.draw(_URIS) for p in profiles if data.draw(st.booleans())}
    asked = profiles_to_ask(profiles)
    assert set(asked) <= set(profiles)
    first, second = group_profiles(profiles, uris), group_profiles(profiles, uris)
    assert first == second
    channels = first.channels
    assert len({c.key for c in channels}) == len(channels)
    assert len({c.number for c in channels}) == len(channels)
    assert all(c.number >= 1 and 1 <= len(c.name) <= 64 and c.name.isprintable() for c in channels)
    assert [c.number for c in channels] == sorted(c.number for c in channels)
    for channel in channels:
        assert channel.sub is None or channel.main is not None
        assert channel.main is None or channel.main.has_picture
        assert channel.main is None or channel.main is not channel.sub


@given(st.lists(_PROFILES, max_size=12, unique_by=lambda p: p.token), st.randoms())
def test_the_order_of_streams_inside_a_channel_does_not_change_its_key(profiles: list[Profile], random: object) -> None:
    keys = {c.key for c in group_profiles(profiles).channels}
    assert {c.key for c in group_profiles(list(reversed(profiles))).channels} == keys
