"""Pictures on a real terminal (a pty): it is asked, its answers are no keys, and nothing of a picture stays behind."""

from __future__ import annotations

import base64
import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from onviftui.pictures.capability import BACKGROUND_QUESTIONS, QUESTIONS
from onviftui.theme import DARK as DARK_THEME
from onviftui.theme import LIGHT as LIGHT_THEME
from proxyd.api.models import Picture

from ..fake_daemon import FakeDaemon
from ..pty_terminal import Terminal
from ..pty_terminal import terminal as any_terminal
from .terminal_images import difference, jpeg, read_kitty, read_placeholders, read_sixels, scene

SIXEL = re.compile(rb"\x1b7\x1b\[(\d+);(\d+)H(\x1bP0;1;0q.*?\x1b\\)\x1b8", re.DOTALL)
KITTY = "\x1bP>|kitty(0.36.4)\x1b\\\x1b[6;20;10t\x1b_Gi=31;OK\x1b\\\x1b[?62;c"
XTERM = "\x1bP>|XTerm(379)\x1b\\\x1b[6;20;10t\x1b[?64;1;2;4;6;9;15;22c"
ENVIRON = {"COLORTERM": "truecolor", "SSH_CONNECTION": "", "SSH_CLIENT": "", "SSH_TTY": "", "TMUX": "", "STY": ""}
IMAGE = scene(1280, 720)


def terminal(socket: Path, **environ: str) -> AbstractContextManager[Terminal]:
    """Of 80×24, not by SSH."""
    return any_terminal(socket, columns=80, rows=24, **ENVIRON | environ)


class Daemon(FakeDaemon):
    def __init__(self, socket: Path) -> None:
        super().__init__(socket, 4)
        data = base64.b64encode(jpeg(IMAGE)).decode()
        self.picture = Picture(
            content_type="image/jpeg", data=data, origin="from the NVR", width=1280, height=720, size=94_696
        )


def _background(theme: Theme) -> bytes:
    colour = Color.parse(theme.background or "")
    return f"48;2;{colour.r};{colour.g};{colour.b}".encode()


async def to_the_cameras(screen: Terminal) -> None:
    await screen.sees(b"All cameras run.")
    screen.press(b"2")
    await screen.sees(b"02 Yard")


async def leaves(screen: Terminal) -> None:
    screen.press(b"q")
    assert await screen.ended() == 0


