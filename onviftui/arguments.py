"""What can be typed: the argparse tree of `onviftui`. Nouns, verbs and options are a contract with scripts.

Imports nothing heavy, so that --help and usage errors are immediate. docs/cli.md is made from this tree.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from proxyd.errors import InvalidInput

from . import log_arguments, safety_arguments, ssh_arguments, user_arguments

PTZ_ACTIONS = ("left", "right", "up", "down", "in", "out", "stop", "home", "preset")
DIALECTS = ("hikvision", "dahua", "uniview", "reolink", "axis", "gsoap")
PASSWORD_REFUSED = "Passwords are never given on the command line: other users of this machine could read them."  # noqa: S105 - a sentence
KEY_REFUSED = "Keys are never given on the command line: other users of this machine could read them."

_ACCOUNT_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#@:]*:(?!\d{1,5}/)[^@]+@")
IMPORT_FORMATS = ("auto", "csv", "yaml", "onvif-server", "rtsp-to-onvif", "go2rtc", "frigate")

EXIT_CODES = {
    0: "done",
    1: "failed",
    2: "usage: the command or a value was wrong; nothing was changed",
    3: "the daemon could not be reached",
    4: "not allowed",
}


class Parser(argparse.ArgumentParser):
    """Raises InvalidInput instead of printing and exiting, so that --json covers usage errors too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise InvalidInput(f"{self.prog}: {message}.", f"Try '{self.prog} --help'.")


def refuse_password(argv: list[str]) -> None:
    """Raises InvalidInput when a password or a key is given as an argument; never repeats it."""
    before_literals = argv[: argv.index("--")] if "--" in argv else argv
    if any(word == "--password" or word.startswith("--password=") for word in before_literals):
        raise InvalidInput(PASSWORD_REFUSED, "Use --password-stdin, or leave it out on a terminal and be asked for it.")
    if any(word == "--passphrase" or word.startswith("--passphrase=") for word in before_literals):
        raise InvalidInput(PASSWORD_REFUSED, "Use --passphrase-stdin, or leave it out and be asked for it.")
    if any("PRIVATE KEY-----" in word for word in argv):
        raise InvalidInput(KEY_REFUSED, "Give the name of a file, or - and the key on standard input.")
    if any(_ACCOUNT_IN_URL.search(word) for word in argv):
        raise InvalidInput(
            PASSWORD_REFUSED, "Write rtsp://USER@HOST/PATH and use --password-stdin, or be asked for it."
        )


def build_parser() -> Parser:
    everywhere = _common_options(suppress=True)
    parser = Parser(
        prog="onviftui",
        description="Split an NVR into one virtual ONVIF camera per channel. Without a command: the terminal UI.",
        parents=[_common_options(suppress=False)],
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    parser.add_argument(
        "--no-mouse", action="store_true", help="the UI leaves the mouse to the terminal, which selects text with it"
    )
    nouns = parser.add_subparsers(dest="noun", metavar="NOUN")
    _demo(nouns.add_parser("demo", help="try everything with a simulated NVR", parents=[everywhere]))
    for noun, help_text, fill in (
        ("nvr", "the NVRs whose channels become cameras", _nvr),
        ("source", "cameras that are added by their RTSP addresses", _source),
        ("camera", "the virtual cameras", _camera),
        ("adoption", "let recorders take the cameras in one after another", _adoption),
        ("interface", "the addresses that cameras get", _interface),
        ("job", "scans that run or ran", _job),
        ("log", "what happened", log_arguments.fill),
        ("backup", "encrypted backups of everything, and restoring one", safety_arguments.fill_backup),
        ("settings", "what holds for the whole daemon", safety_arguments.fill_settings),
        ("user", "who may log in by SSH, and what each may do", user_arguments.fill),
    ):
        noun_parser = nouns.add_parser(noun, help=help_text, parents=[everywhere])
        fill(_Verbs(noun_parser, everywhere))
    passed = "what passed through all cameras in the last five minutes"
    nouns.add_parser("history", help=passed, description=passed, parents=[everywhere])
    ssh_arguments.fill(nouns.add_parser("ssh", help=ssh_arguments.ABOUT, parents=[everywhere]))
    safety_arguments.fill_undo(nouns.add_parser("undo", help=safety_arguments.UNDO, parents=[everywhere]))
    said = "the daemon's version, mode and counts"
    nouns.add_parser("status", help=said, description=said, parents=[everywhere])
    return parser


class _Verbs:
    """The verbs of one noun."""

    def __init__(self, noun_parser: Parser, everywhere: Parser) -> None:
        self._verbs = noun_parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        self._everywhere = everywhere

    def add(self, verb: str, help_text: str) -> Parser:
        leaf: Parser = self._verbs.add_parser(verb, help=help_text, description=help_text, parents=[self._everywhere])
        leaf.set_defaults(leaf=leaf)
        return leaf


def _common_options(*, suppress: bool) -> Parser:
    """--socket and --json are understood before and after noun and verb; the later one wins."""
    absent: Any = argparse.SUPPRESS if suppress else None
    common = Parser(add_help=False)
    common.add_argument("--socket", type=Path, metavar="PATH", default=absent, help="the daemon's socket")
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS if suppress else False,
        help="one JSON document on standard output; errors as JSON on standard error",
    )
    return common


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.description = "Start a simulated NVR and a daemon on loopback, scan, and open the UI. Leaves nothing behind."
    parser.add_argument(
        "--channels", type=_channel_count, default=8, metavar="N", help="channels of the NVR, 1 to 64 (8)"
    )
    parser.add_argument(
        "--dialect", choices=DIALECTS, default="hikvision", help="which vendor the NVR behaves like (hikvision)"
    )
    parser.add_argument("--headless", action="store_true", help="no UI: print one JSON document and stay until SIGTERM")


