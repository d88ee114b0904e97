"""onvif-zeep-async, imported without its side effects, and the services we call through it.

The library configures the root logger when imported, logs whole envelopes at DEBUG, builds an aiohttp session per
service and parses WSDLs into a process-wide cache without a lock; all of that is undone or fenced here. Private names
of the library are touched in this module only. Imported with the first call that needs it: it brings 12 MB.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from proxyd.memory import give_back
from proxyd.nvr.repair import repair_answer
from proxyd.nvr.wsdl_part import part_of
from proxyd.onvif.namespaces import DEVICE, IMAGING, MEDIA, MEDIA2, PTZ

if TYPE_CHECKING:
    from proxyd.nvr.transport import SoapTransport


@contextmanager
def _fenced() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # httpx's command line program, which httpx imports where it finds rich, and does without where not: 5 MB.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # "is not there", by Python's own rule
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


with _fenced():
    from onvif import client as library
    from onvif.settings import DEFAULT_SETTINGS
    from onvif.zeep_aiohttp import AIOHTTPTransport
    from requests import Response as HttpAnswer
    from zeep.helpers import serialize_object
    from zeep.plugins import Plugin

_FOLDER = Path(library._WSDL_PATH)
_SCHEMA = "onvif.xsd"
# namespace → file and usual binding
_WSDLS: dict[str, tuple[Path, str]] = {
    DEVICE: (_FOLDER / "devicemgmt.wsdl", "DeviceBinding"),
    MEDIA: (_FOLDER / "media.wsdl", "MediaBinding"),
    MEDIA2: (Path(__file__).parent / "wsdl" / "media2.wsdl", "Media2Binding"),
    PTZ: (_FOLDER / "ptz.wsdl", "PTZBinding"),
    IMAGING: (_FOLDER / "imaging.wsdl", "ImagingBinding"),
}
# What is called of the largest two; of others, all may be.
_CALLED = {
    DEVICE: ("GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetDeviceInformation"),
    MEDIA: (
        "GetProfiles",
        "GetProfile",
        "GetStreamUri",
        "GetSnapshotUri",
        "GetVideoSources",
        "GetAudioOutputs",
        "GetAudioDecoderConfigurations",
        "GetVideoEncoderConfiguration",
        "GetVideoEncoderConfigurationOptions",
        "SetVideoEncoderConfiguration",
    ),
}

_parsed: set[str] = set()
_parsing = threading.Lock()


def warm_up(namespace: str) -> None:
    """Parse the WSDL of this service, once per process (0.1 s): in a thread, since it is CPU work."""
    with _parsing:
        if namespace in _parsed:
            return
        # zeep logs a traceback for each odd number in an answer; the envelope logger shows nonces and names.
        logging.getLogger("zeep.xsd.types.simple").setLevel(logging.CRITICAL)
        logging.getLogger("onvif.zeep_aiohttp").setLevel(logging.INFO)
        DEFAULT_SETTINGS.xml_huge_tree = False  # keeps libxml2's own limits on depth and text
        usual, library.ASYNC_TRANSPORT = library.ASYNC_TRANSPORT, _Files(namespace)
        try:
            asyncio.run(library._cached_document(_url(namespace)))
        finally:
            library.ASYNC_TRANSPORT = usual
        _parsed.add(namespace)
        give_back()  # the whole schema was there for a moment


def _url(namespace: str) -> str:
    """A spelling of our own: the library keeps what it parsed by that, and others may want the whole file."""
    wsdl = _WSDLS[namespace][0]
    return f"{wsdl.parent}/./{wsdl.name}"


class _Files:
    """What zeep reads instead of the files: only what we use of the library's, which is most of its memory."""

    def __init__(self, namespace: str) -> None:
        wsdl = _WSDLS[namespace][0]
        self._parts: dict[str, bytes] = {}
        if wsdl.parent == _FOLDER:
            schema = (_FOLDER / _SCHEMA).read_bytes()
            parts = part_of(wsdl.read_bytes(), [schema], _CALLED.get(namespace, ()))
            self._parts = dict(zip((wsdl.name, _SCHEMA), parts, strict=True))

    def load(self, path: str) -> bytes:
        """Once each."""
        return self._parts.pop(Path(path).name, None) or Path(path).read_bytes()


class _RepairPlugin(Plugin):
    def ingress(self, envelope: etree._Element, http_headers: Any, operation: Any) -> tuple[etree._Element, Any]:
        repair_answer(envelope)
        return envelope, http_headers


class _Transport(AIOHTTPTransport):  # type: ignore[misc]  # the library is untyped
    """What zeep sends goes through ours."""

    def __init__(self, ours: SoapTransport) -> None:
        super().__init__(session=ours.session, verify_ssl=False)
        self._ours = ours

    async def post_xml(self, address: str, envelope: etree._Element, headers: dict[str, str]) -> HttpAnswer:
        """Raises Refusal, aiohttp.ClientError, TimeoutError."""
        message = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        answer = HttpAnswer()
        answer.status_code = 200
        answer._content = await self._ours.exchange(address, message, headers)
        answer.headers["Content-Type"] = "application/soap+xml"
        return answer


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

    async def open(self) -> None:
        """Connects nothing: builds the proxies from the parsed WSDL (`warm_up`)."""
        namespace, address, username, password, clock_offset = self._parts
        binding = _WSDLS[namespace][1]
        service = library.ONVIFService(
            address,
            username,
            password,
            _url(namespace),
            no_cache=True,
            dt_diff=clock_offset,
            binding_name=f"{{{namespace}}}{binding}",
        )
        try:
            await service.setup()
        finally:
            await service.close()  # its own session: ours carries the limits
        transport = _Transport(self._transport)
        for client in (service.zeep_client, service.zeep_client_authless):
            client.transport = transport
            client.plugins.append(_RepairPlugin())
        self._service = service

    async def call(self, operation: str, parameters: dict[str, Any], *, with_token: bool) -> Any:
        """Raises Refusal, aiohttp.ClientError, TimeoutError, and zeep's own errors for an answer it cannot read."""
        proxy = self._service.ws_client if with_token else self._service.ws_client_authless
        result = await getattr(proxy, operation)(**parameters)
        return serialize_object(result, dict)  # type: ignore[no-untyped-call]  # zeep is untyped
