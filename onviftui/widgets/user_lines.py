"""People who log in by SSH, in rows and lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from proxyd.api.states import Role
from proxyd.api.users import User, UserKey

from ..words import OFF_GLYPH, ON_GLYPH, Look, Sign, Tone, count
from .columns import Cell, Column
from .line import Line, fit_middle, line, plain, wrap
from .rows import Row

COLUMNS = (
    Column("name", "USER", 14, flex=1, longest=32),
    Column("role", "ROLE", 8),
    Column("ways", "LOGS IN WITH", 22),
    Column("key", "FIRST KEY", 20, 1, flex=2, longest=52),
)
ROLE_WORDS = {
    Role.VIEWER: "sees everything, changes nothing",
    Role.OPERATOR: "runs the cameras: scan, start, rename, adopt",
    Role.ADMIN: "everything, also NVRs, users and removing",
}
NOBODY = [
    line(""),
    line(("    Nobody may log in by SSH yet.", Tone.STRONG)),
    line(""),
    line("    Press ", ("a", Tone.ACCENT), " and paste a public key: the one line of a file that ends in .pub."),
    line("    Who has none makes one with  ", ("ssh-keygen -t ed25519", Tone.ACCENT)),
]


def ways(user: User) -> str:
    return " or ".join([count(len(user.keys), "key")] * bool(user.keys) + ["a password"] * user.password)


def short_kind(kind: str) -> str:
    return kind.removesuffix("@openssh.com").removeprefix("ssh-")


def described(key: UserKey) -> str:
    """As a name for people: the comment, else its kind."""
    return plain(key.comment) or short_kind(key.kind)


def user_row(number: int, user: User, look: Look) -> Row:
    admin = user.role is Role.ADMIN
    sign = Sign(*(ON_GLYPH if user.role is not Role.VIEWER else OFF_GLYPH), "")
    key = described(user.keys[0]) if user.keys else look.dash
    cells = (
        Cell(user.name, Tone.STRONG if admin else Tone.TEXT),
        Cell(user.role.value, Tone.ACCENT if admin else Tone.TEXT),
        Cell(ways(user)),
        Cell(key, Tone.MUTED),
    )
    return Row(number, look.glyph(sign), sign.tone, cells)


def user_detail(user: User, width: int) -> list[Line]:
    """What he may do, and every key with the fingerprint that `ssh-keygen -l` shows."""
    lines: list[Line] = [
        line((f" {user.name}", Tone.STRONG), (f"  {user.role.value}: ", Tone.TEXT), (ROLE_WORDS[user.role], Tone.MUTED))
    ]
    for key in user.keys:
        about = f"  {short_kind(key.kind)}  {plain(key.comment)}".rstrip()
        lines.append(line((f" {key.fingerprint}", Tone.TEXT), (fit_middle(about, max(8, width - 52)), Tone.MUTED)))
    if user.password:
        lines.append(line((" and a password, where the SSH server takes passwords", Tone.MUTED)))
    return lines


def problem_lines(problems: Sequence[str], width: int, most: int = 3) -> list[Line]:
    lines: list[Line] = []
    for problem in problems[:most]:
        lines += [((" ", Tone.WARNING), *words) for words in wrap(problem, width - 1, Tone.WARNING, limit=2)]
    if len(problems) > most:
        lines.append(line((f" and {len(problems) - most} more: onviftui user list", Tone.WARNING)))
    return lines