def _nvr(verbs: _Verbs) -> None:
    verb = verbs.add("discover", "search the network for ONVIF devices")
    verb.add_argument("--timeout", type=float, default=4.0, metavar="S", help="how long to listen, in s (4)")
    verb.add_argument(
        "--probe", action="append", default=[], metavar="HOST[:PORT]", help="also ask this host; repeatable"
    )
    verb = verbs.add("add", "add an NVR; nothing is sent to it until it is tested or scanned")
    _access_options(verb, required=True)
    verbs.add("list", "all NVRs")
    _one(verbs.add("show", "one NVR"), "NVR")
    verb = verbs.add("edit", "change address, account, name or transport; what is left out stays")
    _one(verb, "NVR")
    _access_options(verb, required=False)
    verb.add_argument("--no-test", action="store_true", help="do not try address and account before they are saved")
    verb.add_argument(
        "--transport",
        choices=("auto", "tcp", "udp"),
        help="how its streams come; auto: inside the RTSP connection (TCP), by UDP where it refuses that",
    )
    verb = verbs.add("remove", "remove an NVR with its cameras; their interfaces become free")
    _one(verb, "NVR")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb = verbs.add("scan", "read all channels; new ones become cameras, nothing is removed")
    _one(verb, "NVR")
    verb.add_argument("--no-wait", action="store_true", help="print the job and return at once")
    verb.add_argument("--no-start", action="store_true", help="do not start the new cameras")
    verb.add_argument("--restore", action="store_true", help="bring back cameras that were removed")
    verb.add_argument(
        "--preview", action="store_true", help="show what is different; nothing is kept before: onviftui job apply"
    )
    verb = verbs.add("test", "check address and account without changing anything")
    verb.add_argument("id", nargs="?", metavar="NVR", help="id or exact name; options override what is stored")
    _access_options(verb, required=False, name=False)


def _source(verbs: _Verbs) -> None:
    verb = verbs.add("add", "add a camera by its RTSP addresses and read its streams")
    _address_options(verb)
    verb.add_argument("--name", help="what to call it; default: Camera and a number")
    verb.add_argument("--no-scan", action="store_true", help="do not read its streams now")
    verbs.add("list", "cameras that were added by their RTSP addresses")
    verb = verbs.add("edit", "change addresses, account or name; what is left out stays, and so does the camera")
    _one(verb, "CAMERA")
    verb.add_argument("--main", metavar="URL", help="new address of the main stream; the others move with its host")
    verb.add_argument("--sub", metavar="URL", help="new address of the sub stream, or none")
    verb.add_argument("--snapshot", metavar="URL", help="new http:// address of a still picture, or none")
    verb.add_argument("--user", metavar="U", help='its user; "" when it asks for no account')
    _password_stdin(verb)
    verb.add_argument("--name", help="new name")
    verb.add_argument("--no-test", action="store_true", help="do not read the streams before it is changed")
    _address_options(verbs.add("test", "read RTSP addresses without adding a camera"))
    verb = verbs.add("import", "add the cameras of a list; without --yes it only shows them")
    verb.add_argument(
        "file", type=Path, metavar="FILE", help="CSV or YAML, also of other programs; - is standard input"
    )
    verb.add_argument("--format", choices=IMPORT_FORMATS, default="auto", help="what kind of list it is (auto)")
    verb.add_argument("--user", metavar="U", help="user for cameras that have no account in the list")
    _password_stdin(verb)
    verb.add_argument("--yes", action="store_true", help="add them")
    verb.add_argument("--no-scan", action="store_true", help="do not read their streams now")


