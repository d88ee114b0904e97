"""What channels can do beyond their picture, read during a scan. A failure here costs a feature, never the scan.

One refused password ends the scan all the same: that is for `NvrClient` to know.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from proxyd.camera.features import ChannelFeatures
from proxyd.errors import UpstreamAuthError, UpstreamError
from proxyd.nvr.client import NvrClient
from proxyd.nvr.grouping import Channel
from proxyd.nvr.refusals import Refusal
from proxyd.nvr.soap_library import MEDIA_NAMESPACE
from proxyd.nvr.tokens import channel_tokens

log = logging.getLogger(__name__)
_MAX_SOURCES = 256


class FeatureReader:
    """Reads through a connected NvrClient: `begin` once, then `features_of` each channel."""

    def __init__(self, client: NvrClient) -> None:
        self._client = client
        self._video_sources: tuple[str, ...] = ()

    async def begin(self) -> None:
        """What concerns all channels. Raises UpstreamAuthError only."""
        answer = await self.ask(MEDIA_NAMESPACE, "GetVideoSources", {}, "list its video sources")
        sources = answer if isinstance(answer, list) else []
        tokens = [s["token"] for s in sources[:_MAX_SOURCES] if isinstance(s, dict) and isinstance(s.get("token"), str)]
        self._video_sources = tuple(tokens)

    async def features_of(self, channel: Channel) -> ChannelFeatures:
        """Raises UpstreamAuthError only."""
        return ChannelFeatures(tokens=channel_tokens(channel, self._video_sources))

    async def ask(self, namespace: str, operation: str, parameters: Mapping[str, Any], step: str) -> Any:
        """None when the NVR has no such service, or does not answer as it should. Raises UpstreamAuthError."""
        if namespace not in self._client.addresses:
            return None
        try:
            return await self._client.call(namespace, operation, dict(parameters), step)
        except UpstreamAuthError:
            raise
        except (UpstreamError, Refusal) as error:
            log.debug("%s does not %s: %s", self._client.where, step, type(error).__name__)
            return None
