"""Addresses of streams and snapshots as the dialect writes them into Uri elements. Pure."""

from __future__ import annotations

from proxyd.simulator.layout import SimProfile
from proxyd.simulator.services.context import Context
from proxyd.simulator.soap import Fault


def stream_uri(context: Context, profile: SimProfile) -> str:
    scheme = "rtsps" if context.rtsp_tls else "rtsp"
    return _dress(context, f"{scheme}://{context.host}:{context.rtsp_port}{profile.rtsp}")


def snapshot_uri(context: Context, profile: SimProfile) -> str:
    """Raises the fault of a device without snapshots."""
    if context.faults.no_snapshot:
        raise Fault("Receiver", ("ter:ActionNotSupported",), "Optional Action Not Implemented")
    if context.dialect.uris.relative_snapshot:
        return _dress(context, profile.snapshot)
    return _dress(context, f"http://{context.host}:{context.web_port}{profile.snapshot}")


def _dress(context: Context, uri: str) -> str:
    style = context.dialect.uris
    if style.double_escaped:
        uri = uri.replace("&", "&amp;")
    return f"\n                    {uri}\n                " if style.white_space else uri
