"""Addresses as links of the terminal (OSC 8): a click opens them where the user sits, also over SSH."""

from __future__ import annotations

import os
from functools import lru_cache

from rich.style import Style

from .terminal import knows_links
from .ui import Ui


def linked(style: Style, url: str, ui: Ui) -> Style:
    """`style` with a link to `url`; as it is where there is none, or neither terminal nor user wants links."""
    return _with_link(style, url) if url and ui.preferences.links and knows_links(os.environ) else style


@lru_cache(maxsize=512)
def _with_link(style: Style, url: str) -> Style:
    """One object for the same link: each new one has a number of its own, which would be sent again."""
    return style + Style(link=url)
