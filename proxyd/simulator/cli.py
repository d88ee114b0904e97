"""`proxyd simulate`: one simulated NVR until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from proxyd.simulator.device import SimulatedNvr
from proxyd.simulator.dialects import DIALECTS
from proxyd.simulator.faults import Faults, fault_names
from proxyd.simulator.streams import MAX_CHANNEL

_MAX_PASSWORD_BYTES = 1024
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `proxyd simulate`."""
    parser.description = "Run a simulated ONVIF NVR with real SOAP, RTSP and snapshots, for demos and tests."
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDR", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, metavar="P", help="ONVIF port (default: 0, any free one)")
    parser.add_argument("--rtsp-port", type=_port, default=0, metavar="P", help="RTSP port (default: 0, any free one)")
    parser.add_argument("--rtsps", action="store_true", help="serve streams by TLS only, at rtsps:// addresses")
    parser.add_argument(
        "--channels",
        type=_channels,
        default=8,
        metavar="N",
        help=f"number of channels, 1 to {MAX_CHANNEL} (default: 8)",
    )
    parser.add_argument(
        "--dialect", choices=tuple(DIALECTS), default="hikvision", help="the vendor to imitate (default: hikvision)"
    )
    parser.add_argument("--user", default="admin", metavar="U", help="user name (default: admin)")
    parser.add_argument(
        "--password-file", type=Path, metavar="F", help="file with the password; without it one is generated"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="misbehave, such as slow=0.5, offline=3 or clock=2017 (a year); may be repeated. "
        f"Known: {', '.join(fault_names())}",
    )
    parser.add_argument("--bitrate", type=_bitrate, metavar="KBPS", help="pad every stream up to this many kbit/s")
    parser.add_argument(
        "--discovery-port", type=_port, metavar="P", help="answer WS-Discovery there; 0 takes any free one"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready")


def run(args: argparse.Namespace) -> int:
    """Runs until a signal. Returns the exit code: 0 done, 1 failed, 2 usage."""
    try:
        nvr = SimulatedNvr(
            host=args.host,
            port=args.port,
            rtsp_port=args.rtsp_port,
            rtsps=args.rtsps,
            discovery_port=args.discovery_port,
            channels=args.channels,
            dialect=args.dialect,
            username=args.user,
            password=_read_password(args.password_file) if args.password_file else None,
            faults=Faults.parse(args.fault),
            bitrate_kbps=args.bitrate,
        )
    except ValueError as error:
        print(f"proxyd simulate: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(nvr, as_json=args.json))
    except OSError as error:
        reason = error.strerror or str(error)
        print(
            f"proxyd simulate: cannot listen on {args.host}: {reason}. Choose another --host or port (0 is any).",
            file=sys.stderr,
        )
        return 1
    return 0


async def _serve(nvr: SimulatedNvr, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            loop.add_signal_handler(number, stopped.set)
    try:
        async with nvr:
            print(_as_json(nvr) if as_json else _as_text(nvr), flush=True)
            await stopped.wait()
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)


def _as_json(nvr: SimulatedNvr) -> str:
    return json.dumps(
        {
            "host": nvr.host,
            "port": nvr.port,
            "rtsp_port": nvr.rtsp_port,
            "discovery_port": nvr.discovery_port,
            "username": nvr.username,
            "password": nvr.password,
            "dialect": nvr.dialect,
            "channels": nvr.channels,
            "onvif_url": nvr.onvif_url,
            "control_url": nvr.control_url,
        }
    )


def _as_text(nvr: SimulatedNvr) -> str:
    discovery = f"\n  discovery  UDP port {nvr.discovery_port}" if nvr.discovery_port is not None else ""
    return (
        f"A simulated {nvr.dialect} NVR with {nvr.channels} channels is running.\n"
        f"  address    {nvr.host}, port {nvr.port}\n"
        f"  user       {nvr.username}\n"
        f"  password   {nvr.password}\n"
        f"  ONVIF      {nvr.onvif_url}\n"
        f"  RTSP       {nvr.rtsp_scheme}://{nvr.host}:{nvr.rtsp_port}/\n"
        f"  control    {nvr.control_url}{discovery}\n"
        "Press Ctrl-C to stop it."
    )


def _read_password(file: Path) -> str:
    """The first line. Raises ValueError in words; the text never holds the password."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_MAX_PASSWORD_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ValueError(f"cannot read the password file {file}: {reason}") from None
    password = text.splitlines()[0] if text else ""
    if not password:
        raise ValueError(f"the password file {file} is empty; write the password into its first line")
    return password


def _number(text: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{number} is outside {least} to {most}")
    return number


def _port(text: str) -> int:
    return _number(text, 0, 65535)


def _channels(text: str) -> int:
    return _number(text, 1, MAX_CHANNEL)


def _bitrate(text: str) -> int:
    return _number(text, 1, 100_000)


def main() -> int:
    """Entry of `python -m proxyd.simulator`."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="proxyd simulate")
    add_arguments(parser)
    return run(parser.parse_args())
