"""Fixtures of this room."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from .builders import Camera
from .schemas import Validator, load

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    """Official schemas where they are, else the older copies in onvif-zeep-async."""
    shared = Path(os.environ.get("ONVIFTUI_SHARED", _ROOT.parent / "shared"))
    with warnings.catch_warnings():
        # "Maybe a not equivalent type table": two services name an element Capabilities; harmless.
        warnings.simplefilter("ignore")
        return load(shared if (shared / "onvif-specs").is_dir() else None, tmp_path_factory.mktemp("schemas"))


@pytest.fixture
def camera() -> Camera:
    return Camera()
