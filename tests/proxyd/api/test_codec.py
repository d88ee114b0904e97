import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from proxyd.api import codec
from proxyd.api import models as m
from proxyd.api.bulk import SWITCHES
from proxyd.api.methods import METHODS
from proxyd.api.params import CameraChanges
from proxyd.errors import Conflict, InvalidInput, NotFound, ProxyError


def call(method: str, params: Any = None, id_: Any = 1) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params or {}})


def test_a_call_survives_the_wire_with_its_secret() -> None:
    params = {"host": "192.0.2.4", "username": "admin", "password": SecretStr("Top Secret")}
    decoded = codec.decode_call(codec.encode_call(7, "nvr.add", params))
    assert isinstance(decoded.params, m.NvrAdd)
    assert decoded.params.password.get_secret_value() == "Top Secret"
    assert "Top Secret" not in repr(decoded)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", codec.PARSE_ERROR),
        ("\ud800", codec.PARSE_ERROR),
        ("[" * 100_000, codec.PARSE_ERROR),
        ("[]", codec.INVALID_REQUEST),
        ('{"id":1,"method":"status"}', codec.INVALID_REQUEST),
        ('{"jsonrpc":"2.0","id":true,"method":"status"}', codec.INVALID_REQUEST),
        (call("no.such"), codec.METHOD_NOT_FOUND),
        (call("status", [1]), codec.INVALID_PARAMS),
        (call("nvr.get", {"id": "1"}), codec.INVALID_PARAMS),
        (call("nvr.get", {"id": True}), codec.INVALID_PARAMS),
        (call("nvr.get", {"id": 0}), codec.INVALID_PARAMS),
        (call("nvr.get", {"id": 1, "extra": 2}), codec.INVALID_PARAMS),
    ],
)
def test_what_is_not_a_request_gets_its_documented_error(text: str, code: int) -> None:
    with pytest.raises(codec.WireError) as caught:
        codec.decode_call(text)
    assert caught.value.rpc_code == code
    assert json.loads(codec.encode_error(caught.value.id, caught.value))["error"]["code"] == code


def test_all_wrong_fields_are_named_at_once_and_no_value_is_quoted() -> None:
    secret = "swordfish\x00" * 30
    with pytest.raises(codec.WireError) as caught:
        codec.decode_call(call("nvr.add", {"host": "300.1.1.1", "port": 70000, "username": "", "password": secret}))
    body = json.loads(codec.encode_error(1, caught.value))["error"]
    assert set(body["data"]["fields"]) == {"host", "port", "username", "password"}
    assert "swordfish" not in json.dumps(body)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("10.0.0.1", "10.0.0.1"), (" NVR.local. ", "nvr.local"), ("[fe80::1]", "fe80::1"), ("FE80::01", "fe80::1")],
)
def test_hosts_are_normalised(typed: str, kept: str) -> None:
    assert m.ById(id=1)
    assert m.NvrAdd(host=typed, username="a", password=SecretStr("b")).host == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "10.0.0",
        "10.0.0.256",
        "http://x",
        "a b",
        "x/y",
        "a..b",
        "-a",
        "user@host",
        "x:80",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "x..",
    ],
)
def test_what_is_no_host_is_refused(typed: str) -> None:
    with pytest.raises(codec.WireError):
        codec.decode_call(call("nvr.add", {"host": typed, "username": "a", "password": "b"}))


@pytest.mark.parametrize("probe", ["192.0.2.1", "192.0.2.1:3702", "nvr.local:9", "fe80::1", "[fe80::1]", "[::1]:3702"])
def test_probes_are_addresses_with_or_without_port(probe: str) -> None:
    decoded = codec.decode_call(call("nvr.discover", {"probe": [probe]}))
    assert isinstance(decoded.params, m.NvrDiscover) and decoded.params.probe == [probe]


@pytest.mark.parametrize("probe", ["", " ", ":", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:99999", "a b", "x:y"])
def test_what_cannot_be_probed_is_refused(probe: str) -> None:
    with pytest.raises(codec.WireError):
        codec.decode_call(call("nvr.discover", {"probe": [probe]}))


@pytest.mark.parametrize("error", [NotFound("no camera 3", "look"), Conflict("twice"), ProxyError("odd", "try")])
def test_errors_arrive_as_what_they_were(error: ProxyError) -> None:
    back = codec.decode_error(json.loads(codec.encode_error(1, error))["error"])
    assert (type(back), back.message, back.hint) == (type(error), error.message, error.hint)


def test_wrong_fields_arrive_at_the_form() -> None:
    back = codec.decode_error(json.loads(codec.encode_error(1, InvalidInput("no", "", {"host": "bad"})))["error"])
    assert isinstance(back, InvalidInput)
    assert back.fields == {"host": "bad"}


def test_a_bug_stays_inside() -> None:
    assert "hunter2" not in codec.encode_error(1, ValueError("hunter2"))


def test_every_result_type_can_be_written_and_read() -> None:
    for method in METHODS.values():
        assert method.adapter().json_schema() is not None
        assert method.help.endswith(".")


@given(st.text() | st.binary())
def test_any_text_is_a_call_or_a_documented_error(text: str | bytes) -> None:
    try:
        codec.decode_call(text)
    except codec.WireError as error:
        assert error.rpc_code < 0


@pytest.mark.parametrize(
    ("method", "params", "field", "words"),
    [
        ("camera.update", {"id": 1, "name": ""}, "name", "must not be empty"),
        ("camera.update", {"id": 1, "name": "x" * 999}, "name", "may have at most 64 characters"),
        ("camera.update", {"id": 1, "nmae": "x"}, "nmae", "is not known"),
        ("camera.update", {"id": 1, "notify": ["everywhere"]}, "notify.0", "must be a network such as 10.9.0.0/24"),
        ("log.tail", {"limit": 0}, "limit", "must be at least 1"),
        ("nvr.get", {"id": "one"}, "id", "must be a whole number"),
        ("nvr.get", {}, "id", "is missing"),
    ],
)
def test_wrong_fields_are_told_in_words(method: str, params: Any, field: str, words: str) -> None:
    with pytest.raises(codec.WireErrorWithFields) as caught:
        codec.decode_call(call(method, params))
    assert caught.value.fields == {field: words}


def test_every_switch_of_a_camera_can_be_changed_of_many() -> None:
    assert {*SWITCHES, "username", "password"} == set(CameraChanges.model_fields)
