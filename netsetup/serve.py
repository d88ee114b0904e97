"""`netsetup serve`: the privileged arm. CAP_NET_ADMIN and CAP_NET_RAW, no network service, one Unix socket.

Applies the saved plans at boot, keeps them, holds the DHCP leases. Ends on SIGTERM and leaves the kernel as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

from .answers import Answers
from .config import DEFAULT_FILE, DEFAULT_SOCKET, load_limits
from .disk import cannot_write
from .endpoint import Endpoint
from .errors import NetsetupError
from .files import DEFAULT_STATE, StateDir
from .keeper import Keeper
from .model import Limits

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=DEFAULT_FILE, metavar="F", help=f"limits ({DEFAULT_FILE})")
    parser.add_argument("--state", type=Path, metavar="DIR", help=f"plans and leases ({DEFAULT_STATE})")
    parser.add_argument("--socket", type=Path, metavar="PATH", help=f"where proxyd asks ({DEFAULT_SOCKET})")


def run(args: argparse.Namespace) -> int:
    """Raises NetsetupError when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    limits = load_limits(args.config)
    state = args.state or Path(os.environ.get("STATE_DIRECTORY", DEFAULT_STATE))
    asyncio.run(serve(limits, StateDir(state), args.socket or DEFAULT_SOCKET))
    return 0


async def serve(limits: Limits, state: StateDir, path: Path) -> None:
    """Until SIGTERM or SIGINT. Raises NetsetupError."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        stack.callback(os.close, _only_one(state))
        keeper = Keeper(limits, state)
        answers = Answers(keeper, instance=uuid.uuid4().hex[:12])
        keeper.on_change = answers.changed
        await keeper.start()
        stack.push_async_callback(keeper.stop)
        endpoint = Endpoint(path, limits.user, answers)
        await endpoint.start()
        stack.push_async_callback(endpoint.stop)
        log.info("ready on %s: %d interfaces", path, sum(len(plan.slots) for plan in keeper.plans))
        notify("READY=1")
        await ended.wait()
        notify("STOPPING=1")
        log.info("stopping; the interfaces stay")


def _only_one(state: StateDir) -> int:
    """Two arms would fight over leases and socket."""
    try:
        state.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(state.path / "arm.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise cannot_write(state.path, error) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise NetsetupError(f"An arm is running with {state.path} already.", "See: systemctl status netsetup") from None
    return file


def notify(state: str) -> None:
    """sd_notify(3). Does nothing without systemd; never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        pass
