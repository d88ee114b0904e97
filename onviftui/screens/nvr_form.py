"""The form for a new NVR or a known one: errors stand beside their field, a test says in words what is wrong."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from proxyd.api.models import FoundNvr, Nvr, NvrTest

from ..address import read_port, split_address
from ..ui import ui_of
from ..widgets.line import line, wrap
from ..words import Tone, count, format_clock_offset
from .dialog import WIDTH
from .field_form import FieldForm

_TRANSPORTS = (("auto", "TCP; UDP where it refuses that"), ("tcp", "within RTSP"), ("udp", "packets of their own"))
_TESTED = {"host", "port", "username", "password"}


class NvrForm(FieldForm[Nvr]):
    """Dismissed with the saved NVR, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r", "by_stream", show=False)]
    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("host", "Address", "192.168.1.20 or nvr.local"),
        ("port", "Port", "80"),
        ("username", "User", "the NVR's ONVIF user"),
        ("password", "Password", ""),
        ("name", "Name", "as you like to call it"),
    )

    def __init__(self, nvr: Nvr | None = None, found: FoundNvr | None = None) -> None:
        self._nvr = nvr
        self._found = found
        self._tried: dict[str, Any] | None = None  # what a test refused; saved when that is asked for once more
        values = {"port": "80"}
        if nvr is not None:
            values = {"host": nvr.host, "port": str(nvr.port), "username": nvr.username, "name": nvr.name}
            values["transport"] = nvr.transport
        elif found is not None:
            values = {"host": found.host, "port": str(found.port), "name": found.name[:64]}
        super().__init__(values, "Save" if nvr else "Add and scan", {"password": "unchanged"} if nvr else None)

    def on_mount(self) -> None:
        title = f"Edit {self._nvr.name}" if self._nvr else "Add an NVR"
        reason = self._nvr.reason.removeprefix(f"{self._nvr.name}: ") if self._nvr else ""
        trouble = wrap(reason, WIDTH, Tone.ERROR, limit=5) if reason else []
        hint = "Enter next field   ^t test   ^s save   Esc back"
        hint += "" if self._nvr else "   ^r RTSP"
        first = "password" if self._nvr and self._nvr.state == "wrong password" else "host"
        if self._nvr is None and self._found is not None:
            first = "username"
        self.say([line((title, Tone.STRONG)), *trouble], hint, first)

    def params(self) -> dict[str, Any] | None:
        values = self.typed()
        wrong: dict[str, str] = {}
        host, pasted_port = split_address(values["host"])
        stream = values["host"].strip().lower().startswith(("rtsp://", "rtsps://"))
        if pasted_port is not None and not stream:  # ^r takes along what was typed
            self.query_one("#host", Input).value = host
            self.query_one("#port", Input).value = str(pasted_port)
        port = pasted_port if pasted_port is not None else read_port(values["port"] or "80")
        if not host:
            wrong["host"] = "which address does the NVR have?"
        if port is None or not 1 <= port <= 65535:
            wrong["port"] = "a number from 1 to 65535; most NVRs use 80, Reolink 8000"
        if stream:
            wrong["host"] = "that is one stream: press ^r to add a camera by it"
        without_account = self._nvr is not None and self._nvr.kind == "rtsp" and not self._nvr.username
        if not values["username"] and not without_account:
            wrong["username"] = "which user may sign in on the NVR?"
        self.show_wrong(wrong)
        if wrong:
            return None
        params: dict[str, Any] = {"host": host, "port": port}
        if values["username"]:
            params["username"] = values["username"]
        if values["password"] or self._nvr is None:
            params["password"] = values["password"]
        if values["name"].strip():
            params["name"] = values["name"].strip()
        if self._nvr is not None:
            params["transport"] = values["transport"]
        return params

    def test(self, params: dict[str, Any]) -> None:
        params.pop("transport", None)
        if self._nvr is not None:
            params["id"] = self._nvr.id
        self.start("nvr.test", params, "Asking the NVR…", self._tested)

    def _tested(self, result: NvrTest) -> None:
        words = " ".join(filter(None, (result.message, result.hint)))
        if result.ok and result.channels is not None and "channel" not in words:
            words += f" {count(result.channels, 'channel')}."
        clock = format_clock_offset(result.clock_offset_s, ui_of(self).local_now())
        if result.ok and clock not in ("", "right"):
            words += f" Its clock is {clock}; that does no harm."
        self.answer(words, Tone.SUCCESS if result.ok else Tone.ERROR)

    def save(self, params: dict[str, Any]) -> None:
        """Address and account are tested first; what does not work is kept only by somebody who insists."""
        known = self._nvr.model_dump() if self._nvr else {}
        changed = {name: value for name, value in params.items() if known.get(name) != value}
        if not changed:
            self.dismiss(None)
        elif self._tried == changed or not changed.keys() & _TESTED:
            self._keep(changed)
        else:
            self._tried = changed
            asked = {name: value for name, value in params.items() if name in _TESTED}
            asked |= {"id": self._nvr.id} if self._nvr else {}
            self.start("nvr.test", asked, "Asking the NVR before it is saved…", self._judged)

    def _judged(self, result: NvrTest) -> None:
        if result.ok and self._tried is not None:
            self._keep(self._tried)
            return
        words = f"{result.message} {result.hint}".strip()
        self.answer(f"{words} Nothing was saved. ^s again saves it all the same.", Tone.ERROR)

    def _keep(self, changed: dict[str, Any]) -> None:
        if self._nvr is None:
            self.start("nvr.add", changed, "Adding…", self.dismiss)
        else:
            self.start("nvr.update", {"id": self._nvr.id, **changed}, "Saving…", self.dismiss)

    def action_by_stream(self) -> None:
        """For a camera that is no NVR. What was typed as its address goes along."""
        if self._nvr is None and not self._busy:
            typed = self.typed()["host"].strip()
            self.dismiss(None)
            ui_of(self).add_source(typed if "://" in typed else "")


class KnownNvrForm(NvrForm):
    """For one that is there already: how its streams come may be chosen, too."""

    FIELDS = (*NvrForm.FIELDS, ("transport", "Streams by", ""))
    CHOICES = {"transport": _TRANSPORTS}  # noqa: RUF012 - of the class, as it is declared
