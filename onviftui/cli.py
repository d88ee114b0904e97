"""The command `onviftui`: the terminal UI, the demo, and one command per noun and verb.

Heavy modules are imported only when a command needs them. Every error ends here, as one line and an exit code.
"""

from __future__ import annotations

import argparse
import os
import socket as sockets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from proxyd.api.paths import default_socket
from proxyd.errors import DaemonUnreachable, InvalidInput, NotAllowed, ProxyError

from .arguments import build_parser, refuse_password
from .output import Output

if TYPE_CHECKING:
    from proxyd.api.dial import Dial

_PROBE_TIMEOUT_S = 2.0


def main(argv: list[str] | None = None, dial: Dial | None = None) -> int:
    """Exit code of one invocation (arguments.EXIT_CODES). `dial`: how somebody far away gets his connections to the
    daemon; he has no files here."""
    words = sys.argv[1:] if argv is None else argv
    # Closed by the caller (`>&-`): Python leaves None there, and an answer that nobody gets is no success.
    sys.stdin = sys.stdin or Path(os.devnull).open()  # noqa: SIM115 - open until the process ends
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - likewise
    if sys.stdout is None:
        sys.stderr.write("Standard output is closed; nothing was done. Send it to /dev/null instead.\n")
        return 1
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a camera name must not crash a terminal without UTF-8
    out = Output(json_mode="--json" in words)
    try:
        code = _run(words, out, dial)
        sys.stdout.flush()
        return code
    except ProxyError as error:
        out.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        out.note("Interrupted.")
        return 1
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        out.error(ProxyError(f"Cannot go on: {error.strerror or error}.", "Is the disk full, or the output closed?"))
        return 1
    except Exception as error:
        if os.environ.get("ONVIFTUI_DEBUG"):
            raise
        out.error(
            ProxyError(
                f"onviftui met a bug: {type(error).__name__}.",
                "ONVIFTUI_DEBUG=1 shows where; please report it.",
            )
        )
        return 1


def _run(words: list[str], out: Output, dial: Dial | None) -> int:
    refuse_password(words)
    args = build_parser().parse_args(words)
    if dial is not None:
        from .ssh.remote import refuse_local

        refuse_local(args)
    if args.version:
        from proxyd import __version__

        print(f"onviftui {__version__}")
        return 0
    if args.noun == "ssh":
        from .ssh.command import run_ssh

        return run_ssh(args)
    if args.noun == "demo":
        from .demo import run_demo

        return run_demo(args.channels, args.dialect, headless=args.headless, json_mode=args.json)
    where = dial or args.socket or default_socket()
    if args.noun is None:
        return _run_ui(where, mouse=not args.no_mouse)
    return _run_command(args, where, out)


def _run_command(args: argparse.Namespace, where: Path | Dial, out: Output) -> int:
    import asyncio

    from proxyd.api.client import RpcClient

    from .commands import COMMANDS
    from .typed import in_typed_words

    async def run() -> int:
        async with RpcClient(where) as client:
            return await COMMANDS[args.noun, getattr(args, "verb", None)](args, client, out)

    try:
        return asyncio.run(run())
    except InvalidInput as error:
        raise (error if out.json_mode else in_typed_words(error, args)) from None


def _run_ui(where: Path | Dial, *, mouse: bool) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("The UI needs a terminal.", "For scripts: onviftui --help")
    if isinstance(where, Path):
        require_daemon(where)
    from .app import run

    return run(where, mouse=mouse)


def require_daemon(socket: Path) -> None:
    """Raises DaemonUnreachable or NotAllowed now rather than inside the UI, with the next step."""
    with sockets.socket(sockets.AF_UNIX) as probe:
        probe.settimeout(_PROBE_TIMEOUT_S)
        try:
            probe.connect(str(socket))
        except PermissionError:
            raise NotAllowed(
                f"You may not talk to proxyd at {socket}.",
                "Use sudo, or ask an administrator to add you to the group proxyd.",
            ) from None
        except OSError:
            raise DaemonUnreachable(
                f"proxyd does not answer at {socket}.",
                "Start it: systemctl start proxyd, or proxyd run. If its socket is elsewhere: --socket PATH",
            ) from None


if __name__ == "__main__":
    sys.exit(main())
