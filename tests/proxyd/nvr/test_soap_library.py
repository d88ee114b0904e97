"""What our use of the ONVIF library leaves for others in the same process: tests are such."""

from __future__ import annotations

import asyncio
from pathlib import Path

import onvif
from onvif import ONVIFService

from proxyd.nvr.soap_library import warm_up
from proxyd.onvif.namespaces import DEVICE


async def test_others_get_the_whole_service() -> None:
    await asyncio.to_thread(warm_up, DEVICE)
    wsdl = Path(onvif.__file__).parent / "wsdl" / "devicemgmt.wsdl"
    theirs = ONVIFService(
        "http://127.0.0.1:1/", "user", "password", str(wsdl), no_cache=True, binding_name=f"{{{DEVICE}}}DeviceBinding"
    )
    try:
        await theirs.setup()
        assert theirs.ws_client is not None
        assert callable(theirs.ws_client.SystemReboot)
    finally:
        await theirs.close()
