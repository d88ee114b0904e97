"""Findings for people and for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from .model import Finding, Severity

_ORDER: tuple[Severity, ...] = ("problem", "warning", "note", "ok")
_NAMED = 6  # cameras in one heading; the rest is counted


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    return {"ok": not has_problem(findings), "findings": [asdict(finding) for finding in findings]}


def has_problem(findings: Iterable[Finding]) -> bool:
    return any(finding.severity == "problem" for finding in findings)


def findings_text(findings: Sequence[Finding]) -> str:
    """The worst first; what many cameras share is said once."""
    lines: list[str] = []
    for severity in _ORDER:
        groups: dict[tuple[str, str, str], list[Finding]] = {}
        for finding in findings:
            if finding.severity == severity:
                key = (finding.id, finding.why, finding.todo) if finding.camera else (finding.id, finding.what, "")
                groups.setdefault(key, []).append(finding)
        for group in groups.values():
            lines += _group(group)
    return "\n".join(lines) + "\n" if lines else "Nothing to report.\n"


def _group(group: Sequence[Finding]) -> list[str]:
    first = group[0]
    many = f"  And the same of {_few([x.camera for x in group[1:]])}." if len(group) > 1 else ""
    lines = [f"{first.severity}: {first.what}{many}"]
    lines += [f"    why: {first.why}"] if first.why else []
    lines += [f"    do:  {first.todo}"] if first.todo else []
    return lines


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
