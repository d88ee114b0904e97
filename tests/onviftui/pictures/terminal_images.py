"""What a terminal makes of sixels and of kitty's graphics: small decoders of our own, and pictures to draw."""

from __future__ import annotations

import base64
import io
import re

from PIL import Image

from onviftui.pictures.kitty import ACCENTS, PLACEHOLDER

_SIXEL = re.compile(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', re.DOTALL)
_TOKEN = re.compile(r"#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])")
_KITTY = re.compile(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")


def scene(width: int = 320, height: int = 180) -> Image.Image:
    """Smooth colours with an edge, as cameras see them."""
    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    image = Image.merge("RGB", (across, down, Image.new("L", (width, height), 90)))
    image.paste((230, 40, 30), (width // 3, height // 3, width // 2, height // 2))
    return image


def jpeg(image: Image.Image, quality: int = 95) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean over all parts of all pixels, 0 to 255."""
    assert one.size == other.size
    pairs = zip(one.convert("RGB").tobytes(), other.convert("RGB").tobytes(), strict=True)
    return sum(abs(a - b) for a, b in pairs) / (one.width * one.height * 3)


def read_sixels(text: str) -> Image.Image:
    """The picture; what was never drawn is magenta."""
    whole = _SIXEL.fullmatch(text)
    assert whole is not None, text[:80]
    image = Image.new("RGB", (int(whole[1]), int(whole[2])), (255, 0, 255))
    colours: dict[int, tuple[int, int, int]] = {}
    colour, x, top, end = 0, 0, 0, 0
    for token in _TOKEN.finditer(whole[3]):
        assert token.start() == end, "nothing that is no sixel"
        end = token.end()
        number, red, green, blue, times, repeated, single, move = token.groups()
        if number is not None:
            colour = int(number)
            if red is not None:
                colours[colour] = (_share(red), _share(green), _share(blue))
        elif move is not None:
            x, top = 0, top + (6 if move == "-" else 0)
        else:
            bits = ord(repeated or single) - 63
            count = int(times or 1)
            for bit in range(6):
                if bits >> bit & 1:
                    image.paste(colours[colour], (x, top + bit, x + count, top + bit + 1))
            x += count
    assert end == len(whole[3])
    return image


def _share(percent: str) -> int:
    return round(int(percent) * 255 / 100)


def read_kitty(text: str) -> tuple[dict[str, str], Image.Image]:
    """The keys of the first message and the picture."""
    keys: dict[str, str] = {}
    data = ""
    end = 0
    for n, message in enumerate(_KITTY.finditer(text)):
        assert message.start() == end
        end = message.end()
        said = dict(pair.split("=") for pair in message[1].split(","))
        assert len(message[2]) <= 4096
        keys = keys or said
        data += message[2]
        last = said["m"] == "0"
        assert n == 0 or set(said) == {"m"}
    assert end == len(text)
    assert last
    return keys, Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def read_placeholders(rows: list[str]) -> list[list[tuple[int, int]]]:
    """Row and column of the picture that each cell shows."""
    cells = []
    for row in rows:
        assert len(row) % 3 == 0
        triples = [row[start : start + 3] for start in range(0, len(row), 3)]
        assert all(triple[0] == PLACEHOLDER for triple in triples)
        cells.append([(ACCENTS.index(triple[1]), ACCENTS.index(triple[2])) for triple in triples])
    return cells
