"""The control endpoint: faults at run time, for tests and for people who reproduce a bug. Loopback only.

GET / → state; POST / {"fault": "slow=0.2"} (also a list), {"restart": 2.0},
{"event": {"channel": 1, "kind": "motion", "state": true}} (also a list), {"events_per_s": 200},
{"forget": "subscriptions"}, or {"media": "garbage"}: what befalls all media connections once.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from proxyd.simulator.happenings import parse_happening

if TYPE_CHECKING:
    from proxyd.simulator.device import SimulatedNvr

MAX_RESTART_S = 600.0
_MAX_BYTES = 16 * 1024
_KNOWN = frozenset({"fault", "restart", "event", "events_per_s", "forget", "media"})


def control_app(nvr: SimulatedNvr) -> web.Application:
    """The application that steers `nvr`."""

    async def show(_: web.Request) -> web.Response:
        return web.json_response(_state(nvr))

    async def change(request: web.Request) -> web.Response:
        try:
            wanted = json.loads(await request.read())
            if not isinstance(wanted, dict) or not wanted or wanted.keys() - _KNOWN:
                raise ValueError(f"expected one of {', '.join(sorted(_KNOWN))}")
            for item in _listed(wanted.get("fault", [])):
                if not isinstance(item, str):
                    raise ValueError('a fault is a text such as "slow=0.2"')
                await nvr.set_fault(item)
            for event in _listed(wanted.get("event", [])):
                nvr.happen(parse_happening(event))
            if "events_per_s" in wanted:
                nvr.set_event_rate(_number(wanted["events_per_s"], "events_per_s"))
            if "forget" in wanted:
                if wanted["forget"] != "subscriptions":
                    raise ValueError("only subscriptions can be forgotten")
                nvr.forget_subscriptions()
            if "media" in wanted:
                if nvr.rtsp is None or not isinstance(wanted["media"], str):
                    raise ValueError("media is the name of a trouble of media that runs")
                nvr.rtsp.befall(wanted["media"])
            if "restart" in wanted:
                nvr.begin_restart(_seconds(wanted["restart"]))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(_state(nvr))

    app = web.Application(client_max_size=_MAX_BYTES)
    app.router.add_get("/", show)
    app.router.add_post("/", change)
    return app


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is a number")
    return float(value)


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
        "optics": nvr.optics.state(),
        "wrong_passwords": nvr.wrong_passwords,
        "peak_parallel": nvr.peak_parallel,
        "events_sent": nvr.events_sent,
        "rtsp": _media_state(nvr),
    }


def _media_state(nvr: SimulatedNvr) -> dict[str, object]:
    """Since the last start."""
    rtsp = nvr.rtsp
    if rtsp is None:
        return {}
    return {
        "connections": rtsp.connections,
        "sessions": rtsp.sessions,
        "playing": len(rtsp.playing),
        "peak_logins": rtsp.peak_logins,
        "heard": {str(channel): speech.state() for channel, speech in rtsp.loudspeakers.heard.items()},
        "requests": dict(rtsp.requests),
    }
