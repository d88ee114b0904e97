"""The commands `onviftui adoption …`: one coroutine per verb, from parsed arguments to output and exit code."""

from __future__ import annotations

import argparse
from typing import Any

from proxyd.api.client import RpcClient
from proxyd.api.models import Adoption, AdoptionStep

from .naming import find_id, find_ids
from .output import Column, Output, counted, harmless


async def adoption_start(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    params: dict[str, Any] = {"at_once": args.at_once}
    if args.ids:
        params["ids"] = find_ids(args.ids, False, await client.call("camera.list"), "camera")
    if args.wait:
        await client.subscribe()
    adoption: Adoption = await client.call("adoption.start", params)
    if not args.wait:
        return _print(adoption, out)
    seen: dict[int, tuple[object, ...]] = {}
    _say_news(adoption, seen, out)
    events = client.events()
    while adoption.state in ("running", "paused"):
        event = await anext(events)
        if event.kind == "adoption" and event.data["started"] == adoption.started:  # not one before it
            adoption = Adoption.model_validate(event.data)
            _say_news(adoption, seen, out)
    return _print(adoption, out) if out.json_mode else int(adoption.state != "done")


def _say_news(adoption: Adoption, seen: dict[int, tuple[object, ...]], out: Output) -> None:
    """One line for each camera about which there is something new."""
    for step in adoption.steps:
        news = (step.state, step.reached, step.signed_in, step.asked_streams, step.trouble)
        if news != seen.get(step.camera) and step.state != "waiting" and not out.json_mode:
            out.say(harmless(f"{step.name} ({step.address or 'no address'}): {_progress(step)}"))
            out.out.flush()
        seen[step.camera] = news


async def adoption_show(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return _print(await client.call("adoption.get"), out)


async def adoption_pause(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return _print(await client.call("adoption.pause"), out)


async def adoption_resume(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return _print(await client.call("adoption.resume"), out)


async def adoption_skip(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    camera = find_id(args.id, await client.call("camera.list"), "camera")
    return _print(await client.call("adoption.skip", {"camera": camera}), out)


async def adoption_cancel(args: argparse.Namespace, client: RpcClient, out: Output) -> int:
    return _print(await client.call("adoption.cancel"), out)


def _print(adoption: Adoption, out: Output) -> int:
    if out.json_mode:
        out.document(adoption)
        return 0
    if adoption.state == "none":
        out.say("No guided adoption yet. Begin one: onviftui adoption start")
        return 0
    done = sum(step.state == "adopted" for step in adoption.steps)
    out.say(f"Guided adoption {adoption.state}: {done} of {counted(len(adoption.steps), 'camera')} adopted.")
    columns = (Column("ID", right=True), Column("NAME", least=8), Column("ADDRESS"), Column("PROGRESS", least=12))
    rows = [(step.camera, step.name, step.address or "none", _progress(step)) for step in adoption.steps]
    out.table(columns, rows)
    return 0


def _progress(step: AdoptionStep) -> str:
    """What a recorder did with it, and what comes next."""
    if step.state == "adopted":
        return f"adopted by {step.by}"
    if step.state != "now":
        return step.state
    if step.trouble:
        return step.trouble
    if not step.reached:
        return f"adopt it now: type {step.address}, or let the recorder search"
    did = [words for words, done in _steps(step) if done]
    return f"{step.recorder} {', '.join(did)}; next: {next(words for words, done in _steps(step) if not done)}"


def _steps(step: AdoptionStep) -> tuple[tuple[str, bool], ...]:
    return (
        ("reached it", step.reached),
        ("signed in", step.signed_in),
        ("asked for streams", step.asked_streams),
        ("playing", False),
    )


COMMANDS = {
    "start": adoption_start,
    "show": adoption_show,
    "pause": adoption_pause,
    "resume": adoption_resume,
    "skip": adoption_skip,
    "cancel": adoption_cancel,
}
