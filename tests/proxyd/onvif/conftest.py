"""Fixtures of this room."""

from __future__ import annotations

import pytest

from .builders import Camera


@pytest.fixture
def camera() -> Camera:
    return Camera()
