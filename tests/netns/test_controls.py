"""The examination itself is examined: the recipe made by ip(8) passes, what people usually do fails."""

from __future__ import annotations

from typing import Literal

import pytest

from . import recipe
from .lan import Lan
from .verdict import watch_visits


@pytest.mark.parametrize("count", [4, 32])
def test_the_recipe_made_by_hand_passes(lan: Lan, count: int) -> None:
    cameras = recipe.cameras(count)
    recipe.make(lan.host, cameras, "full")
    near, routed = watch_visits(lan, cameras)
    assert near.right, str(near)
    assert routed.right, str(routed)


@pytest.mark.parametrize("way", ["defaults", "arp"])
def test_what_is_usually_done_fails(lan: Lan, way: Literal["defaults", "arp"]) -> None:
    cameras = recipe.cameras(4)
    recipe.make(lan.host, cameras, way)
    near, routed = watch_visits(lan, cameras)
    print(way, near, routed)
    assert near.right_frames < near.frames / 2
    assert routed.right_frames < routed.frames / 2
    assert (near.right_arp == 4) == (way == "arp"), str(near)
