"""Addresses as people and URLs write them, and the paths of a camera. Pure.

Default ports are left out: recorders do not expect them.
"""

from __future__ import annotations

DEVICE_PATH = "/onvif/device_service"
SNAPSHOT_PATH = "/snapshot"
TLS_PORT = 322  # of RTSP


def bracketed(host: str) -> str:
    """The host as URLs spell it: IPv6 in brackets."""
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{bare}]" if ":" in bare else bare


def typed_place(host: str, http_port: int) -> str:
    """What is typed into a recorder."""
    return _authority(host, http_port, 80) if http_port != 80 else host


def host_of(client: str) -> str:
    """Of "host:port" as it stands in the trace, IPv6 in brackets; the port may be missing. Without brackets."""
    host = client if client.endswith("]") else client.rpartition(":")[0] or client
    return host.strip("[]")


def http_url(host: str, port: int, path: str) -> str:
    return f"http://{_authority(host, port, 80)}{path}"


def https_url(host: str, port: int, path: str) -> str:
    return f"https://{_authority(host, port, 443)}{path}"


def https_port_beside(http_port: int) -> int:
    """The camera's port for HTTPS, which follows from its port for HTTP as long as it lives: 443 beside 80, else far
    enough away that cameras with one address and ports of their own do not meet."""
    return 443 if http_port == 80 else _beside(http_port)


def rtsp_url(host: str, port: int, path: str) -> str:
    return f"rtsp://{_authority(host, port, 554)}{path}"


def rtsps_url(host: str, port: int, path: str) -> str:
    return f"rtsps://{_authority(host, port, TLS_PORT)}{path}"


def rtsps_port_beside(rtsp_port: int) -> int:
    """As `https_port_beside`: 322 beside 554."""
    return TLS_PORT if rtsp_port == 554 else _beside(rtsp_port)


def _beside(port: int) -> int:
    return port + 1000 if port + 1000 < 65536 else port - 1000


def _authority(host: str, port: int, default: int) -> str:
    return bracketed(host) if port == default else f"{bracketed(host)}:{port}"
