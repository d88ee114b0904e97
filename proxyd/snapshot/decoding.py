"""The daemon's side of the process that decodes key frames: started when there is something to decode, kept for a
little while, killed when it takes too long. One picture at a time: pictures are no hurry, and cost a core.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from .decoder import ANSWER, MAX_ANSWER_BYTES, QUESTION
from .key_frame import KeyFrame

_log = logging.getLogger(__name__)

_START_S = 10.0
_PICTURE_S = 10.0  # one of 4K costs 0.2 s of a processor that is free
_IDLE_S = 30.0
_PICTURES = 2000  # of one process: what leaks in libraries ends with it
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
TO_INSTALL = "Install it: contrib/setup --pictures, or pip install 'onviftui[pictures]'."


class NotDecoded(Exception):
    """There is no picture in it, or the decoder died of it. The text says so in words."""


class Decoder:
    """`close` ends it for good. One per daemon."""

    def __init__(self, *, idle_s: float = _IDLE_S, picture_s: float = _PICTURE_S) -> None:
        self._idle_s = idle_s
        self._picture_s = picture_s
        self._one = asyncio.Lock()
        self._process: Process | None = None
        self._made = 0
        self._idle: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def available(self) -> bool:
        """Whether PyAV is installed; it may be installed while the daemon runs."""
        return importlib.util.find_spec("av") is not None

    @property
    def pid(self) -> int:
        """0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    async def jpeg(self, frame: KeyFrame, size: tuple[int, int] | None) -> bytes:
        """In that size. What it gives comes from a process that hostile data may have taken over: it has to be looked
        at like any picture of an NVR. Raises NotDecoded."""
        async with self._one:
            if self._closed:
                raise NotDecoded("nothing is decoded any more")
            self._stay()
            try:
                return await self._ask(frame, size)
            except TimeoutError:
                self._drop()
                raise NotDecoded(f"it was not decoded within {self._picture_s:g} s") from None
            except (OSError, EOFError, asyncio.IncompleteReadError):
                self._drop()
                raise NotDecoded("it ended the decoder") from None
            except asyncio.CancelledError:
                self._drop()  # half of an answer may be left in it
                raise
            finally:
                if self._process is not None:
                    if self._made >= _PICTURES:
                        self._drop()
                    else:
                        self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._drop)

    async def close(self) -> None:
        """Idempotent."""
        self._closed = True
        self._stay()
        self._drop()
        await asyncio.gather(*self._ending)

    async def _ask(self, frame: KeyFrame, size: tuple[int, int] | None) -> bytes:
        process = self._process or await self._start()
        assert process.stdin is not None and process.stdout is not None
        width, height = size or (0, 0)
        async with asyncio.timeout(self._picture_s + (_START_S if self._made == 0 else 0)):
            process.stdin.write(QUESTION.pack(frame.codec.encode(), width, height, len(frame.data)) + frame.data)
            await process.stdin.drain()
            ok, length = ANSWER.unpack(await process.stdout.readexactly(ANSWER.size))
            if length > MAX_ANSWER_BYTES:
                raise EOFError
            answer = await process.stdout.readexactly(length)
        self._made += 1
        if not ok:
            raise NotDecoded(f"no picture could be made of it ({answer[:60].decode('ascii', 'replace')})")
        return answer

    async def _start(self) -> Process:
        environment = {name: value for name in ("PATH", "LANG", "LC_ALL") if (value := os.environ.get(name))}
        environment |= {"PYTHONPATH": str(_PACKAGE_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "proxyd.snapshot.decoder"),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # libav writes there what it thinks of cameras
            env=environment,
            start_new_session=True,  # signals of the terminal are for the daemon
        )
        self._made = 0
        return self._process

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _drop(self) -> None:
        """Killed: it has nothing to finish."""
        process, self._process = self._process, None
        if process is not None:
            ending = asyncio.create_task(_end(process), name="end of the picture decoder")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # just gone by itself
            process.kill()
    await process.communicate()
