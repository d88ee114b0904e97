"""Pictures as a terminal would show them, against the pictures that were to be drawn."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from PIL import Image
from rich.cells import cell_len

from onviftui.pictures import blocks, kitty, scaling, sixel
from onviftui.pictures.capability import Method
from onviftui.pictures.drawing import Canvas, draw

from .terminal_images import difference, jpeg, read_kitty, read_placeholders, read_sixels, scene


@pytest.mark.parametrize("size", [(1, 1), (7, 6), (80, 48), (320, 180), (33, 37)])
def test_sixels_are_the_picture(size: tuple[int, int]) -> None:
    image = scene(*size)
    drawn = read_sixels(sixel.encode(image))
    assert drawn.size == size
    assert difference(drawn, image) < 6


def test_another_program_reads_our_sixels(tmp_path: Path) -> None:
    program = shutil.which("sixel2png")
    assert program, "Install libsixel-bin, as contrib/check does."
    (tmp_path / "picture.six").write_text(sixel.encode(scene(320, 180)))
    subprocess.run(
        [program, "-i", str(tmp_path / "picture.six"), "-o", str(tmp_path / "picture.png")], check=True, timeout=60
    )
    with Image.open(tmp_path / "picture.png") as read:
        assert difference(read, scene(320, 180)) < 6


def test_sixels_do_not_move_the_screen() -> None:
    """A new line after the last band could scroll it."""
    text = sixel.encode(scene(40, 24))
    assert text.count("-") == 3
    assert not text.removesuffix("\x1b\\").endswith("-")


def test_kitty_gets_the_picture_under_its_number() -> None:
    image = scene()
    keys, sent = read_kitty(kitty.transmit(image, 0x123456, 40, 12))
    assert keys == {"a": "T", "U": "1", "i": str(0x123456), "c": "40", "r": "12", "f": "100", "q": "2", "m": keys["m"]}
    assert difference(sent, image) < 4
    assert kitty.colour(0x123456) == (0x12, 0x34, 0x56)
    assert kitty.delete(7) == "\x1b_Ga=d,d=I,i=7,q=2\x1b\\"


def test_on_the_command_line_kitty_draws_where_the_cursor_stands() -> None:
    keys, sent = read_kitty(kitty.put(scene(), 40, 12))
    assert keys["a"] == "T"
    assert "U" not in keys
    assert sent.size == (320, 180)


def test_each_cell_says_which_part_of_the_picture_it_shows() -> None:
    rows = kitty.placeholders(5, 3)
    assert read_placeholders(rows) == [[(y, x) for x in range(5)] for y in range(3)]
    assert [cell_len(row) for row in rows] == [5, 5, 5]


def test_the_accents_are_those_of_the_protocol() -> None:
    """As its documentation derives them, as far as one can today: all are marks above that melt with nothing."""
    assert (len(kitty.ACCENTS), kitty.ACCENTS[:3], kitty.ACCENTS[-1]) == (297, "\u0305\u030d\u030e", "\U0001d244")
    assert list(kitty.ACCENTS) == sorted(set(kitty.ACCENTS))
    for accent in kitty.ACCENTS:
        assert unicodedata.category(accent) == "Mn"
        assert unicodedata.combining(accent) == 230
        assert not unicodedata.decomposition(accent)


def cells(rows: list[list[blocks.Run]]) -> Image.Image:
    """Half blocks as pixels."""
    width = sum(len(text) for text, _, _ in rows[0])
    image = Image.new("RGB", (width, len(rows) * 2))
    for y, row in enumerate(rows):
        x = 0
        for text, front, back in row:
            assert back is not None
            assert set(text) <= {blocks.UPPER_HALF, " "}
            for _ in text:
                image.putpixel((x, y * 2), front or back)
                image.putpixel((x, y * 2 + 1), back)
                x += 1
        assert x == width
    return image


def test_half_blocks_are_the_picture() -> None:
    image = scene(60, 34)
    assert difference(cells(blocks.half_blocks(image, true_colour=True)), image) < 8
    coarse = cells(blocks.half_blocks(image, true_colour=False))
    assert difference(coarse, image) < 40
    assert all(16 <= blocks.number(colour) <= 255 for _, colour in coarse.getcolors(10_000) or [])


@pytest.mark.parametrize("number", range(16, 256))
def test_the_number_of_a_colour_is_that_of_xterm(number: int) -> None:
    from rich._palettes import EIGHT_BIT_PALETTE

    colour = tuple(EIGHT_BIT_PALETTE[number])
    assert tuple(EIGHT_BIT_PALETTE[blocks.number((colour[0], colour[1], colour[2]))]) == colour


def test_half_blocks_as_text_say_each_colour_once_per_run() -> None:
    rows: list[list[blocks.Run]] = [[("▀▀", (1, 2, 3), (4, 5, 6)), ("  ", None, (0, 0, 95))]]
    assert blocks.written(rows, true_colour=True) == ("\x1b[38;2;1;2;3;48;2;4;5;6m▀▀\x1b[48;2;0;0;95m  \x1b[0m\n")
    assert blocks.written([rows[0][1:]], true_colour=False) == "\x1b[48;5;17m  \x1b[0m\n"


@pytest.mark.parametrize(("ascii_only", "shades"), [(True, blocks.ASCII_SHADES), (False, blocks.SHADES)])
def test_without_colours_brightness_is_fullness(ascii_only: bool, shades: str) -> None:
    ramp = Image.linear_gradient("L").rotate(90).resize((64, 2)).convert("RGB")
    on_dark = blocks.characters(ramp, ascii_only=ascii_only)[0][0][0]
    on_light = blocks.characters(ramp, ascii_only=ascii_only, dark=False)[0][0][0]
    levels = [shades.index(character) for character in on_dark]
    assert len(on_dark) == 64
    assert levels in (sorted(levels), sorted(levels, reverse=True))
    assert set(levels) == set(range(len(shades)))
    assert on_light != on_dark
    assert not ascii_only or on_dark.isascii()


@pytest.mark.parametrize(
    ("picture", "room", "cell", "expected"),
    [
        ((1280, 720), (80, 20), (1, 2), (71, 20)),
        ((1280, 720), (40, 30), (1, 2), (40, 11)),
        ((640, 480), (80, 20), (10, 20), (53, 20)),
        ((1080, 1920), (80, 20), (1, 2), (22, 20)),
        ((1, 5000), (80, 20), (1, 2), (1, 20)),
        ((5000, 1), (80, 20), (1, 2), (80, 1)),
        ((0, 0), (0, 0), (1, 2), (1, 1)),
    ],
)
def test_a_picture_keeps_its_shape_and_its_room(
    picture: tuple[int, int], room: tuple[int, int], cell: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert scaling.fitted(picture, room, cell) == expected


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"<html>", b"GIF89a" + bytes(40)])
def test_what_is_no_picture_is_not_drawn(data: bytes) -> None:
    with pytest.raises(scaling.NotAPicture):
        scaling.load(data, (10, 10))


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    header = jpeg(Image.new("RGB", (8, 8)))
    start = header.index(b"\xff\xc0") + 5
    bomb = header[:start] + (60_000).to_bytes(2, "big") * 2 + header[start + 4 :]
    with pytest.raises(scaling.NotAPicture):
        scaling.load(bomb, (10, 10))


def test_sixels_stay_inside_their_cells() -> None:
    drawn = draw(jpeg(scene(1280, 720)), (1280, 720), Canvas(Method.SIXEL, (80, 18), (10, 19)))
    read = read_sixels(drawn.over)
    assert read.width <= drawn.columns * 10
    assert len(drawn.rows) * 19 - 6 < read.height <= len(drawn.rows) * 19
    assert {text.strip() for row in drawn.rows for text, _, _ in row} == {""}
    assert drawn.size >= len(drawn.over)


def test_kitty_draws_no_more_pixels_than_there_are() -> None:
    small = draw(jpeg(scene(320, 180)), (320, 180), Canvas(Method.KITTY, (200, 60), (10, 20), number=9))
    assert read_kitty(small.first)[1].size == (320, 180)
    large = draw(jpeg(scene(1280, 720)), (1280, 720), Canvas(Method.KITTY, (20, 10), (10, 20), number=9))
    assert read_kitty(large.first)[1].width == 200
    assert large.after == kitty.delete(9)
