"""To which addresses notifications may be sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd.camera.settings import CameraSettings
from proxyd.onvif.notify_policy import Consumer, consumer_of, refusal

from .builders import camera_spec

_LAN = camera_spec(address="10.77.0.20", settings=CameraSettings(notify=("172.16.5.0/24", "fd00:9::/64")))
_V6 = camera_spec(address="2001:db8:7::20", prefix_length=64)
_LOOPBACK = camera_spec(address="127.0.77.5")
_CLIENT = "192.168.9.9"
_OWN = {"10.77.0.2", "10.77.0.20", "2001:db8:7::2"}


def _refusal(url: str, spec: object = _LAN, client: str = _CLIENT) -> str:
    assert isinstance(spec, type(_LAN))
    consumer = consumer_of(url)
    if isinstance(consumer, str):
        return consumer
    assert consumer.address is not None, "a name is judged by what it means"
    return refusal(consumer.address, client, spec, _OWN.__contains__)


@pytest.mark.parametrize(
    "url",
    [
        "http://192.168.9.9/hook",  # who subscribed
        "http://192.168.9.9:8123/api/webhook/7c?x=1",
        "http://[::ffff:192.168.9.9]:8080/",
        "http://10.77.0.77:80/other-recorder",  # the camera's LAN
        "http://172.16.5.3/named-by-the-operator",
        "http://[fd00:9::5]/",
    ],
)
def test_allowed(url: str) -> None:
    assert _refusal(url) == ""


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.168.9.10/", "neither the subscriber's address"),
        ("http://8.8.8.8/", "neither the subscriber's address"),
        ("http://10.77.0.20/", "the host of the camera"),
        ("http://10.77.0.2/", "the host of the camera"),
        ("http://127.0.0.1:9090/", "the host of the camera"),
        ("http://[::1]/", "the host of the camera"),
        ("http://[::ffff:127.0.0.1]/", "the host of the camera"),
        ("http://169.254.169.254/latest/meta-data", "not the address of a recorder"),
        ("http://[fe80::1]/", "not the address of a recorder"),
        ("http://[fe80::1%25eth0]/", "not"),
        ("http://0.0.0.0/", "not the address of a recorder"),
        ("http://239.1.1.1/", "not the address of a recorder"),
        ("http://255.255.255.255/", "not the address of a recorder"),
        ("http://10.77.0.255/", "not the address of a recorder"),
        ("http://240.0.0.1/", "not the address of a recorder"),
        ("http://2130706433/", "not at an address"),
        ("http://0x7f.1/", "not at an address"),
        ("http://127.1/", "not at an address"),
        ("http://192.168.9.9:0/", "port 0"),
        ("http://192.168.9.9:99999/", "not a URL"),
        ("http://user:secret@192.168.9.9/", "neither user name"),
        ("https://192.168.9.9/", "only be sent by http"),
        ("file:///etc/passwd", "only be sent by http"),
        ("gopher://192.168.9.9/", "only be sent by http"),
        ("http://192.168.9.9/a b", "not a URL"),
        ("http://192.168.9.9/\r\nHost: x", "not a URL"),
        ("http://[192.168.9.9/", "not a URL"),
        ("http://[::ffff:192.168.9.9]x/", "not a URL"),  # readers of URLs differ in what these mean
        ("http://x[::ffff:192.168.9.9]/", "not a URL"),
        ("http://192.168.9.9\\@8.8.8.8/", "neither user name"),
        ("http://8.8.8.8\\.192.168.9.9/", "not a URL"),
        ("http://0x7f000001/", "not at an address"),
        ("http://127.0.0.1./", "not at an address"),
        ("http://recorder..example/", "not at an address"),
        ("http://-recorder.example/", "not at an address"),
        ("http://recorder*example/", "not at an address"),
        (f"http://{'a' * 64}.example/", "not at an address"),
        (f"http://{'a.' * 130}example/", "not at an address"),
        ("http:///hook", "not at an address"),
        ("", "only be sent by http"),
        ("http://192.168.9.9/" + "a" * 2000, "not a URL"),
    ],
)
def test_refused(url: str, reason: str) -> None:
    assert reason in _refusal(url)


@pytest.mark.parametrize("name", ["homeassistant", "ha.local", "nvr-2.example.", "x_1.example", "localhost"])
def test_names_are_left_to_the_resolver(name: str) -> None:
    consumer = consumer_of(f"http://{name}:8123/api/webhook/7c")
    assert consumer == Consumer(name, None)


@pytest.mark.parametrize("client", ["10.77.0.2", "127.0.0.1", "169.254.1.1"])
def test_a_client_on_this_host_is_no_reason_to_call_the_host(client: str) -> None:
    assert _refusal(f"http://{client}/", client=client)


def test_nothing_that_the_operator_names_opens_the_host() -> None:
    everything = replace(_LAN, settings=CameraSettings(notify=("0.0.0.0/0",)))
    assert _refusal("http://8.8.8.8/", everything) == ""
    for url in ("http://127.0.0.1/", "http://10.77.0.2/", "http://169.254.169.254/"):
        assert _refusal(url, everything)


def test_ipv6_cameras() -> None:
    assert _refusal("http://[2001:db8:7::9]/", _V6) == ""
    assert "host of the camera" in _refusal("http://[2001:db8:7::2]/", _V6)


def test_loopback_mode_calls_recorders_on_this_host() -> None:
    assert _refusal("http://127.0.0.1:5000/", _LOOPBACK, "127.0.0.1") == ""
    assert "neither" in _refusal("http://127.1.0.1:5000/", _LOOPBACK, "127.0.0.1")


@given(st.text(max_size=60), st.sampled_from(["", "http://", "http://["]))
def test_any_text_is_answered(text: str, start: str) -> None:
    consumer = consumer_of(start + text)
    if isinstance(consumer, Consumer):
        assert (consumer.address is None) == bool(consumer.name)
