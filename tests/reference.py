"""Writes docs/cli.md and docs/rpc.md from the argparse trees and the method table, and docs/onvif.md from what running
cameras answer: `python -m tests.reference`. The last one needs the official ONVIF WSDLs and is left alone without them.

tests/test_docs.py and tests/proxyd/onvif/test_every_operation.py check that the files are what this writes.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import pkgutil
import tempfile
import types
import warnings
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from onviftui.arguments import EXIT_CODES, build_parser
from proxyd import api, errors
from proxyd import cli as daemon_cli
from proxyd.api import codec
from proxyd.api import models as m
from proxyd.api.methods import METHODS
from tests.proxyd.onvif import coverage
from tests.proxyd.onvif.schemas import Validator, load

DOCS = Path(__file__).resolve().parent.parent / "docs"
GENERATED = "<!-- Made by `python -m tests.reference`; change the tables in the code instead. -->\n"


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """All parsers that take no further sub-command, in the order of the help."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not nested:
        yield parser
    for action in nested:
        for child in action.choices.values():
            yield from leaves(child)


def own_options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    common = {"help", "socket", "json"}
    return [action for action in parser._actions if action.dest not in common or parser.prog == "proxyd run"]


def describe(action: argparse.Action) -> str:
    """One line of an option list."""
    names = ", ".join(action.option_strings) or str(action.metavar)
    value = ""
    if action.option_strings and action.nargs != 0:
        value = f" {action.metavar or action.dest.upper()}"
    choices = f" One of: {', '.join(map(str, action.choices))}." if action.choices else ""
    required = " Required." if action.required and action.option_strings else ""
    return f"- `{names}{value}`: {action.help}.{choices}{required}"


def command_section(parser: argparse.ArgumentParser) -> str:
    options = [describe(action) for action in own_options(parser) if action.dest != "help"]
    about = (parser.description or "").rstrip(".")
    head = f"### {parser.prog}\n{about[:1].upper()}{about[1:]}.\n"
    return "\n".join([head, *options]) + "\n" if options else head


def cli_page() -> str:
    ui_commands = "\n".join(command_section(leaf) for leaf in leaves(build_parser()))
    daemon_commands = "\n".join(command_section(leaf) for leaf in leaves(daemon_cli.parser()))
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    return f"""# Command line
{GENERATED}
`onviftui` alone opens the terminal UI. `onviftui [--socket PATH] [--json] NOUN VERB` does one thing and ends.

- `--socket PATH`: the daemon's socket. Without it: `$ONVIFTUI_SOCKET`, else `/run/proxyd/proxyd.sock`, else
  `$XDG_RUNTIME_DIR/proxyd/proxyd.sock`, the first that exists.
- `--json`: one JSON document on standard output; errors as
  `{{"error": {{"code", "message", "hint", "fields"}}}}` on standard error.
- `--version`: the version.
- `--no-mouse`: the UI leaves the mouse to the terminal, which selects text with it.

`--socket` and `--json` are understood before and after noun and verb. NVRs and cameras are named by id or by exact
name. Passwords are never arguments: a terminal asks for them, scripts pass them with `--password-stdin`.

## Exit codes
| code | meaning |
| --- | --- |
{codes}

`nvr test --json` prints its result also when the NVR failed the test; the exit code is 1 then.

## onviftui
{ui_commands}
## proxyd
{daemon_commands}"""


