"""Every view, pane and screen of the UI over one made-up house, at a time and on a host that never change.

For the tests that compare screens and press keys, and for the pictures in the documentation. A scene is how to get
there by keys. A new screen needs one: `test_ui_snapshots` fails until there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .fake_daemon import FakeDaemon
from .scene_house import empty, house, installed, running, scanned, scanning, started

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scene:
    """`keys` lead there from the start; "=text" is typed (with the {folder} of the daemon), "@text" is the row that the
    cursor goes to. `what` is a sentence for the documentation, where `title` stands above it and the picture is of the
    size `at`."""

    name: str
    keys: tuple[str, ...]
    what: str
    fill: Callable[[FakeDaemon], None] = house
    title: str = ""
    at: tuple[int, int] = (120, 40)
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=lambda: SIZES)
    environ: Mapping[str, str] = field(default_factory=dict)
    by_ssh: bool = False  # a session of the SSH server, not the user's own process


_YARD = ("2", "@Yard", "enter")
_SMALL = (80, 24)
SCENES: tuple[Scene, ...] = (
    Scene(
        "first-run",
        ("escape", "1"),
        "Nothing is set up yet, and the screen says what to do first.",
        empty,
        "The first time",
    ),
    Scene("overview", ("1",), "Is all well, what needs a person, what runs now."),
    Scene("cameras", ("2",), "Every camera with its state; the pane tells more of the one under the cursor."),
    Scene("filter", ("2", "slash", "=state:playing"), "Words and fields narrow a list while you type."),
    Scene("nvrs", ("3",), "The NVRs: how they answer, what they have, when they were scanned.", title="NVRs"),
    Scene("interfaces", ("4",), "The network interfaces, each with a MAC and an address for one camera."),
    Scene("adopt", ("5",), "The guided adoption: recorders find one camera after the other."),
    Scene("adopting", ("5", "a"), "What to type into the recorder now, and how far it has come.", title="Its turns"),
    Scene("jobs", ("6",), "What runs and what ran."),
    Scene("logs", ("7",), "What happened, and who did it."),
    Scene("daemon-log", ("7", "tab"), "The daemon's own lines, for operators.", title="The daemon's log"),
    Scene("log-entry", ("7", "v"), "One entry in full, with the traceback of a bug.", title="One entry", at=_SMALL),
    Scene("system", ("8",), "What belongs to the whole box."),
    # one camera
    Scene(
        "camera",
        _YARD,
        "Everything to type into a recorder, and why a camera stands as it does.",
        title="One camera",
    ),
    Scene("streams", (*_YARD, "b"), "What flows to whom, how much, and what was lost.", title="Its streams"),
    Scene("events", (*_YARD, "v"), "What happened before the camera, as recorders were told.", title="Its events"),
    Scene("requests", (*_YARD, "t"), "What recorders asked, and who is refused why.", title="Its requests"),
    Scene("ptz", (*_YARD, "m"), "Arrows move it, where it has a motor; presets by name.", title="Moving it"),
    Scene("camera-log", (*_YARD, "l"), "What was done with this camera, and by whom.", title="Its log"),
    Scene(
        "exchange",
        (*_YARD, "t", "@GetStreamUri", "enter"),
        "One request as it went over the wire, without its secrets.",
        title="One request",
    ),
    Scene("snapshot", ("2", "@Yard", "o"), "What the camera sees, drawn by what the terminal can."),
    Scene(
        "snapshot-characters",
        ("2", "@Yard", "o"),
        "The same where there are few colours, or in characters because you prefer them.",
        title="Snapshot in characters",
        at=_SMALL,
        environ={"ONVIFTUI_PICTURES": "characters"},
    ),
    Scene(
        "snapshot-question",
        ("2", "@Yard", "o"),
        "What costs much on a slow line is asked before it is drawn.",
        title="A question first",
        at=_SMALL,
        environ={"ONVIFTUI_PICTURES": "sixel", "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"},
    ),
    Scene(
        "no-picture",
        ("2", "@Store", "o"),
        "Where there is no picture the reason stands in its place.",
        title="No picture",
        at=_SMALL,
    ),
    Scene(
        "sheet", ("2", "O"), "All cameras at a glance; fetched when you ask, never by itself.", title="Contact sheet"
    ),
    Scene("qr", (*_YARD, "Q"), "The ONVIF address for the camera of a phone.", title="QR code"),
    Scene("copy", (*_YARD, "y"), "Everything of a camera that can be copied.", title="Copying", at=_SMALL),
    Scene(
        "certificate",
        (*_YARD, "C"),
        "The certificate of its HTTPS, why recorders may refuse it, and another one for it.",
        title="Its certificate",
    ),
    Scene(
        "certificate-form",
        (*_YARD, "C", "b"),
        "A certificate that somebody issued, with its key.",
        title="Bringing a certificate",
        at=_SMALL,
    ),
    Scene(
        "account",
        (*_YARD, "a"),
        "User and password of one camera; what recorders lose is said before.",
        title="Its account",
        at=_SMALL,
    ),
    # questions and forms
    Scene(
        "stop",
        ("2", "@Yard", "s"),
        "What recorders would lose is said before it is done.",
        title="Questions",
        at=_SMALL,
    ),
    Scene("rename", ("2", "@Yard", "e"), "Short questions are asked in the middle.", at=_SMALL),
    Scene(
        "change",
        ("2", "space", "space", "space", "c", "=Gate {n}"),
        "Names by a pattern, account and switches of many cameras at once.",
        title="Many cameras",
        at=_SMALL,
    ),
    Scene(
        "remove",
        ("3", "@Garage", "d", "=Gara"),
        "What cannot be had back easily wants its name typed.",
        title="Removing",
        at=_SMALL,
    ),
    Scene("nvr-form", ("3", "a"), "An NVR is tested before it is kept.", title="Adding an NVR", at=_SMALL),
    Scene(
        "nvr-edit",
        ("3", "@Workshop", "e", "ctrl+t"),
        "A known one, just tested.",
        title="Changing an NVR",
        at=_SMALL,
    ),
    Scene("discover", ("3", "f"), "NVRs that answer in this network.", title="Searching the network"),
    # cameras without ONVIF
    Scene("sources", ("3", "S"), "Cameras that are known by their RTSP addresses alone."),
    Scene(
        "source-form",
        ("3", "S", "a", "=rtsp://192.0.2.31/h264"),
        "A camera by its addresses, tested before it is kept.",
        title="Adding a source",
        at=_SMALL,
    ),
    Scene("source-edit", ("3", "S", "e"), "It stays the same camera.", title="Changing a source", at=_SMALL),
    Scene("source-list", ("3", "S", "i"), "The cameras of a list.", title="Adding a list", at=_SMALL),
    Scene(
        "list-plan",
        ("3", "S", "i", "={folder}/cameras.yaml", "ctrl+s"),
        "What of a list would be added, and why the rest cannot.",
        title="In a list",
        at=_SMALL,
    ),
    Scene(
        "by-ssh",
        ("3", "S", "i"),
        "Files are on your machine: the one line that does it from there.",
        title="A file, by SSH",
        at=_SMALL,
        by_ssh=True,
    ),
    # scans
    Scene(
        "scan",
        ("6", "@running", "enter"),
        "A scan that runs: how far it is, what it asks now, how long it will take.",
        title="A scan",
    ),
    Scene("job", ("6", "@done", "enter"), "One scan: what it found, what is new.", title="After a scan"),
    Scene(
        "rescan",
        ("6", "@keep it?", "enter"),
        "What a rescan would change waits until you keep it or leave everything as it was.",
        title="A rescan",
    ),
    Scene(
        "failed",
        ("6", "@failed", "enter"),
        "Why a scan failed, and what to do.",
        title="A failed scan",
        at=_SMALL,
    ),
    Scene("findings", ("4", "x"), "The examination: what is wrong, why, and what to do."),
    # the guide
    Scene("wizard", ("1", "w"), "The guide, from an empty box to cameras in the recorder.", installed, "The guide"),
    Scene(
        "guide-interfaces",
        ("1", "w", "n", "enter"),
        "Interfaces for the cameras; what would be made is shown before.",
        installed,
        "Guide: interfaces",
        _SMALL,
    ),
    Scene(
        "guide-nvr",
        ("1", "w", "n"),
        "NVRs that answer in the network, or one by its address.",
        empty,
        "Guide: the NVR",
        _SMALL,
    ),
    Scene("guide-scan", ("1", "w"), "The NVR's channels are being read.", scanning, "Guide: the scan", _SMALL),
    Scene(
        "guide-names",
        ("1", "w", "j", "space"),
        "Names, and what shall not become a camera.",
        scanned,
        "Guide: names",
        _SMALL,
    ),
    Scene("guide-start", ("1", "w"), "How the cameras come up.", started, "Guide: the start", _SMALL),
    Scene("guide-adopt", ("1", "w"), "What a recorder has, and what is left.", running, "Guide: adoption", _SMALL),
    # behind System
    Scene("settings", ("8", "@Settings", "enter"), "What holds for all cameras, and what you alone prefer."),
    Scene(
        "shared-account",
        ("8", "@Settings", "enter", "@Shared account", "enter"),
        "The account of all cameras that have none of their own.",
        title="The shared account",
        at=_SMALL,
    ),
    Scene("users", ("8", "@Users", "enter"), "Who may log in by SSH, and what each may do."),
    Scene(
        "user-form",
        ("8", "@Users", "enter", "a"),
        "Somebody new, with a public key or a password.",
        title="Adding a user",
        at=_SMALL,
    ),
    Scene("key-form", ("8", "@Users", "enter", "n"), "Another key for a user.", title="Another key", at=_SMALL),
    Scene("password", ("8", "@Users", "enter", "p"), "For a user who has no key.", title="A password", at=_SMALL),
    Scene("role", ("8", "@Users", "enter", "e"), "Where a few answers are right, they are shown.", at=_SMALL),
    Scene("backups", ("8", "@Backups", "enter"), "Everything in one encrypted file, and back again."),
    Scene(
        "new-backup",
        ("8", "@Backups", "enter", "c"),
        "Without the passphrase nobody can restore it.",
        title="Making a backup",
        at=_SMALL,
    ),
    Scene(
        "open-backup",
        ("8", "@Backups", "enter", "enter"),
        "Nobody looks into a backup without its passphrase.",
        title="A backup's passphrase",
        at=_SMALL,
    ),
    Scene(
        "backup-look",
        ("8", "@Backups", "enter", "enter", "=correct horse", "enter"),
        "What is in it, and whether it can be restored here.",
        title="In a backup",
        at=_SMALL,
    ),
    Scene("undo", ("8", "@Undo", "enter"), "What can be taken back, and who did it."),
    Scene("about", ("8", "@About", "enter"), "Versions, where the data lies, the licence.", at=_SMALL),
    # everywhere
    Scene("palette", ("2", "colon", "=dock"), "Every key, every place and every theme, found by a few letters."),
    Scene("help", ("2", "question_mark"), "Every key that does something here."),
    Scene(
        "too-small",
        (),
        "Where there is too little room it says how much it takes, and shows all again when there is.",
        title="Too small",
        at=(50, 12),
        sizes={"50x12": (50, 12)},
    ),
)
