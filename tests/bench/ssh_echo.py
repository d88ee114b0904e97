"""The peer of the measurements over SSH: asyncssh alone, with `cat` on a pty behind it. `python -m tests.bench.ssh_echo
FOLDER` makes a host key there, lets in who has a key in FOLDER/authorized_keys, and prints its port."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import tty
from pathlib import Path

import asyncssh


async def _cat(process: asyncssh.SSHServerProcess[bytes]) -> None:
    main, other = pty.openpty()
    tty.setraw(other)
    cat = subprocess.Popen(["cat"], stdin=other, stdout=other, stderr=other)
    os.close(other)
    loop = asyncio.get_running_loop()
    loop.add_reader(main, lambda: process.stdout.write(os.read(main, 4096)))
    try:
        while data := await process.stdin.read(4096):
            os.write(main, data)
    except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged, ConnectionError):
        pass  # the client has gone
    finally:
        loop.remove_reader(main)
        cat.kill()
        cat.wait()
        process.exit(0)


async def serve(folder: Path) -> None:
    server = await asyncssh.create_server(
        asyncssh.SSHServer,
        "127.0.0.1",
        0,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=str(folder / "authorized_keys"),
        process_factory=_cat,
        encoding=None,
        line_editor=False,
    )
    print(server.get_port(), flush=True)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
