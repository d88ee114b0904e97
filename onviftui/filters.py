"""The `/` filter: words, `field:value`, quotes, and `-` for "not". Pure.

All terms must hold. `front state:wait -nvr:garage` finds rows with "front" whose state contains
"wait" and whose NVR does not contain "garage".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_TERM = re.compile(r'(?P<not>[-!])?(?:(?P<field>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<word>\S+))?', re.I)
MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Term:
    text: str
    field: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """An empty filter matches everything."""

    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, text: str, fields: Mapping[str, str]) -> bool:
        """`text` is what the row shows, `fields` what can be asked by name; a name nobody has never matches."""
        folded = text.casefold()
        for term in self.terms:
            where = fields.get(term.field, "").casefold() if term.field else folded
            known = not term.field or term.field in fields
            if (known and term.text in where) is term.negated:
                return False
        return True


def parse_filter(raw: str, names: Collection[str]) -> Filter:
    """Never fails: what is not `name:value` with a known name is looked for as text."""
    terms: list[Term] = []
    for match in _TERM.finditer(raw[:MAX_LENGTH].strip()):
        field = (match["field"] or "").lower()
        text = match["quoted"] if match["quoted"] is not None else (match["word"] or "")
        if field and field not in names:
            text, field = f"{match['field']}:{text}", ""
        if text:
            terms.append(Term(text.casefold(), field, bool(match["not"])))
    return Filter(tuple(terms))
