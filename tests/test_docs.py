"""The documents say what the program does: commands, options, methods, exit codes, states, settings, files."""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from netsetup import cli as netsetup_cli
from netsetup.config import parse_limits
from netsetup.installed import items, sources
from netsetup.model import Limits
from onviftui.arguments import DIALECTS, EXIT_CODES, build_parser
from onviftui.commands import COMMANDS
from proxyd import __version__, config, errors
from proxyd import cli as daemon_cli
from proxyd.api.methods import METHODS
from proxyd.api.models import CameraState
from proxyd.errors import InvalidInput
from tests import reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

NOUNS_AND_VERBS = {
    "nvr": "discover add list show edit remove scan test",
    "source": "add list edit test import",
    "camera": "list show streams history qr edit edit-all start stop restart remove ptz presets snapshot sheet trace "
    "doctor forget-adoption events credentials certificate",
    "adoption": "start show pause resume skip cancel",
    "interface": "list add remove doctor",
    "backup": "create list check fetch bring restore remove",
    "settings": "show account",
    "job": "list cancel apply discard",
    "log": "tail daemon",
    "user": "list add remove remove-key role password",
}


def test_the_commands_are_the_contract() -> None:
    contract = {(noun, verb) for noun, verbs in NOUNS_AND_VERBS.items() for verb in verbs.split()} | {
        (word, None) for word in ("status", "history", "undo")
    }
    assert set(COMMANDS) == contract
    typed = {leaf.prog for leaf in reference.leaves(build_parser())}
    assert typed == {
        "onviftui demo",
        "onviftui ssh",
        *(" ".join(filter(None, ("onviftui", *words))) for words in contract),
    }


@pytest.mark.parametrize("name", ["cli", "rpc"])
def test_generated_pages_are_fresh(name: str) -> None:
    page = getattr(reference, f"{name}_page")()
    assert (ROOT / "docs" / f"{name}.md").read_text() == page, "run: python -m tests.reference"


def test_rpc_page_names_every_method_and_error() -> None:
    page = (ROOT / "docs" / "rpc.md").read_text()
    assert re.findall(r"^### ([a-z._]+)$", page, re.MULTILINE) == list(METHODS)
    codes = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    assert codes <= {int(code) for code in re.findall(r"^\| (-\d+) \|", page, re.MULTILINE)}


def test_exit_codes_agree_with_the_errors() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")]
    assert {kind.exit_code for kind in kinds} == set(EXIT_CODES) - {0}
    table = (ROOT / "docs" / "troubleshooting.md").read_text().partition("## The command line")[2]
    assert {int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)} == set(EXIT_CODES) - {0}


def test_every_camera_state_is_explained() -> None:
    table = (ROOT / "docs" / "troubleshooting.md").read_text().partition("## The NVR")[0]
    rows = re.findall(r"^\| ([a-zA-Z ]+) \|", table, re.MULTILINE)[1:]
    assert rows == [state.value for state in CameraState]


def commands_in(page: Path) -> Iterator[list[str]]:
    """Every command line of ours in code blocks and inline code."""
    text = page.read_text()
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    for line in [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text):
        words = shlex.split(line.partition("  #")[0].partition(" < ")[0].removeprefix("sudo "), posix=True) if (
            re.match(r"(sudo )?(\S*/)?(onviftui|proxyd|netsetup|contrib/demo)( |$)", line)
        ) else []  # fmt: skip
        if words and "…" not in line and "NOUN" not in line:
            yield ["onviftui", "demo", *words[1:]] if words[0] == "contrib/demo" else words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_can_be_typed(page: Path) -> None:
    for program, *words in commands_in(page):
        if program == "onviftui":
            try:
                build_parser().parse_args(words)
            except InvalidInput as error:
                raise AssertionError(f"{page.name}: onviftui {' '.join(words)}: {error}") from None
        elif words and Path(program).name in ("proxyd", "netsetup") and not words[0].startswith("/"):
            parse_other(Path(program).name, words, page)


