"""Why a call to an NVR brought no answer, in words for installers: pure, knows aiohttp's exceptions."""

from __future__ import annotations

import errno

import aiohttp

from proxyd.errors import UpstreamError, UpstreamProtocolError
from proxyd.nvr.refusals import ENABLE_ONVIF, unreachable


def failure_in_words(error: Exception, *, where: str, step: str, timeout_s: float) -> UpstreamError:
    """The error for people. `where` is host:port, `step` what was being done. Texts of `error` are not passed on:
    they may quote what was sent."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return unreachable(where, "cannot be found: its name does not resolve", "Use its IP address.")
        case aiohttp.ClientConnectorError(os_error=OSError(errno=errno.ECONNREFUSED)):
            return unreachable(where, "refuses the connection", ENABLE_ONVIF)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return unreachable(where, "cannot be reached")
        case TimeoutError():
            return unreachable(
                where,
                f"took longer than {timeout_s:g} s when asked to {step}",
                "It may be busy or restarting: try again in a minute.",
            )
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return UpstreamProtocolError(f"{where} sent a broken HTTP answer when asked to {step}.", ENABLE_ONVIF)
        case aiohttp.ClientError() | OSError():
            return unreachable(where, f"closed the connection when asked to {step}")
    return UpstreamProtocolError(
        f"{where} sent an answer that cannot be understood when asked to {step}.",
        "Update the NVR's firmware; if that does not help, report its model together with the log.",
    )
