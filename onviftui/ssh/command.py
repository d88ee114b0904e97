"""`onviftui ssh`: from arguments to a running server and an exit code."""

from __future__ import annotations

import argparse
import asyncio
import errno
import functools
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from proxyd.api.paths import default_socket
from proxyd.api.ssh_users_folder import read_users, users_dir
from proxyd.errors import Conflict, InvalidInput, ProxyError

from .prctl import hide_memory
from .settings import Settings

log = logging.getLogger(__name__)

DEFAULT_PORT = 2222


def run_ssh(args: argparse.Namespace) -> int:
    """Until SIGTERM or SIGINT. Raises ProxyError when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("asyncssh").setLevel(logging.WARNING)
    hide_memory()  # it holds the host key
    settings = Settings(
        passwords=args.passwords,
        idle_s=args.idle_minutes * 60.0,
        sessions=args.sessions,
        session_memory=args.session_mb * 1024 * 1024,
    )
    daemon = (args.socket or default_socket()).absolute()
    users = (args.users or users_dir(daemon)).absolute()
    folder = state_folder()
    with _listener(args.listen) as listener:
        asyncio.run(_serve(settings, daemon, users, folder, args.host_key or folder / "ssh_host_ed25519_key", listener))
    return 0


async def _serve(
    settings: Settings, daemon: Path, users: Path, folder: Path, host_key: Path, listener: socket.socket
) -> None:
    from .front import Front
    from .host_key import load_or_make
    from .notify import notify

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    key = load_or_make(host_key)
    front = Front(settings, daemon, functools.partial(read_users, users), folder, key)
    try:
        await front.start(listener)
        address, port = listener.getsockname()[:2]
        log.info("onviftui listens for SSH on %s port %d; its key is %s", address, port, key.get_fingerprint())
        if not front.logins.users().users:
            log.info(
                "Nobody may log in yet (%s). Add the first: onviftui user add NAME --role admin --key-file FILE", users
            )
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")
    except TimeoutError:
        raise ProxyError("The process that runs sessions does not start.", "Its words are above.") from None
    finally:
        await front.stop()


def state_folder() -> Path:
    """systemd's (StateDirectory=), else the user's own."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "onviftui-ssh"


def _listener(where: str) -> socket.socket:
    """Bound, not yet listening. Raises InvalidInput, Conflict or ProxyError."""
    host, port = parse_listen(where)
    try:
        families = socket.getaddrinfo(host or "::", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise InvalidInput(
            f"{host} is no address of this machine.", "Use ADDRESS:PORT, such as 0.0.0.0:2222."
        ) from None
    family, kind, _, _, address = families[0]
    both = not host and socket.has_dualstack_ipv6()
    if not host and not both:
        family, address = socket.AF_INET, ("0.0.0.0", port)  # noqa: S104 - all addresses, as without IPv6
    sock = socket.socket(family, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        sock.bind(address)
        sock.listen(1)  # now, so that a port in use is noticed
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {port} is taken by another program.", "Stop that one, or choose another: --listen :2223"
            ) from None
        raise ProxyError(
            f"Cannot listen on {where}: {error.strerror or error}.",
            "Ports below 1024 are root's. Is the address this machine's?",
        ) from None
    return sock


def parse_listen(text: str) -> tuple[str, int]:
    """ "ADDRESS:PORT", ":PORT" or "PORT"; "" is every address. Raises InvalidInput."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise InvalidInput(f"{text} does not end with a port.", f"Use :{DEFAULT_PORT} or 192.168.1.5:{DEFAULT_PORT}.")
    return host, int(port)
