"""Addresses as recorders and people get them."""

from __future__ import annotations

from proxyd.camera.urls import bracketed, http_url, rtsp_url, typed_place


def test_default_ports_are_left_out() -> None:
    assert http_url("127.0.2.1", 80, "/snapshot") == "http://127.0.2.1/snapshot"
    assert http_url("127.0.2.1", 554, "/snapshot") == "http://127.0.2.1:554/snapshot"
    assert rtsp_url("127.0.2.1", 554, "/main") == "rtsp://127.0.2.1/main"


def test_what_is_typed_into_a_recorder_has_no_usual_port() -> None:
    assert [typed_place("127.0.2.1", port) for port in (80, 8081)] == ["127.0.2.1", "127.0.2.1:8081"]
    assert [typed_place("fd00::7", port) for port in (80, 8081)] == ["fd00::7", "[fd00::7]:8081"]


def test_ipv6_is_bracketed_once() -> None:
    assert rtsp_url("fd00::7", 8554, "/sub") == "rtsp://[fd00::7]:8554/sub"
    assert bracketed("[fd00::7]") == bracketed("fd00::7") == "[fd00::7]"
    assert bracketed("nvr.local") == "nvr.local"
