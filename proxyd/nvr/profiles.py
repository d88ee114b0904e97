"""One media profile of an NVR, read from Media (ver10) or Media2 (ver20) answers: pure.

The raw mappings are zeep's results as plain dicts. Every field may be missing, empty or odd; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proxyd.camera.features import MetadataFeatures
from proxyd.camera.spec import AudioSpec, Codec

MAX_TOKEN_CHARS = 256
_CODECS: dict[str, Codec] = {
    "H264": "H264",
    "AVC": "H264",
    "H265": "H265",  # not in Media's enumeration, but sent there all the same
    "HEVC": "H265",
    "JPEG": "JPEG",
    "MJPEG": "JPEG",
    "MPEG4": "MPEG4",
    "MPV4ES": "MPEG4",  # RFC 3016 name, used by Media2
}
_AUDIO_CODECS: dict[str, Literal["G711", "G726", "AAC"]] = {
    "G711": "G711",
    "PCMU": "G711",
    "PCMA": "G711",
    "G726": "G726",
    "AAC": "AAC",
    "MP4ALATM": "AAC",
    "MPEG4GENERIC": "AAC",
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What grouping needs of a profile. `codec` None or a zero size: there is no picture behind it now."""

    token: str
    name: str = ""
    source_token: str = ""
    source_config_name: str = ""
    encoder_token: str = ""
    codec: Codec | None = None
    width: int = 0
    height: int = 0
    fps: int = 0
    bitrate_kbps: int = 0
    gov_length: int = 50
    codec_profile: str = "Main"
    quality: float = 4.0
    audio: AudioSpec | None = None
    source_config_token: str = ""
    ptz_configuration: str = ""
    ptz_node: str = ""
    analytics: str = ""  # video analytics configuration
    audio_source: str = ""
    audio_configuration: str = ""  # of the audio source
    audio_output: str = ""
    audio_decoder: str = ""  # its configuration
    metadata: MetadataFeatures | None = None  # of its metadata stream

    @property
    def has_picture(self) -> bool:
        return self.codec is not None and self.width > 0 and self.height > 0

    @property
    def has_source(self) -> bool:
        return bool(self.source_token)


def parse_media_profile(raw: Mapping[str, Any]) -> Profile | None:
    """A profile from Media's GetProfiles; None without a token."""
    encoder = _mapping(raw.get("VideoEncoderConfiguration"))
    output, decoder = _way_back(_mapping(raw.get("Extension")))
    h264 = _mapping(encoder.get("H264")) or _mapping(encoder.get("MPEG4"))
    return _profile(
        raw,
        source=_mapping(raw.get("VideoSourceConfiguration")),
        encoder=encoder,
        audio=_mapping(raw.get("AudioEncoderConfiguration")),
        ptz=_mapping(raw.get("PTZConfiguration")),
        analytics=_mapping(raw.get("VideoAnalyticsConfiguration")),
        audio_source=_mapping(raw.get("AudioSourceConfiguration")),
        audio_output=output,
        audio_decoder=decoder,
        metadata=raw.get("MetadataConfiguration"),
        gov_length=h264.get("GovLength"),
        codec_profile=h264.get("H264Profile"),
    )


def parse_media2_profile(raw: Mapping[str, Any]) -> Profile | None:
    """A profile from Media2's GetProfiles with Type=All; None without a token."""
    configurations = _mapping(raw.get("Configurations"))
    encoder = _mapping(configurations.get("VideoEncoder"))
    return _profile(
        raw,
        source=_mapping(configurations.get("VideoSource")),
        encoder=encoder,
        audio=_mapping(configurations.get("AudioEncoder")),
        ptz=_mapping(configurations.get("PTZ")),
        analytics=_mapping(configurations.get("Analytics")),
        audio_source=_mapping(configurations.get("AudioSource")),
        audio_output=_mapping(configurations.get("AudioOutput")),
        audio_decoder=_mapping(configurations.get("AudioDecoder")),
        metadata=configurations.get("Metadata"),
        gov_length=encoder.get("GovLength"),
        codec_profile=encoder.get("Profile"),
    )


