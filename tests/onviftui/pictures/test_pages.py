"""A contact sheet's cameras by pages, and the words of its title."""

from __future__ import annotations

from onviftui.pictures.capability import Method
from onviftui.pictures.drawing import Canvas
from onviftui.pictures.grid import Grid
from onviftui.pictures.pages import Pages
from onviftui.widgets.line import texts
from onviftui.widgets.sheet_lines import Progress, sheet_title
from onviftui.words import Look

GRID = Grid(across=2, down=1, columns=18, rows=5)
BLOCKS = Canvas(Method.BLOCKS, (18, 5))


def pages_of(count: int) -> Pages:
    pages = Pages(range(1, count + 1))
    pages.fit(GRID)
    return pages


def test_pages_turn_to_the_nearest_camera_and_stop_at_both_ends() -> None:
    pages = pages_of(5)
    assert (pages.count, pages.here) == (3, [1, 2])
    assert pages.turn(-1) is None
    assert pages.turn(1) == 3
    assert pages.turn(1) == 5
    assert pages.here == [5]
    assert pages.turn(1) is None
    assert pages.turn(0) is None
    assert pages.turn(-1) == 4


def test_another_grid_stays_with_the_camera_that_was_looked_at() -> None:
    pages = pages_of(5)
    pages.fit(Grid(across=1, down=1, columns=40, rows=11), 4)
    assert pages.here == [4]
    pages.fit(GRID)
    assert pages.page == 2, "the last page that there is"


def test_removed_cameras_leave_their_pages() -> None:
    pages = pages_of(5)
    assert not pages.keep({1, 2, 3, 4, 5})
    assert pages.keep({2, 4})
    assert pages.here == [2, 4]


def test_the_title_says_what_pictures_cost_or_how_far_they_are() -> None:
    def title(progress: Progress, canvas: Canvas = BLOCKS, count: int = 5) -> str:
        return texts([sheet_title("Garage", pages_of(count), progress, canvas, Look())])[0]

    assert title(Progress(agreed=True), count=2) == " Garage   2 cameras"
    assert title(Progress(agreed=True)) == " Garage   page 1 of 3"
    assert title(Progress(wanted=2)) == " Garage   page 1 of 3   2 pictures, about 4.3 kB. Enter fetches them"
    running = title(Progress(wanted=4, fetched=1, running=True, agreed=True))
    assert running.endswith(" 1/4   Esc stops")
    assert title(Progress(wanted=4, stopped=True, agreed=True)).endswith("stopped; r fetches again")
    assert title(Progress(wanted=4), Canvas(Method.OFF, (18, 5))).endswith("Pictures are switched off in Settings.")
