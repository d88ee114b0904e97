"""What channels can do beyond their picture, read during a scan. A failure here costs a feature, never the scan.

One refused password ends the scan all the same: that is for `NvrClient` to know.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from proxyd.camera.events import TopicSpec
from proxyd.camera.features import AnalyticsItem, ChannelFeatures, ChannelTokens, ImagingFeatures, PtzFeatures
from proxyd.errors import UpstreamAuthError, UpstreamError, UpstreamUnreachable
from proxyd.nvr.analytics import ask_items, parse_items
from proxyd.nvr.client import NvrClient
from proxyd.nvr.events.properties import ask_properties, parse_properties
from proxyd.nvr.grouping import Channel
from proxyd.nvr.imaging import imaging_features
from proxyd.nvr.numbers import mapping
from proxyd.nvr.ptz import by_token, ptz_features, tells_move_status
from proxyd.nvr.refusals import Refusal
from proxyd.nvr.tokens import channel_tokens
from proxyd.onvif.namespaces import ANALYTICS, EVENTS, IMAGING, MEDIA, PTZ

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")
_MAX_SOURCES = 256
_MOST_IN_VAIN = 8
_MOST_WAITING_S = 600.0  # added up over calls that run side by side
_WORTH_OF_A_DEADLINE = 4  # refusals: what takes long is given up sooner


class FeatureReader:
    """Reads through a connected NvrClient: `begin` once, then `features_of` each channel. `warnings` are sentences for
    people."""

    def __init__(self, client: NvrClient) -> None:
        self._client = client
        self._video_sources: tuple[str, ...] = ()
        self._topics: tuple[TopicSpec, ...] = ()
        self._ptz_nodes: Mapping[str, Mapping[str, Any]] = {}
        self._ptz_configurations: Mapping[str, Mapping[str, Any]] = {}
        self._ptz_move_status = False
        self._speaker = False
        self._waited_s = 0.0
        self.warnings: list[str] = []
        self._silent: Counter[tuple[str, str]] = Counter()  # calls of an operation that brought nothing, in a row

    async def begin(self, channels: int) -> None:
        """What concerns all channels, so many. Raises UpstreamAuthError only."""
        answer = await self.ask(MEDIA, "GetVideoSources", {}, "list its video sources")
        sources = answer if isinstance(answer, list) else []
        tokens = [s["token"] for s in sources[:_MAX_SOURCES] if isinstance(s, dict) and isinstance(s.get("token"), str)]
        self._video_sources = tuple(tokens)
        step = "describe its movable cameras"
        self._ptz_nodes = by_token(await self.ask(PTZ, "GetNodes", {}, step))
        self._ptz_configurations = by_token(await self.ask(PTZ, "GetConfigurations", {}, step))
        told = await self.ask(PTZ, "GetServiceCapabilities", {}, step)
        self._ptz_move_status = tells_move_status(told)
        self._topics = await self._read_topics()
        if channels == 1:  # of several, only their profiles say which has it
            self._speaker = await self._has_speaker()

    async def features_of(self, channel: Channel) -> ChannelFeatures:
        """Raises UpstreamAuthError only."""
        tokens = channel_tokens(channel, self._video_sources)
        if not channel.online:
            return ChannelFeatures(tokens=tokens)
        rules = await self._analytics(tokens, "GetRules", "list its rules")
        modules = await self._analytics(tokens, "GetAnalyticsModules", "list its analytics modules")
        return ChannelFeatures(
            tokens=tokens,
            ptz=await self._ptz(tokens),
            imaging=await self._imaging(tokens),
            topics=self._topics,
            rules=rules or (),
            modules=modules or (),
            metadata=channel.streams[0].metadata if channel.streams else None,
            analytics_read=rules is not None and modules is not None,
            speaker=self._speaker or any(p.audio_output and p.audio_decoder for p in channel.profiles),
        )

    async def _has_speaker(self) -> bool:
        """A loudspeaker of the device, and something that decodes what is sent to it."""
        for operation in ("GetAudioOutputs", "GetAudioDecoderConfigurations"):
            answer = await self.ask(MEDIA, operation, {}, "say whether it has a loudspeaker")
            if not isinstance(answer, list) or not answer:
                return False
        return True

    async def _read_topics(self) -> tuple[TopicSpec, ...]:
        """The same for all channels: NVRs describe their events once."""
        address = self._client.addresses.get(EVENTS)
        if address is None:
            return ()
        step = "describe its events"
        try:
            return parse_properties(await self._client.exchange(ask_properties(address), step))
        except UpstreamAuthError:
            raise
        except (UpstreamError, Refusal) as error:
            log.debug("%s does not %s: %s", self._client.where, step, type(error).__name__)
            return ()

    async def _ptz(self, tokens: ChannelTokens) -> PtzFeatures | None:
        if not tokens.ptz_configuration:
            return None
        configuration = self._ptz_configurations.get(tokens.ptz_configuration, {})
        node_token = tokens.ptz_node or str(configuration.get("NodeToken") or "")
        node = self._ptz_nodes.get(node_token)
        if node is None:
            question = {"NodeToken": node_token}
            node = mapping(await self.ask(PTZ, "GetNode", question, "describe a movable camera"))
        question = {"ConfigurationToken": tokens.ptz_configuration}
        options = await self.ask(PTZ, "GetConfigurationOptions", question, "say how a camera moves")
        move_status = self._ptz_move_status
        if not move_status:  # younger than most firmware, and told in the status all the same
            question = {"ProfileToken": tokens.ptz_profile}
            move_status = tells_move_status(await self.ask(PTZ, "GetStatus", question, "say where it looks"))
        return ptz_features(node, configuration, mapping(options), move_status=move_status)

    async def _imaging(self, tokens: ChannelTokens) -> ImagingFeatures | None:
        question = {"VideoSourceToken": tokens.video_source}
        options = await self.ask(IMAGING, "GetOptions", question, "describe its picture settings")
        if options is None:
            return None
        moves = await self.ask(IMAGING, "GetMoveOptions", question, "say how it can focus")
        return imaging_features(mapping(options), mapping(moves))

    async def _analytics(self, tokens: ChannelTokens, operation: str, step: str) -> tuple[AnalyticsItem, ...] | None:
        """None when the NVR does not say."""
        address = self._client.addresses.get(ANALYTICS)
        if not tokens.analytics or address is None:
            return None
        call = ask_items(address, operation, tokens.analytics)
        answer = await self._tried(ANALYTICS, operation, lambda: self._client.exchange(call, step), step)
        return None if answer is None else parse_items(answer, operation, {*tokens.all(), self._client.access.host})

    async def ask(self, namespace: str, operation: str, parameters: Mapping[str, Any], step: str) -> Any:
        """None when the NVR has no such service, or does not answer as it should. After a few such answers in a row
        the operation is not asked again, and after _MOST_WAITING_S none is: 64 channels would wait for it, and streams
        matter more. Raises UpstreamAuthError."""
        asked = dict(parameters)
        return await self._tried(
            namespace, operation, lambda: self._client.call(namespace, operation, asked, step), step
        )

    async def _tried(
        self, namespace: str, operation: str, ask: Callable[[], Awaitable[_Answer]], step: str
    ) -> _Answer | None:
        call = (namespace, operation)
        if namespace not in self._client.addresses or self._silent[call] >= _MOST_IN_VAIN or self._is_too_slow():
            return None
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            answer = await ask()
        except UpstreamAuthError:
            raise
        except (UpstreamError, Refusal) as error:
            log.debug("%s does not %s: %s", self._client.where, step, type(error).__name__)
            self._silent[call] += _WORTH_OF_A_DEADLINE if isinstance(error, UpstreamUnreachable) else 1
            return None
        finally:
            self._waited_s += clock() - began
        self._silent[call] = 0
        return answer

    def _is_too_slow(self) -> bool:
        if self._waited_s < _MOST_WAITING_S:
            return False
        if not self.warnings:
            self.warnings.append(
                "The NVR answers very slowly: PTZ and picture settings of some channels were not read. "
                "Scan again when fewer people watch."
            )
        return True
