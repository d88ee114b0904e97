"""What views and dialogs may ask of the application: the seam that keeps them from importing app.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from textual.dom import DOMNode
from textual.widget import Widget

from proxyd.api.models import FoundNvr, Nvr
from proxyd.api.undo import Undoable
from proxyd.errors import ProxyError

from .alarms import Alarm
from .preferences import Preferences
from .store import Store
from .terminal import Colours
from .words import Look

if TYPE_CHECKING:
    from .live import Live
    from .pictures.asking import PictureTerminal

Severity = Literal["information", "warning", "error"]


class Asking(Protocol):
    """A call that has no answer yet."""

    def give_up(self) -> str:
        """Do not wait any more: a sentence that says what that means."""
        ...


class Ui(Protocol):
    """The application as its parts see it."""

    store: Store
    look: Look
    host: str  # this machine's name
    left_out: set[int]  # cameras that the guide was told to leave out, while that is not done yet
    preferences: Preferences
    pictures: PictureTerminal
    live: Live  # for several calls at once; else `ask`

    @property
    def colours(self) -> Colours:
        """How many the terminal has."""

    @property
    def local(self) -> bool:
        """This process is the user's own: files that it writes are his. Not so in a session of `onviftui ssh`."""

    def local_now(self) -> datetime:
        """The moment, with the user's time zone."""

    def software(self) -> Mapping[str, str]:
        """Versions by name of what this process is made of."""

    def ask(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        doing: str,
        then: Callable[[Any], None] | None = None,
        failed: Callable[[ProxyError], bool] | None = None,
        deadline_s: float = 30.0,
        owner: DOMNode | None = None,
    ) -> Asking | None:
        """Call the daemon in a named worker. `doing` is shown until the answer; without it the answer is shown
        together with what the daemon tells by itself, at most four times a second. `failed` returns True when
        it has told the user itself, otherwise the error is a toast. The same call is not made twice while it is
        unanswered and shown. With the screen `owner` the waiting ends, and the daemon stops what only looks. None when
        nothing was asked."""

    def may_call(self, method: str) -> bool:
        """As `allowed`, without a word."""
        ...

    def allowed(self, method: str, what: str = "") -> bool:
        """May this user call it? When not, a toast says so: ask before a form or a question opens."""
        ...

    def prefer(self, **changes: Any) -> None:
        """Change preferences of this user by name: acted on at once, and kept for the next time."""

    def toast(self, text: str, severity: Severity = "information") -> None:
        """One sentence that goes away by itself."""

    def copy(self, text: str, what: str) -> None:
        """To the user's clipboard (OSC 52)."""

    def show_view(self, view: str, filter_text: str = "") -> None:
        """Switch to the view of a digit key, back from any screen on top of it."""

    def follow(self, alarm: Alarm) -> None:
        """Enter on an alarm line."""

    def edit_nvr(self, nvr: Nvr | None = None, found: FoundNvr | None = None) -> None:
        """The form: for a new NVR (maybe one that was discovered) or a known one."""

    def add_source(self, main: str = "") -> None:
        """The form for a camera that is known by its RTSP addresses."""

    def open_sources(self) -> None:
        """The cameras that are known by their RTSP addresses alone."""

    def test_nvr(self, nvr: Nvr, *, only_trouble: bool = False) -> None: ...

    def discover(self) -> None: ...

    def open_wizard(self) -> None:
        """Guides from the network to the recorder, from where things stand now."""

    def open_camera(self, camera: int, *, requests: bool = False) -> None: ...

    def open_job(self, job: int) -> None: ...

    def scan(self, nvr: int, *, restore: bool = False) -> None:
        """Start a scan and show its progress. `restore` brings back cameras that the user removed."""

    def toggle_cameras(self, cameras: list[int]) -> None: ...

    def restart_cameras(self, cameras: list[int]) -> None: ...

    def remove_cameras(self, cameras: list[int]) -> None: ...

    def rename_camera(self, camera: int) -> None: ...

    def toggle_discovery(self, camera: int) -> None: ...

    def switch_setting(self, camera: int, field: str) -> None:
        """`field` of the camera ("audio", "h265", "forward", "share", "https") to the other side."""
        ...

    def forget_adoption(self, cameras: Sequence[int]) -> None:
        """Which recorder has them, and what it did; asks first."""

    def change_rights(self, camera: int, right: str) -> None:
        """What recorders may do with it: "clock", "notifies" or "accounts"."""

    def add_interfaces(self) -> None:
        """Asks how many, shows what would be made, makes exactly that."""

    def remove_interface(self, name: str) -> None:
        """Asks first; the daemon refuses while a camera has it."""

    def examine(self) -> None:
        """Interfaces and network; shows what was found."""

    def diagnose(self, camera: int) -> None:
        """Shows why recorders do not adopt it, or that all is well."""

    def snapshot(self, camera: int) -> None:
        """Its picture."""

    def contact_sheet(self, cameras: list[int], title: str) -> None:
        """Small pictures of these cameras."""

    def remove_nvr(self, nvr: int) -> None: ...

    def undo(self, entry: Undoable | None = None) -> None:
        """Ask whether this change, or the last one, is to be taken back."""

    def change_cameras(self, cameras: Sequence[int]) -> None:
        """The form that changes all of these at once."""

    def cancel_job(self, job: int) -> None: ...

    def apply_job(self, job: int) -> None:
        """Keep what a rescan found, exactly as it is shown."""

    def discard_job(self, job: int) -> None:
        """Forget what a rescan found; nothing was changed."""


def ui_of(node: DOMNode) -> Ui:
    return cast(Ui, node.app)


def is_there(widget: Widget) -> bool:
    """Made, and not taken away since: Textual's `is_mounted` stays true then, and answers may come as late."""
    return widget.is_mounted and widget.is_attached
