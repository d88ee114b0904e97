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
_MOST_CAMERAS, _MOST_NOTICES = 2048, 200
_MOST_CHARS = 600  # of one text that people read
_STATUS_EVERY_S = 0.1  # an arm gone mad must not keep proxyd from its cameras


@dataclass(frozen=True, slots=True)
class ArmCamera:
    """How one interface stands, as the arm says."""

    name: str
    mac: str
    message: str
    waiting: bool  # it has no address yet
    next_try: float | None = None  # when its DHCP server is asked again, CLOCK_REALTIME
    parent: str = ""
    method: str = ""  # "dhcp" or "static"
    expires: float | None = None  # when its lease ends, CLOCK_REALTIME; it is renewed long before


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
        """The newest notices, if there are too many. Raises KeyError, TypeError, ValueError, AttributeError or
        OverflowError for what no arm says."""
        cameras, notices = answer["cameras"], answer["notices"]
        if not isinstance(cameras, list) or not isinstance(notices, list) or len(cameras) > _MOST_CAMERAS:
            raise ValueError("no lists of cameras and notices")
        return cls(
            _text(answer["instance"]),
            tuple(
                ArmCamera(
                    _text(c["name"]),
                    _text(c["mac"]),
                    _text(c["message"]),
                    c["address"] is None,
                    None if c.get("next_try") is None else float(c["next_try"]),
                    _text(c.get("parent", "")),
                    _text(c.get("method", "")),
                    None if c.get("expires") is None else float(c["expires"]),
                )
                for c in cameras
            ),
            tuple(
                ArmNotice(int(n["id"]), _level(n["level"]), _text(n["text"]), _text(n["camera"]))
                for n in notices[-_MOST_NOTICES:]
            ),
        )


def _text(value: object) -> str:
    """Fit for a terminal and for the database: neither takes control characters or half of a surrogate pair."""
    if not isinstance(value, str):
        raise TypeError
    return "".join(c if c.isprintable() else " " for c in value[:_MOST_CHARS])


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
                except (OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
                    raise self._lost(error) from None
                yield status
                await asyncio.sleep(_STATUS_EVERY_S)

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
    try:
        answer = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    if answer.get("ok") is True:
        return answer
    message = _text(str(answer.get("error") or "netsetup's arm refused."))
    hint = _text(str(answer.get("hint") or ""))
    match answer.get("kind"):
        case "BadRequest":
            raise InvalidInput(message, hint)
        case "FactsChanged":
            raise Conflict(message, hint)
        case _:
            raise ArmError(message, hint)
