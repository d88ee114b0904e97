"""The rows of the guide's two tables: NVRs to choose from, cameras to name. Pure."""

from __future__ import annotations

from proxyd.api.models import Camera, FoundNvr, Nvr

from ..widgets.columns import Cell, Column
from ..widgets.rows import Row
from ..words import HUMAN_GLYPH, OFF_GLYPH, ON_GLYPH, Look, Sign, Tone, codec_name, count, nvr_sign

FOUND: tuple[Column, ...] = (
    Column("name", "NVR", 18, flex=2, longest=40),
    Column("address", "ADDRESS", 21, flex=1, longest=30),
    Column("note", "", 20, flex=2),
)
NAMES: tuple[Column, ...] = (
    Column("channel", "CH", 3, right=True),
    Column("name", "NAME", 28, flex=2, longest=64),
    Column("picture", "PICTURE", 22, 1),
    Column("state", "", 14),
)


def known_row(nvr: Nvr, look: Look) -> Row:
    sign = nvr_sign(nvr.state)
    note = f"added, {count(nvr.channels, 'channel')}" if nvr.last_scan else "added, not read yet"
    cells = (Cell(nvr.name), Cell(f"{nvr.host}:{nvr.port}"), Cell(note, Tone.MUTED))
    return Row(nvr.id, look.glyph(sign), sign.tone, cells)


def found_row(key: int, found: FoundNvr, look: Look) -> Row:
    glyph = OFF_GLYPH if found.answers else HUMAN_GLYPH
    words = "does not answer" if not found.answers else "wants a password" if found.needs_password else "answers"
    if found.channels:
        words = f"{words}, {count(found.channels, 'channel')}"
    sign = Sign(*glyph, words)
    name = found.name or found.hardware or "ONVIF device"
    return Row(
        key, look.glyph(sign), sign.tone, (Cell(name), Cell(f"{found.host}:{found.port}"), Cell(words, Tone.MUTED))
    )


def camera_row(camera: Camera, look: Look, *, left_out: bool) -> Row:
    sign = Sign(*(OFF_GLYPH if left_out else ON_GLYPH), "left out" if left_out else "")
    tone = Tone.MUTED if left_out else Tone.TEXT
    main = next(iter(camera.streams), None)
    times = "x" if look.ascii else "×"
    picture = f"{codec_name(main.codec)} {main.width}{times}{main.height} {main.fps} fps" if main else "no picture"
    cells = (
        Cell(str(camera.channel), Tone.MUTED),
        Cell(camera.name, tone),
        Cell(picture, Tone.MUTED),
        Cell(sign.word, Tone.WARNING),
    )
    return Row(camera.id, look.glyph(sign), sign.tone, cells)