def _address_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("main", metavar="MAIN", help="address of the main stream: rtsp://USER@HOST:PORT/PATH")
    parser.add_argument("--sub", metavar="URL", help="address of the sub stream, on the same host")
    parser.add_argument("--snapshot", metavar="URL", help="http:// address of a still picture, on the same host")
    parser.add_argument("--user", metavar="U", help="user, if it is not in the address")
    _password_stdin(parser)


def _camera(verbs: _Verbs) -> None:
    verbs.add("list", "all virtual cameras")
    _one(verbs.add("show", "one camera"), "CAMERA")
    _one(verbs.add("streams", "its streams: rates, losses, who plays, and what the NVR really sends"), "CAMERA")
    _one(verbs.add("history", "what passed in its streams in the last five minutes"), "CAMERA")
    _one(verbs.add("qr", "its ONVIF address as a QR code in the terminal"), "CAMERA")
    verb = verbs.add("edit", "change name, account or settings of a camera; what is left out stays")
    _one(verb, "CAMERA")
    verb.add_argument("--name", help="new name")
    verb.add_argument("--user", metavar="U", help="user name that the recorder uses for this camera")
    _password_stdin(verb)
    verb.add_argument("--discovery", choices=("on", "off"), help="whether recorders find this camera by searching")
    verb.add_argument(
        "--notify",
        metavar="NETWORKS",
        help="other networks that it may send notifications to, such as 10.9.0.0/24,10.8.0.7, or none",
    )
    verb.add_argument("--audio", choices=("on", "off"), help="whether recorders get its sound")
    verb.add_argument("--h265", choices=("on", "off"), help="whether H.265 is offered where H.264 is, too")
    verb.add_argument(
        "--metadata", choices=("on", "off"), help="whether recorders get events and objects beside the video, too"
    )
    verb.add_argument(
        "--forward", choices=("on", "off"), help="whether recorders may change encoder and picture on the NVR"
    )
    verb.add_argument(
        "--share",
        choices=("on", "off"),
        help="whether all recorders of a stream share one session with the NVR, or each has its own",
    )
    verb.add_argument(
        "--https", choices=("on", "off"), help="whether it answers by HTTPS and gives streams by RTSPS, too"
    )
    verb.add_argument(
        "--clock-window", type=int, metavar="S", help="how far a recorder's clock may differ: 10 to 3600 (default: 300)"
    )
    verb.add_argument("--drop-accounts", action="store_true", help="remove the accounts that recorders made")
    verb = verbs.add("edit-all", "change many cameras at once, all of them or none (shows it, asks, then does it)")
    safety_arguments.fill_edit_all(verb)
    _several(verbs.add("start", "start cameras; they start again after a reboot"))
    _several(verbs.add("stop", "stop cameras; they stay stopped after a reboot"))
    _several(verbs.add("restart", "close all connections of cameras and start again"))
    verb = verbs.add("ptz", "move a camera for a moment, stop it, or send it home or to a preset")
    _one(verb, "CAMERA")
    verb.add_argument("action", choices=PTZ_ACTIONS, metavar="ACTION", help=", ".join(PTZ_ACTIONS))
    verb.add_argument("preset", nargs="?", metavar="NAME", help="name of the preset, after the action preset")
    verb.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="how long it moves: 0.1 to 10 (default: 1)"
    )
    verb.add_argument("--speed", type=float, default=0.5, metavar="P", help="part of its fastest (default: 0.5)")
    _one(verbs.add("presets", "the names of its PTZ presets"), "CAMERA")
    verb = verbs.add("remove", "remove cameras; a scan with --restore brings them back")
    _several(verb)
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb = verbs.add("snapshot", "a still picture, as the recorder gets it")
    _one(verb, "CAMERA")
    verb.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it; default: standard output")
    verb.add_argument("--show", action="store_true", help="draw it in this terminal, as fine as it can")
    verb = verbs.add("sheet", "small pictures of all cameras in one JPEG")
    verb.add_argument("--nvr", metavar="NVR", help="only the cameras of this NVR: id or exact name")
    verb.add_argument(
        "-o",
        "--out",
        "--output",
        dest="output",
        type=Path,
        metavar="FILE",
        help="where to write it; default: standard output",
    )
    verb = verbs.add("trace", "the last exchanges with recorders, and why some were refused")
    _one(verb, "CAMERA")
    verb.add_argument("--limit", type=int, default=50, metavar="N", help="at most this many, newest last (50)")
    verb.add_argument("--recorder", metavar="ADDRESS", help="only those with this recorder")
    verb.add_argument(
        "--raw", type=int, metavar="N", help="what went over the wire in exchange N; secrets are taken out"
    )
    _one(verbs.add("doctor", "why recorders do not adopt this camera, or that all is well; says what to do"), "CAMERA")
    _several(verbs.add("forget-adoption", "forget which recorders have cameras; who comes next is watched anew"))
    verb = verbs.add("events", "what happened before the camera, as it told recorders")
    _one(verb, "CAMERA")
    verb.add_argument("--limit", type=int, default=50, metavar="N", help="at most this many, newest last (50)")
    _one(verbs.add("credentials", "user name and password to type into the recorder"), "CAMERA")
    verb = verbs.add("certificate", "the certificate of its HTTPS: show it, bring one, or have a new one made")
    _one(verb, "CAMERA")
    verb.add_argument(
        "--cert",
        type=Path,
        metavar="FILE",
        help="bring this one: PEM, the camera's first, then those that issued it; - is standard input",
    )
    verb.add_argument(
        "--key", type=Path, metavar="FILE", help="its private key: PEM; left out when it stands in the file of --cert"
    )
    verb.add_argument("--new", action="store_true", help="have the camera make a new one itself")


