"""One question to the running arm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import NetsetupError

_ANSWER_LIMIT = 8_000_000
_CONNECT_TIMEOUT_S = 2.0
_ANSWER_TIMEOUT_S = 60.0


async def ask_arm(socket: Path, question: Mapping[str, Any]) -> dict[str, Any] | None:
    """None when no arm serves there. Raises NetsetupError with the arm's own words, or when it does not answer."""
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=_ANSWER_LIMIT)
    except PermissionError:
        raise NetsetupError(f"You may not talk to the arm at {socket}.", "Use sudo.") from None
    except (OSError, TimeoutError):
        return None
    try:
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            writer.write(json.dumps(question).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        answer = json.loads(line)
        if answer.pop("ok"):
            return dict(answer)
        raise NetsetupError(str(answer["error"]), str(answer["hint"]))
    except (OSError, TimeoutError, ValueError, KeyError, AttributeError):
        raise NetsetupError(f"The arm at {socket} does not answer.", "See: journalctl -u netsetup") from None
    finally:
        writer.close()