def _way_back(extension: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Audio output and decoder configuration. zeep takes both for the foreign elements that the schema allows before
    them, and gives these without their names."""
    foreign = extension.get("_value_1")
    unnamed = [one for one in foreign if isinstance(one, Mapping)] if isinstance(foreign, list) else []
    output = next((one for one in unnamed if "OutputToken" in one), None)
    decoder = next((one for one in unnamed if "OutputToken" not in one), None)
    return (
        _mapping(extension.get("AudioOutputConfiguration") or output),
        _mapping(extension.get("AudioDecoderConfiguration") or decoder),
    )


def parse_codec(encoding: object) -> Codec | None:
    """The codec behind an Encoding text, however it is spelled."""
    return _CODECS.get(_text(encoding).upper().replace(".", "").replace("-", "").replace("_", ""))


def _profile(
    raw: Mapping[str, Any],
    *,
    source: Mapping[str, Any],
    encoder: Mapping[str, Any],
    audio: Mapping[str, Any],
    ptz: Mapping[str, Any],
    analytics: Mapping[str, Any],
    audio_source: Mapping[str, Any],
    audio_output: Mapping[str, Any],
    audio_decoder: Mapping[str, Any],
    metadata: object,
    gov_length: object,
    codec_profile: object,
) -> Profile | None:
    token = _text(raw.get("token"))
    if not token:
        return None
    resolution = _mapping(encoder.get("Resolution"))
    rate = _mapping(encoder.get("RateControl"))
    return Profile(
        token=token,
        name=_text(raw.get("Name")),
        source_token=_text(source.get("SourceToken")),
        source_config_name=_text(source.get("Name")),
        encoder_token=_text(encoder.get("token")),
        codec=parse_codec(encoder.get("Encoding")),
        width=_whole(resolution.get("Width"), 32768),
        height=_whole(resolution.get("Height"), 32768),
        fps=_whole(rate.get("FrameRateLimit"), 1000),
        bitrate_kbps=_whole(rate.get("BitrateLimit"), 10_000_000),
        gov_length=_whole(gov_length, 10_000) or 50,
        codec_profile=_text(codec_profile)[:32] or "Main",
        quality=_real(encoder.get("Quality"), 4.0),
        audio=_audio(audio),
        source_config_token=_text(source.get("token")),
        ptz_configuration=_text(ptz.get("token")),
        ptz_node=_text(ptz.get("NodeToken")),
        analytics=_text(analytics.get("token")),
        audio_source=_text(audio_source.get("SourceToken")),
        audio_configuration=_text(audio_source.get("token")),
        audio_output=_text(audio_output.get("OutputToken")),
        audio_decoder=_text(audio_decoder.get("token")),
        metadata=_metadata(metadata),
    )


def _metadata(raw: object) -> MetadataFeatures | None:
    """What the NVR says that it streams; None without a configuration."""
    if not isinstance(raw, Mapping):
        return None
    filtered = _mapping(raw.get("PTZStatus"))
    told = raw.get("Analytics"), filtered.get("Status"), filtered.get("Position")
    return MetadataFeatures(*(str(value).strip().lower() in ("true", "1") for value in told))


def _audio(raw: Mapping[str, Any]) -> AudioSpec | None:
    codec = _AUDIO_CODECS.get(_text(raw.get("Encoding")).upper().replace(".", "").replace("-", ""))
    if codec is None:
        return None
    bitrate = _whole(raw.get("Bitrate"), 10_000_000)
    rate = _whole(raw.get("SampleRate"), 1_000_000)
    return AudioSpec(
        codec=codec,
        bitrate_kbps=(bitrate // 1000 if bitrate >= 4000 else bitrate) or 64,  # some say bit/s
        sample_rate_khz=(rate // 1000 if rate >= 1000 else rate) or 8,  # some say Hz
    )


def _mapping(value: object) -> Mapping[str, Any]:
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(c for c in text if c.isprintable()).strip()[:MAX_TOKEN_CHARS]


def _whole(value: object, largest: int) -> int:
    number = _real(value, 0.0)
    return round(number) if 0 < number <= largest else 0


def _real(value: object, otherwise: float) -> float:
    try:
        number = float(str(value))
    except ValueError:
        return otherwise
    return number if -1e9 < number < 1e9 else otherwise
