"""The certificate of a camera's HTTPS: whose it is, until when, why recorders may refuse it; another one for it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual.app import ComposeResult

from proxyd.api.models import Certificate
from proxyd.errors import InvalidInput

from ..key_order import give_focus
from ..keys import view_bindings
from ..picture_words import ssh_command
from ..store import Changes
from ..text_file import read_pem, typed_path
from ..ui import is_there, ui_of
from ..widgets.frame import KeyFooter
from ..widgets.line import Line, line, plain, table, wrap
from ..widgets.paint import Lines
from ..widgets.pane import ScrollPane
from ..words import Tone
from .by_ssh import BySsh
from .dialog import Confirm
from .field_form import FieldForm
from .one_camera import OneCamera

_ORIGINS = {"self-made": "made by the camera itself", "brought": "brought", "none": "none yet"}
_LEAST_WIDTH = 62


class CertificateScreen(OneCamera):
    """Asked for when it opens, and when the log has news: somebody may have changed it."""

    view_id = "certificate"
    BINDINGS = view_bindings("certificate")

    def __init__(self, camera: int) -> None:
        super().__init__(camera)
        self._known: Certificate | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Lines(id="camera-title")
        with ScrollPane(id="job-lines"):
            yield Lines(id="story")
        yield KeyFooter(self.view_id)

    def on_mount(self) -> None:
        super().on_mount()
        give_focus(self.query_one(ScrollPane))
        self._show()
        self.action_refresh()

    def apply(self, changes: Changes) -> None:
        super().apply(changes)
        if self.closes():
            return
        if changes.link or self._camera in changes.of("camera"):
            self._show()
        if (changes.everything or changes.log) and not self.stale:
            self._ask("")

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._show)

    @property
    def _called(self) -> str:
        return self.camera.name if self.camera is not None else f"camera {self._camera}"

    def action_refresh(self) -> None:
        self._ask("Reading…")

    def _ask(self, doing: str) -> None:
        ui_of(self).ask("camera.certificate", {"id": self._camera}, doing=doing, then=self._arrived)

    def _arrived(self, certificate: Certificate) -> None:
        self._known = certificate
        self._show()

    def _show(self) -> None:
        if not is_there(self):
            return
        title = line((f" {plain(self._called)}", Tone.STRONG), ("   the certificate of its HTTPS", Tone.MUTED))
        self.query_one("#camera-title", Lines).show([title], stale=self.stale)
        known = self._known
        width = max(_LEAST_WIDTH, self.app.size.width - 4)
        lines = certificate_lines(known, width) if known is not None else [line("")]
        self.query_one("#story", Lines).show(lines, stale=self.stale)
        self.query_one(KeyFooter).show_idle(frozenset() if known and known.fingerprint else frozenset({"copy"}))

    # what the keys do

    def action_copy(self) -> None:
        if self._known is not None and self._known.fingerprint:
            ui_of(self).copy(self._known.fingerprint, "SHA-256 fingerprint")

    def action_make(self) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                params = {"id": self._camera, "new": True}
                ui_of(self).ask("camera.certify", params, doing="Making a certificate…", then=made)

        def made(certificate: Certificate) -> None:
            self._arrived(certificate)
            ui_of(self).toast(f"{self._called} has a new certificate. u takes it back.")

        body = "The camera makes one itself, for the address that it has now."
        if self._known is not None and self._known.fingerprint:
            body += " Recorders that were told to trust the one before must be told again; what plays goes on."
        question = Confirm(f"A new certificate for {plain(self._called)}?", body, "Make it")
        self.app.push_screen(question, answered)

    def action_bring(self) -> None:
        if not ui_of(self).local:
            why = "They lie on your own machine. There, this line brings both, certificate and key in one file:"
            command = ssh_command(f"camera certificate {self._camera} --cert -", "FILE", bring=True)
            self.app.push_screen(BySsh("Bring a certificate", why, command))
            return

        def brought(certificate: Certificate | None) -> None:
            if certificate is not None:
                self._arrived(certificate)
                ui_of(self).toast(f"{self._called} has the certificate that was brought. u takes it back.")

        self.app.push_screen(CertificateForm(self._camera, self._called), brought)


class CertificateForm(FieldForm[Certificate]):
    """Brings one from files here. Dismissed with it, or None."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("cert", "Certificate", "a PEM file: the camera's first, then those that issued it"),
        ("key", "Key", "its PEM file; empty when it stands in the same file"),
    )
    MOST_CHARS: ClassVar[int] = 1024
    TEST = ""  # proxyd looks at it before it takes it

    def __init__(self, camera: int, name: str) -> None:
        super().__init__({}, "Bring")
        self._camera = camera
        self._camera_name = name

    def on_mount(self) -> None:
        title = line((f"Bring a certificate for {plain(self._camera_name)}", Tone.STRONG))
        self.say([title], "Enter next field   ^s bring   Esc back", "cert")

    def params(self) -> dict[str, Any] | None:
        files = {name: text.strip() for name, text in self.typed().items()}
        self.show_wrong({} if files["cert"] else {"cert": "in which file is it?"})
        return {name: file for name, file in files.items() if file} if files["cert"] else None

    def test(self, params: dict[str, Any]) -> None:
        """There is nothing to test."""

    def action_test(self) -> None:
        """Likewise."""

    def save(self, params: dict[str, Any]) -> None:
        self._busy = True
        self.answer("Reading…", Tone.ACCENT)
        self.run_worker(self._read(params), name="read a certificate", exit_on_error=False, exclusive=True)

    async def _read(self, files: dict[str, Any]) -> None:
        """In a thread: a file may lie on a disk that is far away."""
        texts: dict[str, Any] = {"id": self._camera}
        for name, typed in files.items():
            file = typed_path(typed)
            try:
                if file.exists() and not file.is_file():
                    raise InvalidInput(f"{file} is no file.", "Name the PEM file itself.")
                texts[name] = await asyncio.to_thread(read_pem, file)
            except InvalidInput as error:
                self._busy = False
                self.show_wrong({name: str(error)})
                self.answer("", Tone.TEXT)
                return
        self.start("camera.certify", texts, "Bringing it…", self.dismiss)


def certificate_lines(certificate: Certificate, width: int) -> list[Line]:
    """Everything but its key."""
    if certificate.origin == "none":
        words = "It has none yet: one is made when HTTPS is switched on, or now with n."
        return wrap(words if not certificate.https else "It is being made: r reads it again.", width)
    rows: list[tuple[str, str]] = [
        ("HTTPS", "on" if certificate.https else "off"),
        ("Origin", _ORIGINS[certificate.origin]),
        ("From", (certificate.not_before or "")[:10]),
        ("Until", (certificate.not_after or "")[:10]),
        ("For", ", ".join(certificate.names)),
        ("Subject", certificate.subject),
        ("Issuer", certificate.issuer),
        ("Key", certificate.key),
        ("Sent", f"with {certificate.chain - 1} of those that issued it" if certificate.chain > 1 else ""),
    ]
    lines = table(rows, width, whole=True)
    if certificate.fingerprint:
        lines += [line(""), line(("SHA-256", Tone.MUTED)), *wrap(certificate.fingerprint.replace(":", " "), width)]
    for warning in certificate.warnings:
        lines += [line(""), *wrap(warning, width, Tone.WARNING)]
    return lines
