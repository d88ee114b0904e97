"""The QR code as it is drawn, read back into its modules."""

from __future__ import annotations

import pytest
import segno

from onviftui.widgets.qr import QUIET, half_blocks, light_modules, runs

URLS = ["http://10.77.0.3/onvif/device_service", "http://127.0.177.101:18080/onvif/device_service"]
_UPPER, _LOWER = "█▀", "█▄"


def read_halves(lines: list[str], rows: int) -> list[list[int]]:
    """1 for a dark module, as segno has it; the last line may be half used."""
    dark = []
    for line in lines:
        dark.append([0 if cell in _UPPER else 1 for cell in line])
        dark.append([0 if cell in _LOWER else 1 for cell in line])
    return dark[:rows]


def read_runs(lines: list[list[tuple[bool, int]]]) -> list[list[int]]:
    cells = [[0 if light else 1 for light, count in line for _ in range(count)] for line in lines]
    assert all(row[::2] == row[1::2] for row in cells)  # whole modules
    return [row[::2] for row in cells]


@pytest.mark.parametrize("url", URLS)
def test_what_is_drawn_is_the_code_of_the_address(url: str) -> None:
    code = segno.make(url, error="l", micro=False)
    expected = [list(row) for row in code.matrix_iter(border=QUIET)]
    assert read_halves(half_blocks(light_modules(url)), len(expected)) == expected
    assert read_runs(runs(light_modules(url))) == expected


def test_the_code_of_an_address_fits_the_smallest_terminal() -> None:
    lines = half_blocks(light_modules(URLS[1]))
    assert len(lines) <= 17 and {len(line) for line in lines} == {33}
