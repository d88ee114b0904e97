"""Reads and sets a video encoder of an NVR by the profile that uses it: over Media2 where it works, else over Media."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from proxyd.camera.encoders import EncoderOptions, EncoderWish
from proxyd.errors import UpstreamError, UpstreamProtocolError

from .encoders import media2_configuration, media2_options, media_configuration, media_options
from .numbers import mapping
from .profiles import Profile, parse_media2_profile, parse_media_profile


class Link(Protocol):
    """The open conversation with the NVR (link.py)."""

    async def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> Any: ...

    async def address_of(self, service: str) -> str | None: ...


async def read_options(link: Link, profile: str) -> EncoderOptions:
    """Raises UpstreamError."""
    if await link.address_of("media2") is not None:
        try:
            question = {"ProfileToken": profile}
            told = await link.call("media2", "GetVideoEncoderConfigurationOptions", question)
            if (options := media2_options(told)).codecs:
                return options
        except UpstreamProtocolError:
            pass  # advertised, but broken: seen in the field
    told = await link.call("media", "GetVideoEncoderConfigurationOptions", {"ProfileToken": profile})
    return media_options(mapping(told))


async def change_encoder(link: Link, profile: str, wish: EncoderWish) -> Profile:
    """Sets the encoder, and reads back what became of it. Raises UpstreamError."""
    raw = await _media2_profile(link, profile)
    if raw is not None:
        encoder = mapping(mapping(raw.get("Configurations")).get("VideoEncoder"))
        changed = media2_configuration(encoder, wish)
        await link.call("media2", "SetVideoEncoderConfiguration", {"Configuration": changed})
        return _told(parse_media2_profile(await _media2_profile(link, profile) or {}))
    encoder = mapping((await _media_profile(link, profile)).get("VideoEncoderConfiguration"))
    # Asked for by itself it is complete: a profile is read without what a scan has no use for.
    whole = await link.call("media", "GetVideoEncoderConfiguration", {"ConfigurationToken": encoder.get("token")})
    changed = media_configuration(mapping(whole), wish)
    wanted = {"Configuration": changed, "ForcePersistence": True}
    await link.call("media", "SetVideoEncoderConfiguration", wanted)
    return _told(parse_media_profile(await _media_profile(link, profile)))


async def _media2_profile(link: Link, profile: str) -> Mapping[str, Any] | None:
    """None where Media2 is missing, does not work, or tells of no encoder."""
    if await link.address_of("media2") is None:
        return None
    try:
        told = await link.call("media2", "GetProfiles", {"Token": profile, "Type": ["VideoEncoder"]})
    except UpstreamProtocolError:
        return None
    found = told if isinstance(told, list) else [told]
    raw = next((mapping(one) for one in found if mapping(one).get("token") == profile), {})
    return raw if mapping(raw.get("Configurations")).get("VideoEncoder") else None


async def _media_profile(link: Link, profile: str) -> Mapping[str, Any]:
    return mapping(await link.call("media", "GetProfile", {"ProfileToken": profile}))


def _told(profile: Profile | None) -> Profile:
    if profile is None:
        raise UpstreamError("The NVR took the settings, but does not tell of the stream any more.", "Scan it again.")
    return profile
