"""Draws the pictures of docs/pictures and writes docs/ui.md: `python -m tests.pictures`.

The same UI over the same house as in the tests of screens, so they change only when the UI does. The SVG names no font
and no address outside of itself.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import sys
import tempfile
from pathlib import Path

from rich.cells import cell_len

from .onviftui.scenes import SCENES
from .onviftui.stage import on_stage
from .tour_page import ui_page

_TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+" clip-path="([^"]+)">([^<]*)</text>'
)
_CELL = 12.2  # units that Rich's drawing gives a cell
FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"


def tidied(svg: str, name: str) -> str:
    """Without fonts from elsewhere, and with names that do not change from one drawing to the next."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace")
    svg = svg.replace("font-family: Fira Code;", "font-family: ui-monospace, DejaVu Sans Mono, Menlo, monospace;")
    svg = re.sub(r"terminal-\d+", f"onviftui-{name}", svg)
    svg = re.sub(r"<!--.*?-->", "", _TEXT.sub(_words, svg), flags=re.DOTALL)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def _words(found: re.Match[str]) -> str:
    """Each word at its cell: not every viewer keeps blanks, or stretches a text to its length."""
    style, left, y, clip, text = found.groups()
    drawn: list[str] = []
    cells = 0
    for piece in re.split("(\N{NO-BREAK SPACE}+)", html.unescape(text)):
        width = cell_len(piece)
        if piece.strip():
            x, length = round(float(left) + cells * _CELL, 1), round(width * _CELL, 1)
            attributes = f'class="{style}" x="{x:g}" y="{y}" textLength="{length:g}" clip-path="{clip}"'
            drawn.append(f"<text {attributes}>{html.escape(piece)}</text>")
        cells += width
    return "".join(drawn)


async def draw(names: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        if names and scene.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with on_stage(scene, scene.at, Path(folder)) as ui:
                svg = tidied(ui.app.export_screenshot(title=f"onviftui: {scene.name}"), scene.name)
        (FOLDER / f"{scene.name}.svg").write_text(svg)
        print(scene.name, len(svg))
    (FOLDER.parent / "ui.md").write_text(ui_page())


if __name__ == "__main__":
    os.environ |= {"COLORTERM": "truecolor", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    os.environ.pop("NO_COLOR", None)
    asyncio.run(draw(sys.argv[1:]))
