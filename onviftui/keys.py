"""The one key table: it feeds the bindings, the footer, the help and the palette.

`where` names the views in which a key works ("" = everywhere). `footer` is the order in the footer,
0 keeps it out; what does not fit is dropped from the end, STAY always stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType

from proxyd.api.models import Role

from .roles import may

# view id, key, title
VIEWS: tuple[tuple[str, str, str], ...] = (
    ("overview", "1", "Overview"),
    ("cameras", "2", "Cameras"),
    ("nvrs", "3", "NVRs"),
    ("interfaces", "4", "Interfaces"),
    ("adopt", "5", "Adopt"),
    ("jobs", "6", "Jobs"),
    ("logs", "7", "Logs"),
    ("system", "8", "System"),
)


@dataclass(frozen=True, slots=True)
class Key:
    keys: str  # as Textual spells them, comma separated
    action: str
    label: str  # for the footer: one or two words
    help: str  # a full line
    where: str = ""  # space separated view ids
    footer: int = 0
    show: str = ""  # how people read the key
    role: Role = Role.VIEWER  # the least that may use it; others are not offered it

    @property
    def shown(self) -> str:
        return self.show or _SHOWN.get(self.keys.split(",")[0], self.keys.split(",")[0])

    def works_in(self, view: str) -> bool:
        views = self.where.split()
        return not views or view in views or _INSIDE.get(view) in views


_INSIDE = {"pad": "camera"}  # a part of a screen with keys of its own, before those of the screen
STAY = frozenset({"question_mark", "escape"})
_SHOWN = {"enter": "Enter", "escape": "Esc", "slash": "/", "question_mark": "?", "colon": ":", "tab": "Tab"}
_VIEWS = "overview cameras nvrs interfaces adopt jobs logs system"
_TABLES = "cameras nvrs interfaces jobs logs system"

_OPERATOR, _ADMIN = Role.OPERATOR, Role.ADMIN

KEYS: tuple[Key, ...] = (
    # what the cursor stands on
    Key("enter", "open", "open", "Open it, or fix what the line complains about", _VIEWS, 1),
    Key("a", "add_nvr", "add NVR", "Add an NVR by its address", "overview nvrs", 2, role=_ADMIN),
    Key("f", "discover", "find", "Search the network for NVRs", "overview nvrs", 3, role=_OPERATOR),
    Key(
        "w",
        "wizard",
        "guide me",
        "Be guided from the network to the recorder, step by step",
        "overview",
        4,
        role=_ADMIN,
    ),
    Key("a", "add_nvr", "add NVR", "Add an NVR by its address", "cameras", 2, role=_ADMIN),
    Key("f", "discover", "find", "Search the network for NVRs", "cameras", 3, role=_OPERATOR),
    Key(
        "s",
        "start_stop",
        "start/stop",
        "Start or stop the marked cameras, or this one",
        "cameras camera",
        2,
        role=_OPERATOR,
    ),
    Key("R", "restart", "restart", "Restart the marked cameras, or this one", "cameras camera", 9, role=_OPERATOR),
    Key("e", "edit", "edit", "Change address, account or name of this NVR", "nvrs", 5, role=_ADMIN),
    Key("e", "edit", "rename", "Rename this camera", "cameras camera", 8, role=_OPERATOR),
    Key("d,delete", "remove", "remove", "Remove it (asks first)", "nvrs cameras camera", 10, "d", role=_ADMIN),
    Key("r", "scan", "scan", "Scan this NVR: adds, updates, marks missing", "nvrs jobs", 4, role=_OPERATOR),
    Key(
        "r",
        "scan",
        "scan",
        "Scan the NVR of this camera: adds, updates, marks missing",
        "cameras camera",
        role=_OPERATOR,
    ),
    Key("U", "restore", "", "Scan this NVR and bring back the cameras that you removed", "nvrs", role=_OPERATOR),
    Key("t", "test", "test", "Check address and account of this NVR", "nvrs", 6, role=_OPERATOR),
    Key(
        "enter",
        "done",
        "go on",
        "At its end: keep what a rescan found, show the cameras, or correct the NVR",
        "job",
        1,
    ),
    Key("c", "cancel_job", "cancel", "Cancel this job; what it found is kept", "jobs job", 2, role=_OPERATOR),
    Key("o", "snapshot", "picture", "Its picture, now", "cameras camera", 6),
    Key("O", "contact_sheet", "contact sheet", "Pictures of the marked cameras, or of all that are shown", "cameras"),
    Key("o,O", "contact_sheet", "pictures", "Pictures of all cameras of this NVR", "nvrs", 7, "o"),
    Key("enter", "draw", "draw it", "Draw it, when it was asked whether it is worth its bytes", "snapshot"),
    Key("r", "again", "again", "Fetch the picture again", "snapshot", 2),
    Key("b", "coarse", "coarse/fine", "Coarse for few bytes, or as fine as this terminal can", "snapshot", 3),
    Key("s", "save", "save", "Save it to a file; by SSH: say the command that does", "snapshot", 4),
    Key("enter", "open", "open", "This camera's picture, large; or fetch, when it was asked", "sheet", 1),
    Key("r", "again", "again", "Fetch the pictures of this page again", "sheet", 2),
    Key("n,pagedown", "next_page", "next page", "Next page", "sheet", 3, "n"),
    Key("p,pageup", "previous_page", "page before", "The page before", "sheet", 4, "p"),
    Key("h,l,left,right", "", "", "Left, right (also the arrows)", "sheet", 0, "h l"),
    Key("escape", "stop", "stop, back", "Stop fetching; then back", "sheet", 98),
    Key(
        "c", "change_all", "change", "Change the marked cameras: names, account, switches", "cameras", 9, role=_OPERATOR
    ),
    Key("t", "trace", "requests", "What recorders asked last", "cameras", 7),
    Key("S", "sources", "sources", "Cameras that are known by their RTSP addresses alone", "nvrs", 8),
    Key("enter", "open", "open", "This camera: what to type into the recorder, and how it stands", "sources", 1),
    Key("a", "add_source", "add", "Add a camera by its RTSP addresses", "sources", 2, role=_ADMIN),
    Key("i", "import_list", "add a list", "Add the cameras of a list, which is shown first", "sources", 3, role=_ADMIN),
    Key("e", "edit", "edit", "Change addresses, account or name; it stays the same camera", "sources", 4, role=_ADMIN),
    Key("r", "scan", "read", "Read again what its streams are, with all of its account", "sources", 5, role=_OPERATOR),
    Key("d,delete", "remove", "remove", "Remove it (asks first)", "sources", 6, "d", _ADMIN),
    Key("y", "copy", "copy", "Copy the address of its main stream", "sources", 7),
    Key(
        "n", "make", "new one", "Have the camera make a new certificate (asks first)", "certificate", 1, role=_OPERATOR
    ),
    Key("b", "bring", "bring", "Bring one, with its key; by SSH: say the command", "certificate", 2, role=_OPERATOR),
    Key("y", "copy", "copy", "Copy its fingerprint (SHA-256)", "certificate", 3),
    Key("enter", "open", "take back", "Take this change back (asks first)", "undo", 1, role=_OPERATOR),
    Key("c", "create", "create", "Make a backup, encrypted with a passphrase", "backups", 1, role=_ADMIN),
    Key("enter", "open", "look", "What is in it, and whether it can be restored", "backups", 2, role=_ADMIN),
    Key("R", "restore", "restore", "Become what it holds (asks first; proxyd starts anew)", "backups", 3, role=_ADMIN),
    Key("s", "save", "save", "Write it to a file; by SSH: say the command that does", "backups", 4, role=_ADMIN),
    Key(
        "b",
        "bring",
        "bring",
        "Bring a backup's file here, to restore it; by SSH: say the command",
        "backups",
        5,
        role=_ADMIN,
    ),
    Key("d,delete", "remove", "remove", "Remove this backup (asks first)", "backups", 6, "d", _ADMIN),
    Key("enter,space", "open", "change", "Change this setting", "settings", 1, "Enter"),
    Key("y", "copy", "copy", "Copy this value", "settings", 2),
    Key("r", "refresh", "refresh", "Read it again", "undo backups settings certificate", 7),
    Key("escape", "", "back", "Back to System", "undo backups settings", 98),
    Key("h,left", "move_camera('left')", "left", "Turn the camera to the left", "pad", role=_OPERATOR),
    Key("j,down", "move_camera('down')", "down", "Turn the camera down", "pad", role=_OPERATOR),
    Key("k,up", "move_camera('up')", "up", "Turn the camera up", "pad", role=_OPERATOR),
    Key("l,right", "move_camera('right')", "right", "Turn the camera to the right", "pad", role=_OPERATOR),
    Key("plus,equals_sign", "move_camera('in')", "zoom in", "Zoom in", "pad", -9, "+", _OPERATOR),
    Key("minus", "move_camera('out')", "zoom out", "Zoom out", "pad", -8, "-", _OPERATOR),
    Key("space", "move_camera('stop')", "stop", "Stop the camera now", "pad", -7, "Space", _OPERATOR),
    Key("H,home", "move_camera('home')", "home", "To its home position", "pad", -6, "H", _OPERATOR),
    Key("less_than_sign", "speed(-1)", "slower", "Move it more slowly", "pad", -5, "<", _OPERATOR),
    Key("greater_than_sign", "speed(1)", "faster", "Move it faster", "pad", -4, ">", _OPERATOR),
    Key("b", "pane('streams')", "streams", "What passes: bit rates, losses, who plays", "camera", 11),
    Key("t", "requests", "requests", "The recorders' last requests, read again", "camera", 12),
    Key("v", "pane('events')", "events", "What happened before this camera", "camera", 13),
    Key("m", "pane('ptz')", "move", "Move the camera, where it has a motor", "camera", role=_OPERATOR),
    Key("l", "pane('logs')", "log", "What was done with this camera", "camera"),
    Key("p", "reveal", "password", "Show or hide this camera's password", "camera", 2, role=_OPERATOR),
    Key("a", "account", "account", "Change user and password of this camera", "camera", role=_OPERATOR),
    Key(
        "F", "forget", "forget", "Forget which recorder has it, for another one (asks first)", "camera", role=_OPERATOR
    ),
    Key("Q", "qr", "QR code", "Its ONVIF address as a QR code", "camera"),
    Key("C", "certificate", "certificate", "The certificate of its HTTPS, and another one for it", "camera"),
    Key("enter", "switch", "switch", "Switch or copy this field; on a request: all that was said", "camera", 0),
    Key(
        "i",
        "discovery",
        "discovery",
        "Let recorders find this camera by searching, or hide it",
        "camera",
        0,
        role=_OPERATOR,
    ),
    Key(
        "y",
        "copy",
        "copy",
        "Copy address or URL (over SSH if the terminal allows it)",
        "cameras camera interfaces nvrs",
        5,
    ),
    Key(
        "a",
        "add_interfaces",
        "add",
        "Add interfaces, each with a MAC of its own (asks first)",
        "interfaces",
        3,
        role=_ADMIN,
    ),
    Key("d,delete", "remove", "remove", "Remove this interface (asks first)", "interfaces", 10, "d", role=_ADMIN),
    Key("x", "examine", "examine", "Examine interfaces and network: what is wrong, what to do", "interfaces", 2),
    Key(
        "a", "begin", "begin", "Let recorders find the cameras that nobody has, one by one", "adopt", 2, role=_OPERATOR
    ),
    Key("n", "skip", "skip", "Leave this camera out; the next one has its turn", "adopt", 3, role=_OPERATOR),
    Key("p", "pause", "pause", "Pause, or go on", "adopt", 4, role=_OPERATOR),
    Key(
        "r",
        "reveal",
        "password",
        "Show or hide the password of the camera whose turn it is",
        "adopt",
        5,
        role=_OPERATOR,
    ),
    Key("y", "copy", "copy", "Copy the address of the camera whose turn it is", "adopt", 6),
    Key(
        "c",
        "cancel_adoption",
        "cancel",
        "End the guided adoption; all cameras can be found again",
        "adopt",
        7,
        role=_OPERATOR,
    ),
    Key("x", "diagnose", "why?", "Why recorders do not adopt this camera, or that all is well", "cameras camera", 9),
    Key("a", "add_user", "add", "Let somebody log in by SSH: paste a public key", "users", 2, role=_ADMIN),
    Key("enter,n", "add_key", "new key", "Give this user another key", "users", 3, "n", role=_ADMIN),
    Key("e", "role", "role", "Change what this user may do", "users", 4, role=_ADMIN),
    Key("p", "password", "password", "Set a password for this user, or take it away", "users", 5, role=_ADMIN),
    Key("x", "remove_key", "remove key", "Remove one key of this user", "users", 6, role=_ADMIN),
    Key("d,delete", "remove", "remove", "Remove this user (asks first)", "users", 7, "d", role=_ADMIN),
    Key("r", "refresh", "again", "Read again who may log in", "users", 8, role=_ADMIN),
    Key("tab", "other_log", "events/daemon", "What was done, or the daemon's own lines", "logs", 2, role=_OPERATOR),
    Key("p", "pause", "pause", "Let the list stand still, or go on with the newest", "logs", 3),
    Key("w", "level", "level", "Everything, warnings and errors, or errors alone", "logs", 5),
    Key("c", "only", "only this", "Only what is about this camera or NVR; again: all", "logs", 6),
    Key("f", "find", "find", "Go to the next older entry with some words; nothing is hidden", "logs", 7),
    Key("n", "find_older", "", "The next older entry with these words", "logs"),
    Key("N", "find_newer", "", "The next newer entry with these words", "logs"),
    Key("v", "whole", "whole", "The whole entry, with the traceback of a bug", "logs", 8),
    Key("x", "export", "to file", "Write the entries that are shown, older ones too, to a file", "logs", 9),
    Key("enter", "go", "go on", "Do what the step is for, and go on", "wizard", 1),
    Key("n", "next_step", "next", "The next step; nothing of this one is done", "wizard", 2),
    Key("b", "back_step", "back", "The step before", "wizard", 3),
    Key("e", "edit", "edit", "Type a name or a number", "wizard", 4),
    Key("space", "leave_out", "leave out", "This channel shall not become a camera, or shall", "wizard", 5, "Space"),
    Key("a", "by_hand", "by hand", "Type the NVR's address", "wizard", 6),
    Key("r", "again", "again", "Examine, search or scan again", "wizard", 7),
    Key("plus", "more", "", "One more interface", "wizard", 0, "+"),
    Key("minus", "fewer", "", "One interface less", "wizard", 0, "-"),
    Key("i", "interfaces", "", "Make interfaces for cameras that have none", "wizard", 0),
    Key("c", "cancel_scan", "", "Cancel the scan", "wizard", 0),
    # lists
    Key("slash", "filter", "filter", "Filter: words, state:…, nvr:…, -not; Esc clears", _TABLES, 4),
    Key("space", "mark", "mark", "Mark this row; actions then work on all marked", "cameras", 3, "Space"),
    Key("v", "mark_range", "mark range", "Start a range; v again marks up to here", "cameras", 0),
    Key("greater_than_sign,less_than_sign", "sort", "sort", "Sort by the next or last column", _TABLES, 0, "< >"),
    Key("equals_sign", "reverse", "reverse", "Reverse the order", _TABLES, 0, "="),
    Key("j,k,down,up", "", "", "Down, up (also the arrows)", "", 0, "j k"),
    Key("g,G,home,end", "", "", "First, last (also Home and End)", "", 0, "g G"),
    Key("ctrl+d,ctrl+u", "", "", "Half a page down, up", "", 0, "^d ^u"),
    Key("pagedown,pageup,ctrl+f,ctrl+b", "", "", "A page down, up (also ^f ^b)", "", 0, "PgDn PgUp"),
    # everywhere
    Key("tab", "", "", "Next pane, such as the alarm lines", "overview cameras", 0),
    Key("tab", "next_pane", "panes", "The next pane", "camera", 1),
    Key("shift+tab", "previous_pane", "", "The pane before", "camera", 0, "Shift Tab"),
    Key("escape", "", "back", "Back to the list", "camera users snapshot sources certificate", 98),
    Key("escape", "leave_job", "back", "Back; what a rescan found and nobody keeps is forgotten", "job", 98),
    Key("escape", "leave_wizard", "leave", "Leave the guide; what is done stays done", "wizard", 98),
    Key("u", "undo", "undo", "Take back the last change of the configuration (asks first)", "", 0, role=_OPERATOR),
    Key("escape", "go_back", "back", "Back; clears filter and marks", "", 0),
    Key("question_mark", "help", "help", "This help", "", 99),
    Key("ctrl+p,colon", "palette", "", "Command palette", "", 0, "^p :"),
    Key("q", "leave", "quit", "Quit (in a dialog: close it)", "", 90),
    Key("ctrl+c", "interrupt", "", "Twice: quit", "", 0, "^c ^c"),
)


def view_bindings(view: str) -> list[BindingType]:
    """What a view or screen of this id binds itself; the actions live there."""
    bindings: list[BindingType] = [
        Binding(key.keys, key.action, key.label, show=False)
        for key in KEYS
        if view in key.where.split() and key.action and key.action != "sort"
    ]
    if view in _TABLES.split():
        bindings.append(Binding("greater_than_sign", "sort(1)", show=False))
        bindings.append(Binding("less_than_sign", "sort(-1)", show=False))
    return bindings


def app_bindings() -> list[BindingType]:
    """What works everywhere: the keys without a view, and one digit per view."""
    bindings: list[BindingType] = [
        Binding(key.keys, key.action, key.label, show=False, priority=key.action == "interrupt")
        for key in KEYS
        if not key.where and key.action
    ]
    bindings += [Binding(digit, f"view('{view}')", title, show=False) for view, digit, title in VIEWS]
    return bindings


def footer_keys(view: str, role: Role = Role.ADMIN) -> list[Key]:
    """In footer order, those that this role may use."""
    keys = (key for key in KEYS if key.footer and key.works_in(view) and may(role, key.role))
    return sorted(keys, key=lambda key: key.footer)


def help_keys(view: str, role: Role = Role.ADMIN) -> list[Key]:
    """Every key that does something in this view for this role, those of the view first; it may say a key better than
    the rest."""
    own = [key for key in KEYS if key.where and key.works_in(view) and may(role, key.role)]
    said = {key.shown for key in own}
    return own + [key for key in KEYS if not key.where and key.shown not in said and may(role, key.role)]


_LIST_ACTIONS = frozenset({"filter", "mark", "mark_range", "sort", "reverse"})
_TITLES = {view: title for view, _, title in VIEWS} | {"camera": "This camera", "job": "This job", "users": "Users"}
_TITLES |= {"snapshot": "This picture", "sheet": "These pictures"}


def help_groups(view: str, role: Role = Role.ADMIN) -> list[tuple[str, list[Key]]]:
    """The same keys in groups with titles: what they do here, moving and lists, everywhere, the views."""
    own = help_keys(view, role)
    lists = [key for key in own if key.action in _LIST_ACTIONS or not key.action]
    here = [key for key in own if key.where and key not in lists]
    rest = [key for key in own if key not in here and key not in lists]
    digits = [Key(digit, f"view('{name}')", title, f"Go to {title}") for name, digit, title in VIEWS]
    groups = [(_TITLES.get(view, "Here"), here), ("Moving and lists", lists), ("Everywhere", rest), ("Views", digits)]
    return [(title, keys) for title, keys in groups if keys]


def goes_back(view: str, action: str) -> bool:
    """Is this what Esc does here?"""
    return any("escape" in key.keys.split(",") and key.action == action for key in KEYS if key.works_in(view))


def withheld(view: str, action: str, role: Role) -> Key | None:
    """The key behind this action, when none of its meanings in this view is for the role."""
    keys = [key for key in KEYS if key.action == action and key.works_in(view)]
    return None if not keys or any(may(role, key.role) for key in keys) else keys[0]
