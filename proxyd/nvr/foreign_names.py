"""How many different XML names an NVR has used since the daemon started: there is an end to them.

libxml2 keeps every name of an element, attribute or namespace that it ever met for as long as the process lives (tens
of megabytes per answer, measured), so an NVR that invents names, broken or malicious, would fill the memory in minutes.
Real ones use some hundreds. What is counted here is at least what libxml2 would keep, also in XML that is not
well-formed.
"""

from __future__ import annotations

import re
from collections import OrderedDict

MAX_NAMES = 20_000
MAX_BYTES = 1024 * 1024  # of all names together
MAX_HOSTS = 256
# Each begins where the character before cannot belong to it, so that the time is in proportion to the text.
_ELEMENTS = re.compile(rb"</?([^\s<>/=!]+)")
_ATTRIBUTES = re.compile(rb"""(?<![^\s<>/="'])([^\s<>/="']+)\s*=\s*["']""")
_NAMESPACES = re.compile(rb"""(?<![^\s<])xmlns[^\s<>=]{0,128}\s*=\s*("[^"]*"|'[^']*')""")


class ForeignNames:
    """By host, those that were heard least recently are forgotten."""

    def __init__(self, max_names: int = MAX_NAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_names = max_names
        self._max_bytes = max_bytes
        self._known: OrderedDict[str, tuple[set[bytes], int]] = OrderedDict()

    def admit(self, host: str, body: bytes) -> bool:
        """Whether an answer of `host` brings no more new names than it may; then they count as known."""
        known, size = self._known.pop(host, (set(), 0))
        new = set[bytes]().union(*(pattern.findall(body) for pattern in (_ELEMENTS, _ATTRIBUTES, _NAMESPACES))) - known
        grown = size + sum(map(len, new))
        fits = len(known) + len(new) <= self._max_names and grown <= self._max_bytes
        if fits:
            known |= new
            size = grown
        self._known[host] = known, size
        if len(self._known) > MAX_HOSTS:
            self._known.popitem(last=False)
        return fits


names_of_nvrs = ForeignNames()  # one, as there is one table of libxml2
