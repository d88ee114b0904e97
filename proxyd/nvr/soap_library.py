"""onvif-zeep-async, imported without its side effects, and the services we call through it.

The library configures the root logger when imported, logs whole envelopes at DEBUG, builds an aiohttp session per
service and parses WSDLs into a process-wide cache without a lock; all of that is undone or fenced here. Private names
of the library are touched in this module only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from proxyd.nvr.repair import repair_answer

if TYPE_CHECKING:
    from proxyd.nvr.transport import SoapTransport


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


with _root_logger_kept():
    from onvif.client import _WSDL_PATH, ONVIFService, _cached_document
    from onvif.settings import DEFAULT_SETTINGS
    from onvif.zeep_aiohttp import AIOHTTPTransport
    from requests import Response as HttpAnswer
    from zeep.helpers import serialize_object
    from zeep.plugins import Plugin

_OURS = Path(__file__).parent / "wsdl"
_DEVICE = (str(Path(_WSDL_PATH) / "devicemgmt.wsdl"), "http://www.onvif.org/ver10/device/wsdl", "DeviceBinding")
_MEDIA = (str(Path(_WSDL_PATH) / "media.wsdl"), "http://www.onvif.org/ver10/media/wsdl", "MediaBinding")
_MEDIA2 = (str(_OURS / "media2.wsdl"), "http://www.onvif.org/ver20/media/wsdl", "Media2Binding")
DEVICE_NAMESPACE, MEDIA_NAMESPACE, MEDIA2_NAMESPACE = _DEVICE[1], _MEDIA[1], _MEDIA2[1]
_SERVICES = {namespace: (wsdl, binding) for wsdl, namespace, binding in (_DEVICE, _MEDIA, _MEDIA2)}

_warm = threading.Event()
_warming = threading.Lock()

__all__ = [
    "DEVICE_NAMESPACE",
    "MEDIA2_NAMESPACE",
    "MEDIA_NAMESPACE",
    "AIOHTTPTransport",
    "HttpAnswer",
    "OnvifService",
    "warm_up",
]


async def warm_up() -> None:
    """Parse the WSDLs once per process (0.3 s), off the event loop. Later calls return at once."""
    if not _warm.is_set():
        await asyncio.to_thread(_parse_wsdls)


def _parse_wsdls() -> None:
    with _warming:
        if _warm.is_set():
            return
        # zeep logs a traceback for each odd number in an answer; the envelope logger shows nonces and names.
        logging.getLogger("zeep.xsd.types.simple").setLevel(logging.CRITICAL)
        logging.getLogger("onvif.zeep_aiohttp").setLevel(logging.INFO)
        DEFAULT_SETTINGS.xml_huge_tree = False  # keeps libxml2's own limits on depth and text

        async def parse_all() -> None:
            for wsdl, _ in _SERVICES.values():
                await _cached_document(wsdl)

        asyncio.run(parse_all())
        _warm.set()


class _RepairPlugin(Plugin):
    def ingress(self, envelope: etree._Element, http_headers: Any, operation: Any) -> tuple[etree._Element, Any]:
        repair_answer(envelope)
        return envelope, http_headers


class OnvifService:
    """One service of a device at one address. `clock_offset` is added to Created, so that a wrong clock does not
    refuse us. Results are plain dicts and lists."""

    def __init__(
        self,
        namespace: str,
        address: str,
        username: str,
        password: str,
        clock_offset: timedelta,
        transport: SoapTransport,
    ) -> None:
        self._parts = (namespace, address, username, password, clock_offset)
        self._transport = transport
        self._service: Any = None
        self.address = address

    async def open(self) -> OnvifService:
        """Connects nothing: builds the proxies from the parsed WSDL."""
        await warm_up()
        namespace, address, username, password, clock_offset = self._parts
        wsdl, binding = _SERVICES[namespace]
        service = ONVIFService(
            address,
            username,
            password,
            wsdl,
            no_cache=True,
            dt_diff=clock_offset,
            binding_name=f"{{{namespace}}}{binding}",
        )
        try:
            await service.setup()
        finally:
            await service.close()  # its own session: ours carries the limits
        for client in (service.zeep_client, service.zeep_client_authless):
            client.transport = self._transport
            client.plugins.append(_RepairPlugin())
        self._service = service
        return self

    async def call(self, operation: str, parameters: dict[str, Any], *, with_token: bool) -> Any:
        """Raises Refusal, aiohttp.ClientError, TimeoutError, and zeep's own errors for an answer it cannot read."""
        proxy = self._service.ws_client if with_token else self._service.ws_client_authless
        result = await getattr(proxy, operation)(**parameters)
        return serialize_object(result, dict)  # type: ignore[no-untyped-call]  # zeep is untyped