def _adoption(verbs: _Verbs) -> None:
    verb = verbs.add("start", "let recorders find cameras one after another; goes on by itself with each adoption")
    verb.add_argument("ids", nargs="*", metavar="CAMERA", help="ids or exact names; default: all that nobody has")
    verb.add_argument("--at-once", type=int, default=1, metavar="N", help="how many at a time, 1 to 64 (1)")
    verb.add_argument("--wait", action="store_true", help="say each step, and return when it has ended")
    verbs.add("show", "how far it is, and which camera is to be adopted now")
    verbs.add("pause", "hide the cameras that nobody has yet; nothing is forgotten")
    verbs.add("resume", "go on where it was paused")
    _one(verbs.add("skip", "leave a camera out; the next one has its turn"), "CAMERA")
    verbs.add("cancel", "end it; all cameras can be found as they are set themselves")


def _interface(verbs: _Verbs) -> None:
    verb = verbs.add("list", "all interfaces and the cameras on them")
    verb.add_argument("--available", action="store_true", help="only those that no camera uses, next first")
    verb = verbs.add("add", "make more interfaces, each with a MAC of its own (shows them, asks, then does it)")
    verb.add_argument("count", type=_interface_count, metavar="COUNT", help="how many more, 1 to 512")
    verb.add_argument("--parent", metavar="ADAPTER", help="network adapter; needed only when there are several")
    _asked_first(verb)
    verb = verbs.add("remove", "remove interfaces that no camera uses")
    verb.add_argument("names", nargs="+", metavar="NAME", help="names of interfaces, such as vcam7")
    _asked_first(verb)
    verbs.add("doctor", "examine host, interfaces and their network; says what to do")


def _asked_first(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _job(verbs: _Verbs) -> None:
    verbs.add("list", "running jobs and the last that ended")
    verb = verbs.add("cancel", "stop a job; what it found so far is kept")
    verb.add_argument("id", type=int, metavar="JOB", help="id of the job")
    verb = verbs.add("apply", "keep what a scan with --preview found: exactly what it showed")
    verb.add_argument("id", type=int, metavar="JOB", help="id of the job")
    verb = verbs.add("discard", "forget what a scan with --preview found; nothing has been changed")
    verb.add_argument("id", type=int, metavar="JOB", help="id of the job")


def _one(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("id", metavar=what, help="id or exact name")


def _several(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="CAMERA", help="ids or exact names")
    parser.add_argument("--all", action="store_true", help="all cameras")


def _access_options(parser: argparse.ArgumentParser, *, required: bool, name: bool = True) -> None:
    parser.add_argument("--host", required=required, metavar="H", help="IP address or host name of the NVR")
    usual = " (80)" if required else ""
    parser.add_argument("--port", type=int, metavar="P", help=f"its ONVIF (HTTP) port{usual}")
    parser.add_argument("--user", required=required, metavar="U", help="its ONVIF user")
    _password_stdin(parser)
    if name:
        usual = "; default: NVR and its address" if required else ""
        parser.add_argument("--name", help=f"what to call it{usual}")


def _password_stdin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from the first line of standard input (a terminal asks without echo)",
    )


def _interface_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 512:
        raise argparse.ArgumentTypeError("must be a number from 1 to 512")
    return int(text)


def _channel_count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError("must be a number from 1 to 64")
    return int(text)
