"""Client of netsetup's privileged arm: one JSON object per line on a Unix socket, every wait with a deadline.

The arm is optional: interfaces made by hand and marked as ours work without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from proxyd.errors import ArmError, ArmUnreachable, Conflict, InvalidInput

Level = Literal["info", "warning", "error"]
MOST_ANSWER_BYTES = 4 * 1024 * 1024
_CONNECT_TIMEOUT_S = 5.0
_SILENCE_TIMEOUT_S = 100.0  # a watched arm says something every 30 s
_ANSWER_TIMEOUT_S = 60.0  # new static addresses are asked for on the network before they are used


@dataclass(frozen=True, slots=True)
class ArmCamera:
    """How one interface stands, as the arm says."""

    name: str
    mac: str
    message: str
    waiting: bool  # it has no address yet
    next_try: float | None = None  # when its DHCP server is asked again, CLOCK_REALTIME


@dataclass(frozen=True, slots=True)
class ArmNotice:
    """What the arm did or saw. `id` grows within one `instance` of the arm."""

    id: int
    level: Level
    text: str
    camera: str


@dataclass(frozen=True, slots=True)
class ArmStatus:
    instance: str
    cameras: tuple[ArmCamera, ...]
    notices: tuple[ArmNotice, ...]

    @classmethod
    def parse(cls, answer: Mapping[str, Any]) -> ArmStatus:
        """Raises KeyError, TypeError or ValueError for what no arm says."""
        return cls(
            str(answer["instance"]),
            tuple(
                ArmCamera(
                    str(c["name"]),
                    str(c["mac"]),
                    str(c["message"]),
                    c["address"] is None,
                    None if c.get("next_try") is None else float(c["next_try"]),
                )
                for c in answer["cameras"]
            ),
            tuple(
                ArmNotice(int(n["id"]), _level(n["level"]), str(n["text"]), str(n["camera"])) for n in answer["notices"]
            ),
        )


def _level(word: object) -> Level:
    match word:
        case "info":
            return "info"
        case "error":
            return "error"
        case _:
            return "warning"


class ArmClient:
    """Connects anew for each call: there are few, and the arm may be restarted at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def call(self, do: str, *, timeout_s: float = _ANSWER_TIMEOUT_S, **fields: Any) -> dict[str, Any]:
        """Raises ArmUnreachable, InvalidInput (refused as impossible or outside root's limits), Conflict, ArmError."""
        async with self._connected() as (reader, writer):
            await _ask(writer, do, fields)
            try:
                async with asyncio.timeout(timeout_s):
                    return _checked(await reader.readline())
            except TimeoutError:
                raise ArmUnreachable(
                    f"netsetup's arm gave no answer within {timeout_s:g} s.", "See: journalctl -u netsetup"
                ) from None
            except (OSError, ValueError) as error:
                raise self._lost(error) from None

    async def watch(self) -> AsyncIterator[ArmStatus]:
        """Its status now, and whenever it changes. Raises ArmUnreachable when the arm goes, ArmError."""
        async with self._connected() as (reader, writer):
            await _ask(writer, "watch", {})
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_TIMEOUT_S):
                        line = await reader.readline()
                    status = ArmStatus.parse(_checked(line))
                except (OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
                    raise self._lost(error) from None
                yield status

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(str(self.path), limit=MOST_ANSWER_BYTES)
        except (OSError, TimeoutError) as error:
            raise self._lost(error) from None
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def _lost(self, error: Exception) -> ArmUnreachable:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        return ArmUnreachable(
            f"netsetup's arm does not answer at {self.path}{why}.",
            "It keeps the cameras' interfaces. Is it running? Try: systemctl status netsetup",
        )


async def _ask(writer: asyncio.StreamWriter, do: str, fields: Mapping[str, Any]) -> None:
    writer.write(json.dumps({"do": do, **fields}).encode() + b"\n")  # fits the socket's buffer, or waits for the answer


def _checked(line: bytes) -> dict[str, Any]:
    """Raises ValueError for garbage or a cut line; the arm's refusals as errors of ours."""
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    if answer.get("ok") is True:
        return answer
    message, hint = str(answer.get("error") or "netsetup's arm refused."), str(answer.get("hint") or "")
    match answer.get("kind"):
        case "BadRequest":
            raise InvalidInput(message, hint)
        case "FactsChanged":
            raise Conflict(message, hint)
        case _:
            raise ArmError(message, hint)
