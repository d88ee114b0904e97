"""The control endpoint: faults at run time, for tests and for people who reproduce a bug. Loopback only.

GET / → state; POST / {"fault": "slow=0.2"} (also a list) or {"restart": 2.0}.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from proxyd.simulator.device import SimulatedNvr

MAX_RESTART_S = 600.0
_MAX_BYTES = 16 * 1024


def control_app(nvr: SimulatedNvr) -> web.Application:
    """The application that steers `nvr`."""

    async def show(_: web.Request) -> web.Response:
        return web.json_response(_state(nvr))

    async def change(request: web.Request) -> web.Response:
        try:
            wanted = json.loads(await request.read())
            if not isinstance(wanted, dict) or not wanted or wanted.keys() - {"fault", "restart"}:
                raise ValueError('expected {"fault": "slow=0.2"} or {"restart": 2.0}')
            items = wanted.get("fault", [])
            for item in items if isinstance(items, list) else [items]:
                if not isinstance(item, str):
                    raise ValueError('a fault is a text such as "slow=0.2"')
                await nvr.set_fault(item)
            if "restart" in wanted:
                nvr.begin_restart(_seconds(wanted["restart"]))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(_state(nvr))

    app = web.Application(client_max_size=_MAX_BYTES)
    app.router.add_get("/", show)
    app.router.add_post("/", change)
    return app


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_RESTART_S:
        raise ValueError(f"restart is a number of seconds up to {MAX_RESTART_S:.0f}")
    return float(value)


def _state(nvr: SimulatedNvr) -> dict[str, object]:
    faults = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(nvr.faults).items()}
    return {
        "faults": faults,
        "up": nvr.is_up,
        "requests": dict(nvr.requests),
        "wrong_passwords": nvr.wrong_passwords,
        "peak_parallel": nvr.peak_parallel,
    }
