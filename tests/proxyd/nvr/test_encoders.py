"""Encoders of an NVR: set by the profile that uses them, in the dialects of its services, and read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.encoders import EncoderWish
from proxyd.camera.features import Span
from proxyd.errors import UpstreamProtocolError
from proxyd.nvr.account import Account
from proxyd.nvr.encoder_calls import change_encoder, read_options
from proxyd.nvr.encoders import (
    media2_configuration,
    media2_options,
    media_configuration,
    media_options,
    with_told,
)
from proxyd.nvr.link import NvrLink
from proxyd.nvr.profiles import Profile
from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults
from tests.proxyd.onvif.builders import main_stream


@pytest.mark.parametrize("dialect", tuple(DIALECTS))
async def test_rates_are_set_and_read_back_in_every_dialect(dialect: str) -> None:
    async with SimulatedNvr(channels=2, dialect=dialect) as nvr:
        link = NvrLink(Account(nvr.access))
        try:
            mains = [p for p in nvr.layout.profiles if p.media.name == "main"]
            options = await read_options(link, mains[1].token)
            (codec,) = options.codecs
            assert codec.codec == mains[1].media.codec
            assert codec.sizes == ((1280, 720),)
            assert (codec.bitrate_kbps, codec.gov_length) == (Span(32, 16384), Span(1, 250))
            assert options.quality == Span(1, 6)
            told = await change_encoder(link, mains[1].token, EncoderWish(fps=10, bitrate_kbps=512, quality=3))
            assert (told.fps, told.bitrate_kbps, told.codec) == (10, 512, codec.codec)
            now = {p.token: p.media for p in nvr.layout.profiles}
            assert (now[mains[1].token].fps, now[mains[1].token].bitrate_kbps) == (10, 512)
            assert now[mains[0].token] == mains[0].media, "nobody else's encoder was touched"
            with pytest.raises(UpstreamProtocolError, match="not possible"):
                await change_encoder(link, mains[1].token, EncoderWish(size=(1, 1)))
        finally:
            await link.close()


async def test_h265_that_only_media2_knows_is_set_there() -> None:
    async with SimulatedNvr(channels=1, faults=Faults(media2_only_h265=True)) as nvr:
        link = NvrLink(Account(nvr.access))
        try:
            told = await change_encoder(link, nvr.layout.profiles[0].token, EncoderWish(fps=12.5))
            assert (told.codec, told.fps) == ("H265", 12)
            assert nvr.requests["SetVideoEncoderConfiguration"] == 0
            assert nvr.requests["Media2.SetVideoEncoderConfiguration"] == 1
        finally:
            await link.close()


def test_a_configuration_goes_back_with_what_it_came_with() -> None:
    raw: dict[str, Any] = {
        "Name": "Main",
        "UseCount": 2,
        "token": "Enc1",
        "Encoding": "H264",
        "Resolution": {"Width": 1920, "Height": 1080},
        "Quality": 4.0,
        "RateControl": {"FrameRateLimit": 25, "EncodingInterval": 1, "BitrateLimit": 4096},
        "MPEG4": None,
        "H264": {"GovLength": 50, "H264Profile": "High"},
        "Multicast": {"Address": {"Type": "IPv4", "IPv4Address": "0.0.0.0", "IPv6Address": None}, "Port": 0},
        "SessionTimeout": "PT60S",
        "_value_1": [],
        "_attr_1": None,
    }
    changed = media_configuration(raw, EncoderWish(fps=12.6, bitrate_kbps=2048, gov_length=25))
    assert changed == {
        **{key: raw[key] for key in ("Name", "UseCount", "token", "Encoding", "Resolution", "Quality")},
        "RateControl": {"FrameRateLimit": 13, "EncodingInterval": 1, "BitrateLimit": 2048},
        "H264": {"GovLength": 25, "H264Profile": "High"},
        "Multicast": {"Address": {"Type": "IPv4", "IPv4Address": "0.0.0.0"}, "Port": 0},
        "SessionTimeout": "PT60S",
    }
    assert raw["RateControl"]["FrameRateLimit"] == 25
    other = media_configuration(raw, EncoderWish(codec="JPEG", size=(640, 480)))
    assert "H264" not in other
    assert (other["Encoding"], other["Resolution"]) == ("JPEG", {"Width": 640, "Height": 480})
    back = media_configuration(other, EncoderWish(codec="H264", codec_profile="Main"))
    assert back["H264"] == {"GovLength": 50, "H264Profile": "Main"}
    second = media2_configuration(
        {"token": "E", "Encoding": "H264"}, EncoderWish("H265", None, 12.5, 900, 30, "Main", 2)
    )
    assert second == {
        "token": "E",
        "Encoding": "H265",
        "Quality": 2,
        "RateControl": {"FrameRateLimit": 12.5, "BitrateLimit": 900},
        "GovLength": 30,
        "Profile": "Main",
    }


def test_what_the_nvr_leaves_out_stays() -> None:
    stream = main_stream(fps=25, bitrate_kbps=4096)
    told = Profile("t", codec="H264", fps=0, bitrate_kbps=0, gov_length=20, codec_profile="High")
    assert with_told(stream, told) == replace(stream, gov_length=20)
    assert with_told(stream, replace(told, codec="H265", width=640, height=360, fps=5)).codec == "H265"


_ODD = st.recursive(
    st.none() | st.text(max_size=8) | st.floats() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Min",
                    "Max",
                    "H264",
                    "Width",
                    "Height",
                    "ResolutionsAvailable",
                    "Extension",
                    "Encoding",
                    "QualityRange",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_ODD)
def test_odd_options_never_raise(raw: Any) -> None:
    assert media_options(raw if isinstance(raw, dict) else {"H264": raw, "QualityRange": raw}).quality is not None
    assert media2_options(raw).quality is not None
    media2_options([{"Encoding": "H264", "FrameRatesSupported": raw, "GovLengthRange": raw}])
