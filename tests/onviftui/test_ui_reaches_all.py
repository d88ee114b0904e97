"""Everything that can be typed as a command can be done in the UI, or says here why it cannot be.

A new verb, a new option of `camera edit` or a new method of the daemon needs a line here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import onviftui
from onviftui.arguments import build_parser
from onviftui.camera_panes.fields import camera_fields
from onviftui.keys import KEYS, VIEWS
from onviftui.screens.live_screen import LiveScreen
from onviftui.screens.system import ENTRIES
from onviftui.widgets.ptz_pad import PtzPad
from onviftui.words import Look
from proxyd.api.methods import METHODS

from .classes import below
from .fake_daemon import camera

# verb → "place: action" of the key table, the place alone where it is what the place shows, or "-" and the reason
PLACES = {
    "demo": "- the UI is what the demo opens",
    "nvr discover": "nvrs: discover",
    "nvr add": "nvrs: add_nvr",
    "nvr list": "nvrs",
    "nvr show": "nvrs",
    "nvr edit": "nvrs: edit",
    "nvr remove": "nvrs: remove",
    "nvr scan": "nvrs: scan",
    "nvr test": "nvrs: test",
    "source add": "sources: add_source",
    "source list": "sources",
    "source edit": "sources: edit",
    "source test": "sources: add_source",
    "source import": "sources: import_list",
    "camera list": "cameras",
    "camera show": "camera",
    "camera streams": "camera: pane('streams')",
    "camera history": "camera: pane('streams')",
    "camera qr": "camera: qr",
    "camera edit": "camera: switch",
    "camera edit-all": "cameras: change_all",
    "camera start": "cameras: start_stop",
    "camera stop": "cameras: start_stop",
    "camera restart": "cameras: restart",
    "camera ptz": "pad: move_camera('left')",
    "camera presets": "camera: pane('ptz')",
    "camera remove": "cameras: remove",
    "camera snapshot": "cameras: snapshot",
    "camera sheet": "cameras: contact_sheet",
    "camera trace": "camera: requests",
    "camera doctor": "camera: diagnose",
    "camera forget-adoption": "camera: forget",
    "camera events": "camera: pane('events')",
    "camera credentials": "camera: reveal",
    "camera certificate": "camera: certificate",
    "adoption start": "adopt: begin",
    "adoption show": "adopt",
    "adoption pause": "adopt: pause",
    "adoption resume": "adopt: pause",
    "adoption skip": "adopt: skip",
    "adoption cancel": "adopt: cancel_adoption",
    "interface list": "interfaces",
    "interface add": "interfaces: add_interfaces",
    "interface remove": "interfaces: remove",
    "interface doctor": "interfaces: examine",
    "job list": "jobs",
    "job cancel": "jobs: cancel_job",
    "job apply": "job: done",
    "job discard": "job: leave_job",
    "log tail": "logs",
    "log daemon": "logs: other_log",
    "backup create": "backups: create",
    "backup list": "backups",
    "backup check": "backups: open",
    "backup fetch": "backups: save",
    "backup bring": "backups: bring",
    "backup restore": "backups: restore",
    "backup remove": "backups: remove",
    "settings show": "settings",
    "settings account": "settings: open",
    "user list": "users",
    "user add": "users: add_user",
    "user remove": "users: remove",
    "user remove-key": "users: remove_key",
    "user role": "users: role",
    "user password": "users: password",
    "history": "overview",
    "ssh": "- it serves the UI",
    "undo": "undo: open",
    "status": "system",
}

# options of `camera edit` → what on the screen of a camera changes it: a field (Enter), or "key: action"
CAMERA_OPTIONS = {
    "--name": "key: edit",
    "--user": "User",
    "--password-stdin": "Password",
    "--discovery": "Discovery",
    "--notify": "Notifies",
    "--audio": "Sound",
    "--h265": "H.265",
    "--metadata": "Metadata",
    "--forward": "Settings",
    "--share": "Sharing",
    "--https": "HTTPS",
    "--clock-window": "Clock",
    "--drop-accounts": "Accounts",
}

# methods that the UI does not call, since `subscribe` tells the same, as it happens
TOLD = {"nvr.list", "nvr.get", "camera.list", "camera.get", "interface.list", "job.list", "adoption.get"}
NOT_CALLED = {"interface.available": "the list of interfaces says which are free"}


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for noun, below_it in action.choices.items():
                found = list(_verbs(below_it))
                yield from ((f"{noun} {verb}", one) for verb, one in found) if found else ((noun, below_it),)


def test_every_command_has_its_place_in_the_ui() -> None:
    assert {verb for verb, _ in _verbs(build_parser())} == PLACES.keys()


def test_every_place_is_there() -> None:
    views = {view for view, _, _ in VIEWS}
    places = views | {one.view_id for one in below(LiveScreen)} | {PtzPad.view_id}
    for verb, where in PLACES.items():
        place, _, action = where.partition(": ")
        if not where.startswith("- "):
            assert place in places, verb
            assert not action or any(key.action == action and key.works_in(place) for key in KEYS), verb


def test_what_can_be_set_of_a_camera_can_be_set_on_its_screen() -> None:
    parser = dict(_verbs(build_parser()))["camera edit"]
    options = {name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    assert options - {"--help", "--json", "--socket"} == CAMERA_OPTIONS.keys()
    fields = {one.name: one.does for one in camera_fields(camera(1, https=True), "Garage", Look())}
    for option, what in CAMERA_OPTIONS.items():
        if what.startswith("key: "):
            assert any(key.action == what[5:] and key.works_in("camera") for key in KEYS), option
        else:
            assert fields[what] in ("account", "discovery", "rights", "switch"), option


def test_the_ui_calls_every_method_that_it_is_not_told_of() -> None:
    folder = Path(onviftui.__path__[0])
    sources = [path for path in folder.rglob("*.py") if "ssh" not in path.parts]
    sources = [path for path in sources if not path.name.startswith("demo") and not path.name.endswith("commands.py")]
    text = "\n".join(path.read_text() for path in sources)
    uncalled = {name for name in METHODS if f'"{name}"' not in text}
    assert uncalled - {"subscribe"} == TOLD | NOT_CALLED.keys()


def test_what_belongs_to_the_whole_box_is_in_system() -> None:
    assert {entry.label for entry in ENTRIES} >= {"Users", "Settings", "Backups", "Undo", "About"}