async def test_a_terminal_is_asked_when_a_picture_is_wanted_and_not_before(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s") as screen:
            await to_the_cameras(screen)
            assert QUESTIONS.encode() not in screen.output
            screen.press(b"o")
            await screen.sees(QUESTIONS.encode())
            screen.press(b"\x1b[?1;2c")  # knows no pictures
            await screen.sees(b"half blocks, ")
            start = len(screen.output)
            screen.press(b"\x1b")
            await screen.sees(b"02 Yard", start)
            start = len(screen.output)
            screen.press(b"o")
            await screen.sees(b"half blocks, ", start)
            await leaves(screen)
            assert screen.output.count(QUESTIONS.encode()) == 1


async def test_answers_between_keys_are_not_taken_for_keys(tmp_path: Path) -> None:
    """In pieces, with a key in front and one behind. Digits would change the view, c and q would end things."""
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s") as screen:
            await to_the_cameras(screen)
            screen.press(b"o")
            await screen.sees(QUESTIONS.encode())
            for piece in (b"j\x1bP>|Some", b"thing(1)\x1b", b"\\\x1b[6;2", b"0;10t\x1b[?6", b"2;22", b"c?"):
                screen.press(piece)
            await screen.sees(b"This picture")  # the help, which the question mark opens
            screen.press(b"\x1b")
            await screen.sees(b"half blocks, ")
            await leaves(screen)


async def test_sixels_are_drawn_where_the_picture_belongs_and_again_after_a_dialog(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s") as screen:
            await to_the_cameras(screen)
            screen.press(b"o")
            await screen.sees(QUESTIONS.encode())
            screen.press(XTERM.encode())
            await screen.sees(b"sixel, ")
            await screen.sees(b"\x1b\\\x1b8")
            row, column, data = _last_sixel(screen.output)
            drawn = read_sixels(data)
            assert difference(drawn, IMAGE.resize(drawn.size)) < 6
            assert row - 1 + drawn.height / 20 <= 24 - 4, "what stands below it is not touched"
            assert column - 1 + drawn.width / 10 <= 80
            start = len(screen.output)
            screen.press(b"?")
            await screen.sees(b"This picture", start)
            start = len(screen.output)
            screen.press(b"\x1b")
            await screen.sees(b"\x1b\\\x1b8", start)
            assert _last_sixel(screen.output) == (row, column, data)
            assert len(SIXEL.findall(screen.output)) == 2
            start = len(screen.output)
            screen.press(b"\x1b")
            await screen.sees(b"02 Yard", start)
            await leaves(screen)
            listed = screen.output.index(b"02 Yard", start)
            assert not SIXEL.search(screen.output[listed:]), "nothing is drawn over the list"


def _last_sixel(output: bytes) -> tuple[int, int, str]:
    found = list(SIXEL.finditer(output))[-1]
    return int(found[1]), int(found[2]), found[3].decode()


async def test_kittys_picture_is_text_and_is_deleted_when_it_goes(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s", TERM="xterm-kitty") as screen:
            await to_the_cameras(screen)
            screen.press(b"o")
            await screen.sees(QUESTIONS.encode())
            screen.press(KITTY.encode())
            await screen.sees(b"kitty graphics, ")
            await screen.sees("\U0010eeee".encode())
            sent = re.findall(rb"\x1b_G[^\x1b]*\x1b\\", screen.output.split(QUESTIONS.encode())[1])
            keys, image = read_kitty(b"".join(sent).decode())
            assert difference(image, IMAGE.resize(image.size)) < 6
            number = int(keys["i"])
            shown = re.findall(
                rb"\x1b\[(?:[\d;]*;)?38;2;(\d+);(\d+);(\d+)[;\d]*m((?:\xf4\x8e\xbb\xae[^\x1b ]+)+)", screen.output
            )
            assert len(shown) == int(keys["r"])
            assert {(int(r) << 16) + (int(g) << 8) + int(b) for r, g, b, _ in shown} == {number}
            cells = read_placeholders([text.decode() for *_, text in shown])
            assert cells == [[(y, x) for x in range(int(keys["c"]))] for y in range(int(keys["r"]))]
            start = len(screen.output)
            screen.press(b"\x1b")
            await screen.sees(f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\".encode(), start)
            await leaves(screen)


async def test_a_picture_that_is_open_at_the_end_is_deleted_too(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s", TERM="xterm-kitty") as screen:
            await to_the_cameras(screen)
            screen.press(b"o")
            await screen.sees(QUESTIONS.encode())
            screen.press(KITTY.encode())
            await screen.sees("\U0010eeee".encode())
            await leaves(screen)
            assert b"\x1b_Ga=d,d=I,i=" in screen.output


@pytest.mark.parametrize(("term", "more"), [("tmux-256color", {}), ("xterm-256color", {"TMUX": "/tmp/x,1,0"})])
async def test_inside_tmux_nothing_is_asked(tmp_path: Path, term: str, more: dict[str, str]) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s", TERM=term, **more) as screen:
            await to_the_cameras(screen)
            screen.press(b"o")
            await screen.sees(b"half blocks, ")
            await leaves(screen)
            assert QUESTIONS.encode() not in screen.output


async def test_a_terminal_that_never_answers_is_not_waited_for_long(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s") as screen:
            await to_the_cameras(screen)
            screen.press(b"o")
            await screen.sees(b"half blocks, ")
            screen.press(b"\x1b[?62;4;22c")  # late, as over a slow line
            screen.press(b"?")
            start = len(screen.output)
            await screen.sees(b"This picture")
            screen.press(b"q")  # closes the help
            await screen.sees(b"half blocks, ", start)
            await leaves(screen)


async def test_a_terminal_that_goes_away_ends_the_program(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s") as screen:
            await to_the_cameras(screen)
            screen.hang_up()
            assert await screen.ended() != 0


BACKGROUND = BACKGROUND_QUESTIONS.encode()
LIGHT = _background(LIGHT_THEME)
DARK = _background(DARK_THEME)


@pytest.mark.parametrize(
    ("pieces", "light"),
    [
        ((b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;22c",), True),
        ((b"\x1b]11;rgb:f7/f8/f9\x07\x1b[?1;2c",), True),
        ((b"\x1b]1", b"1;rg", b"b:fdfd/f6f6", b"/e3e3\x1b", b"\\", b"\x1b[?62", b";22c"), True),
        ((b"\x1b]11;rgb:0000/2b2b/3636\x1b\\\x1b[?62;22c",), False),
        ((b"\x1b[?1;2c",), False),  # knows nothing of its background
    ],
)
async def test_a_terminal_is_asked_for_its_background_after_the_first_frame(
    tmp_path: Path, pieces: tuple[bytes, ...], light: bool
) -> None:
    """Its answer changes the theme once, and is no key: digits would change the view, c would open a form."""
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s", COLORFGBG="") as screen:
            await screen.sees(BACKGROUND)
            first = screen.output[: screen.output.index(BACKGROUND)]
            assert b"Overview" in first
            assert DARK in first
            assert LIGHT not in first
            for piece in pieces:
                screen.press(piece)
            if light:
                await screen.sees(LIGHT)
            start = len(screen.output)
            screen.press(b"2")
            await screen.sees(b"02 Yard", start)
            await leaves(screen)
            assert (LIGHT in screen.output) == light
            if light:
                assert DARK not in screen.output[screen.output.index(LIGHT) :]
            assert screen.output.count(BACKGROUND) == 1


async def test_an_answer_that_stops_in_the_middle_costs_no_keys(tmp_path: Path) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s", COLORFGBG="") as screen:
            await screen.sees(BACKGROUND)
            screen.press(b"\x1b]11;rgb:ffff/")
            await screen.sees(b"All cameras run.")
            start = len(screen.output)
            screen.press(b"ffff/ffff\x1b\\2")
            await screen.sees(LIGHT, start)
            await screen.sees(b"02 Yard", start)
            await leaves(screen)


@pytest.mark.parametrize(
    "environ", [{"TERM": "linux"}, {"TERM": "vt100"}, {"TERM": "dumb"}, {"STY": "1.pts"}, {"NO_COLOR": "1"}]
)
async def test_who_cannot_answer_is_not_asked(tmp_path: Path, environ: dict[str, str]) -> None:
    async with Daemon(tmp_path / "s"):
        with terminal(tmp_path / "s", **{"COLORFGBG": ""} | environ) as screen:
            await screen.sees(b"All cameras run.")
            await leaves(screen)
            assert b"\x1b]11;" not in screen.output
            assert b"\x1b[c" not in screen.output
