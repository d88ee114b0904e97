"""Which panes of a camera's screen are shown, and where Tab leads."""

from __future__ import annotations

import pytest

from onviftui.camera_panes.arrangement import Arrangement, Mode, mode_of

PANES = ("camera", "streams", "requests", "ptz")


@pytest.mark.parametrize(
    ("size", "mode"),
    [((80, 24), "one"), ((119, 60), "one"), ((120, 20), "two"), ((200, 43), "two"), ((180, 44), "all")],
)
def test_the_room_decides_how_many_panes_there_are(size: tuple[int, int], mode: Mode) -> None:
    assert mode_of(*size) == mode


def test_beside_the_first_pane_stands_the_last_other_one() -> None:
    arrangement = Arrangement("camera", "requests", "camera")
    assert arrangement.fit(PANES, "one") == ["camera"]
    assert arrangement.fit(PANES, "two") == ["camera", "requests"]
    arrangement.current = "streams"
    assert arrangement.fit(PANES, "one") == ["streams"]
    assert arrangement.fit(PANES, "two") == ["camera", "streams"]
    arrangement.current = "camera"
    assert arrangement.fit(PANES, "two") == ["camera", "streams"]
    assert arrangement.fit(PANES, "all") == list(PANES)


def test_a_pane_that_has_gone_leaves_its_place_to_the_usual_one() -> None:
    arrangement = Arrangement("camera", "requests", "ptz")
    assert arrangement.fit(PANES, "two") == ["camera", "ptz"]
    assert arrangement.fit(PANES[:3], "two") == ["camera", "requests"]
    assert arrangement.current == "camera"


def test_tab_goes_through_every_place_of_every_pane_and_around() -> None:
    arrangement = Arrangement("camera", "requests", "camera")
    stops = {"camera": 1, "requests": 1, "ptz": 2}
    seen, place = [], ("camera", 0)
    for _ in range(4):
        arrangement.current, inside = place
        place = arrangement.stepped(stops, inside, 1)
        seen.append(place)
    assert seen == [("requests", 0), ("ptz", 0), ("ptz", 1), ("camera", 0)]
    arrangement.current = "camera"
    assert arrangement.stepped(stops, 0, -1) == ("ptz", 1)