def type_name(annotation: Any, metadata: list[Any] | None = None) -> str:
    """What JSON holds, in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is type(None):
        return "null"
    if origin is Literal:
        return " \\| ".join(f'"{part}"' for part in parts)
    if origin in (Union, types.UnionType):
        return " \\| ".join(type_name(part) for part in parts)
    if origin is list:
        return f"list of {type_name(parts[0])}"
    if origin is dict:
        return "object"
    if origin is not None:  # Annotated
        return type_name(parts[0])
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " \\| ".join(f'"{member.value}"' for member in annotation)
    return {int: "integer", float: "number", str: "string", bool: "boolean", SecretStr: "string (secret)"}.get(
        annotation, getattr(annotation, "__name__", str(annotation))
    )


def field_row(name: str, field: FieldInfo) -> str:
    if field.is_required():
        default = "required"
    else:
        value = field.get_default(call_default_factory=True)
        default = json.dumps(value if not hasattr(value, "model_dump") else value.model_dump())
    return f"| `{name}` | {type_name(field.annotation)} | {default} |"


def model_table(model: type[m.Model] | type[m.Params]) -> str:
    rows = "\n".join(field_row(name, field) for name, field in model.model_fields.items())
    return f"| field | type | default |\n| --- | --- | --- |\n{rows}\n"


def method_section(name: str) -> str:
    method = METHODS[name]
    parameters = model_table(method.params) if method.params.model_fields else "No parameters.\n"
    return f"### {name}\n{method.help} Needs role {method.role}. Result: {type_name(method.result)}.\n\n{parameters}"


def first_line(documented: type) -> str:
    """Of its own docstring; an inherited one would say something else."""
    return (vars(documented).get("__doc__") or "\n").splitlines()[0]


def error_rows() -> str:
    known = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ProxyError)]
    rows = [
        (codec.PARSE_ERROR, "not JSON"),
        (codec.INVALID_REQUEST, "not a request, a batch, or too long"),
        (codec.METHOD_NOT_FOUND, "no such method"),
        (codec.INTERNAL_ERROR, "a bug in proxyd; its log has the details"),
    ]
    rows += [(kind.code, first_line(kind).rstrip(".")) for kind in known if kind is not errors.ProxyError]
    rows.append((errors.ProxyError.code, "anything else that went wrong"))
    return "\n".join(f"| {code} | {meaning} |" for code, meaning in sorted(rows, reverse=True))


def _api_models() -> dict[str, Any]:
    """By name, from all modules of the API; those of `models` first."""
    modules = [
        importlib.import_module(f"{api.__name__}.{module.name}") for module in pkgutil.iter_modules(api.__path__)
    ]
    found = dict(vars(m))
    for module in modules:
        found |= {name: value for name, value in vars(module).items() if name not in found}
    return found


def rpc_page() -> str:
    models = [
        model
        for model in _api_models().values()
        if isinstance(model, type) and issubclass(model, m.Model) and model is not m.Model
    ]
    methods = "\n".join(method_section(name) for name in METHODS)
    results = "\n".join(f"### {model.__name__}\n{first_line(model)}\n\n{model_table(model)}" for model in models)
    return f"""# JSON-RPC
{GENERATED}
The daemon speaks JSON-RPC 2.0 on its Unix socket (mode 0660): `GET /rpc` is a WebSocket for programs that stay,
`POST /rpc` takes one request for scripts:

```
curl --unix-socket /run/proxyd/proxyd.sock http://proxyd/rpc -d '{{"jsonrpc":"2.0","id":1,"method":"status"}}'
```

Parameters go by name; unknown names and wrong types are refused, all mistakes at once. API version
{m.API_VERSION}. A request may have {codec.MAX_MESSAGE // 1024} KiB. After `subscribe` the connection gets
notifications `event` with an Event as parameters; sequence numbers grow by one. A call that only looks
is stopped when its connection ends, or by a notification `cancel` with `{{"id": …}}` as parameters (it is not answered
then); one that changes something runs to its end. `GET /metrics` is a page for
Prometheus: [install.md](install.md#metrics).

## Errors
`error.data.hint` is the next step to try, `error.data.fields` maps field name to what is wrong with it.

| code | meaning |
| --- | --- |
{error_rows()}

## Methods
{methods}
## Results
{results}"""


async def onvif_page(validator: Validator) -> str:
    return await coverage.table(validator, GENERATED)


def main() -> None:
    for name, page in (("cli.md", cli_page()), ("rpc.md", rpc_page())):
        (DOCS / name).write_text(page)
    shared = Path(os.environ.get("ONVIFTUI_SHARED", DOCS.parent.parent / "shared"))
    if not (shared / "onvif-specs").is_dir():
        print(f"docs/onvif.md is as it was: no ONVIF schemas in {shared} (set ONVIFTUI_SHARED)")
        return
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in tests/conftest.py
        validator = load(shared, Path(scratch))
        (DOCS / "onvif.md").write_text(asyncio.run(onvif_page(validator)))


if __name__ == "__main__":
    main()
