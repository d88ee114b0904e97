"""Features and settings as JSON in one column each: read tolerantly, since another version may have written them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from proxyd.camera.features import NO_FEATURES, ChannelFeatures
from proxyd.camera.settings import DEFAULT_SETTINGS, CameraSettings

_FEATURES = TypeAdapter(ChannelFeatures)
_SETTINGS = TypeAdapter(CameraSettings)
_Document = TypeVar("_Document")


def features_text(features: ChannelFeatures) -> str:
    return _FEATURES.dump_json(features, exclude_defaults=True).decode()


def parse_features(text: str) -> ChannelFeatures:
    """What cannot be read counts as not there: the next scan writes it anew."""
    return _parse(_FEATURES, text, NO_FEATURES)


def settings_text(settings: CameraSettings) -> str:
    return _SETTINGS.dump_json(settings, exclude_defaults=True).decode()


def parse_settings(text: str) -> CameraSettings:
    """What cannot be read counts as the defaults."""
    return _parse(_SETTINGS, text, DEFAULT_SETTINGS)


def _parse(adapter: TypeAdapter[_Document], text: str, otherwise: _Document) -> _Document:
    try:
        return adapter.validate_json(text)
    except ValidationError:
        return otherwise
