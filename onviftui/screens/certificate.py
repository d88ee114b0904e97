"""The certificate of a camera's HTTPS in full, and why recorders may refuse it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from proxyd.api.models import Certificate

from ..key_order import give_focus
from ..layers import Modal
from ..widgets.line import Line, line, plain, table, wrap
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone
from .dialog import CLOSE, WIDTH


class CertificateText(Modal[None]):
    """Scrolls; closes like the help."""

    BINDINGS: ClassVar[list[BindingType]] = CLOSE

    def __init__(self, certificate: Certificate, name: str) -> None:
        super().__init__()
        self._certificate = certificate
        self._camera_name = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"), ScrollPane():
            yield Lines()

    def on_mount(self) -> None:
        self.query_one(Lines).show(certificate_lines(self._certificate, self._camera_name))
        give_focus(self.query_one(ScrollPane))

    def action_close(self) -> None:
        self.dismiss(None)


def certificate_lines(certificate: Certificate, name: str) -> list[Line]:
    """Everything but its key."""
    rows: list[tuple[str, str]] = [
        ("Origin", certificate.origin),
        ("Subject", certificate.subject),
        ("Issuer", certificate.issuer),
        ("From", certificate.not_before or ""),
        ("Until", certificate.not_after or ""),
        ("For", ", ".join(certificate.names)),
        ("Key", certificate.key),
        ("Sent", f"with {certificate.chain - 1} of those that issued it" if certificate.chain > 1 else ""),
    ]
    lines = [line((f"HTTPS certificate of {plain(name)}", Tone.STRONG)), line(""), *table(rows, WIDTH)]
    if certificate.fingerprint:
        lines += [line(("SHA-256", Tone.MUTED)), *wrap(certificate.fingerprint.replace(":", " "), WIDTH)]
    for warning in certificate.warnings:
        lines += [line(""), *wrap(warning, WIDTH, Tone.WARNING)]
    hint = f"onviftui camera certificate {certificate.camera} --new has another one made, --cert FILE brings one."
    return [*lines, line(""), *wrap(hint, WIDTH, Tone.MUTED), line(("Esc closes this", Tone.MUTED))]
