"""A camera's screen on the real daemon: what a recorder plays is seen, and the pad moves exactly that channel."""

from __future__ import annotations

import asyncio
from typing import Any

from proxyd.api import models as m
from tests.onviftui.ui_driver import HUGE, running_ui
from tests.player.play import Player

from .stack import credentials, running_stack, wait_for_states


async def test_streams_are_seen_while_a_recorder_plays_and_the_pad_moves_the_channel() -> None:
    async with running_stack("--channels", "2", "--dialect", "dahua") as stack, stack.client() as client:
        await stack.scan(client, await stack.add_nvr(client))
        first = next(one for one in await wait_for_states(client, m.CameraState.RUNNING) if one.channel == 1)
        secret = await credentials(client, first)

        async def done() -> list[str]:
            optics: dict[str, Any] = (await stack.simulator_state())["optics"]
            assert "done" not in optics.get("2", {}).get("ptz", {}), "only the first channel was meant"
            moves: list[str] = optics["1"]["ptz"]["done"]
            return moves

        async with Player(first.streams[0].url, *secret) as player, running_ui(stack.socket, HUGE) as ui:
            playing = asyncio.create_task(player.play(0, frames=400), name="a recorder")
            ui.app.open_camera(first.id)
            await ui.sees("To type into a recorder")
            await ui.press("b")
            await ui.sees("● running")
            await ui.sees("127.0.0.1:")  # who plays
            await ui.until(lambda: "█" in ui.text, "the last minutes, as soon as a step has passed")
            await ui.press("t")
            await ui.sees("PLAY main")
            await ui.sees("plays this camera: all is well")
            await ui.press("m")
            await ui.sees("Arrows or h j k l move it")
            await ui.press("l")
            async with asyncio.timeout(60):
                while (moves := await done())[-1:] != ["Stop"]:  # by itself
                    await asyncio.sleep(0.05)
            assert [move.split()[0] for move in moves] == ["ContinuousMove", "Stop"]
            assert "pan=0.5" in moves[0]
            assert not ui.app.crashes
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