def parse_other(program: str, words: list[str], page: Path) -> None:
    netsetup = netsetup_cli._parser(words[0])
    parser = daemon_cli.parser() if program == "proxyd" else netsetup
    words = ["/" if word == "/mnt" else word for word in words]
    try:
        parser.parse_args(words)
    except SystemExit:
        raise AssertionError(f"{page.name}: {program} {' '.join(words)}") from None


def test_netsetup_page_is_true() -> None:
    page = (ROOT / "docs" / "netsetup.md").read_text()
    assert set(re.findall(r"^\| `netsetup (\w+)", page, re.MULTILINE)) == set(netsetup_cli.COMMANDS)
    said = "".join(path.read_text() for path in (ROOT / "netsetup").glob("*findings.py"))
    table = page.partition("| it says | it is |")[2].partition("\n\n")[0]
    for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE):
        for name in re.findall(r"`([\w-]+)`", row):
            assert f'"{name}"' in said or name.startswith("dhcp-"), name
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    assert parse_limits(example) == Limits(("eth0",))
    for item in items(Limits(("eth0",)), sources()):
        assert any(f"`{folder}`" in page for folder in (item.path, *map(str, Path(item.path).parents))), item.path


def test_readme_names_the_two_commands_and_the_substitution() -> None:
    readme = (ROOT / "README.md").read_text()
    for needed in ("contrib/demo", "contrib/check", "docs/ui.md", "onvif-zeep-async", "proxyd run", "docs/install.md"):
        assert needed in readme


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_files_named_in_the_installation_exist() -> None:
    text = (ROOT / "docs" / "install.md").read_text() + (ROOT / "README.md").read_text()
    for name in re.findall(r"(?:install -m \d+|contrib/)\s*((?:sysusers|systemd|tmpfiles|setup)[\w./-]*)", text):
        assert (ROOT / "contrib" / name).exists(), name


def test_settings_example_is_complete_and_right(tmp_path: Path) -> None:
    example = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "install.md").read_text(), re.DOTALL)[0]
    (tmp_path / "commented").write_text(example)
    config.load(tmp_path / "commented")
    everything = re.sub(r"^# (?=\w+ = )", "", example, flags=re.MULTILINE)
    for other in ("loopback", "shared"):  # one of the two
        (tmp_path / other).write_text(re.sub(rf"^{other} = .*\n", "", everything, flags=re.MULTILINE))
        config.load(tmp_path / other)
    named = {section: set(values) for section, values in tomllib.loads(everything).items()}
    for section, field in config.Settings.model_fields.items():
        if section != "access":
            assert named[section] == set(field.annotation.model_fields)  # type: ignore[union-attr]  # every section is a model


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    assert __version__ in (ROOT / "CHANGELOG.md").read_text()


def test_dialects_of_the_demo_are_those_of_the_simulator() -> None:
    simulate = next(leaf for leaf in reference.leaves(daemon_cli.parser()) if leaf.prog.endswith("simulate"))
    option = next(action for action in simulate._actions if action.dest == "dialect")
    assert isinstance(option, argparse.Action) and option.choices is not None
    assert sorted(option.choices) == sorted(DIALECTS)


def test_locks_hold_what_pyproject_wants() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=]", line)[0].lower() for line in project["dependencies"]}
    development = {re.split(r"[<>=]", line)[0].lower() for line in project["optional-dependencies"]["dev"]}
    pins: dict[str, dict[str, str]] = {}
    for name in ("requirements.lock", "requirements-pictures.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://|--index|--find-links", text)
        entries = re.findall(r"^([\w.-]+)==(\S+)((?:.*\\\n)(?: +--hash=sha256:[0-9a-f]{64}.*\n)+)", text, re.MULTILINE)
        assert len(entries) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)), f"{name} has pins without hashes"
        pins[name] = {package: version for package, version, _ in entries}
    assert wanted | {"setuptools"} <= set(pins["requirements.lock"])
    assert wanted | development <= set(pins["requirements-dev.lock"])
    assert pins["requirements-pictures.lock"].keys() - pins["requirements.lock"].keys() == {"av"}
    assert pins["requirements.lock"].items() <= pins["requirements-pictures.lock"].items()
    assert pins["requirements-pictures.lock"].items() <= pins["requirements-dev.lock"].items()
