"""Addresses of a camera as a recorder types them. Default ports are left out, as recorders do not expect them."""

from __future__ import annotations


def http_url(address: str, port: int, path: str) -> str:
    return f"http://{_authority(address, port, 80)}{path}"


def rtsp_url(address: str, port: int, path: str) -> str:
    return f"rtsp://{_authority(address, port, 554)}{path}"


def _authority(address: str, port: int, default: int) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port == default else f"{host}:{port}"


DEVICE_PATH = "/onvif/device_service"
SNAPSHOT_PATH = "/snapshot"
