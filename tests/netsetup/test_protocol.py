"""The arm's protocol, limits file and adapters' names: pure, and hard to confuse."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsetup.config import format_limits, load_limits, parse_limits
from netsetup.errors import BadRequest
from netsetup.model import Facts, HostLink, Limits, Plan, Slot
from netsetup.parents import KnownAdapter, follow, remember, renamed, where_it_is
from netsetup.plan import PlanWish
from netsetup.protocol import (
    MOST_REQUEST_BYTES,
    Add,
    Apply,
    Hostnames,
    MakePlan,
    Remove,
    Status,
    digest_of,
    parse_request,
)

PLAN = Plan("eth0", 0, "static", (Slot(1, "vcam1", "a2:6f:00:00:00:01", IPv4Interface("10.77.0.101/24")),))


def request(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_every_request_is_understood() -> None:
    assert parse_request(request(do="status")) == Status()
    assert parse_request(request(do="watch")) == Status(watch=True)
    assert parse_request(request(do="add", count=4)) == Add(4)
    assert parse_request(request(do="remove", names=["vcam1", "vcam1"], dry_run=True)) == Remove(("vcam1",), True)
    assert parse_request(request(do="hostnames", names={"a2:6f:00:00:00:01": "Gate"})) == Hostnames(
        {"a2:6f:00:00:00:01": "Gate"}
    )
    plan = request(do="plan", parent="eth0", count=2, method="static", first="10.77.0.1/24", exclude=["10.77.0.8/30"])
    assert parse_request(plan) == MakePlan(
        PlanWish("eth0", 2, "static", IPv4Interface("10.77.0.1/24"), exclude=(IPv4Network("10.77.0.8/30"),))
    )
    assert parse_request(request(do="apply", plans=[PLAN.to_json()], digest=digest_of([PLAN]))) == Apply(
        (PLAN,), digest_of([PLAN])
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"do": 1}', "no such request"),
        (b'{"do": ["status"]}', "no such request"),
        (request(do="status", more=1), "knows no 'more'"),
        (request(do="add"), "count must be"),
        (request(do="add", count=True), "count must be"),
        (request(do="add", count=0), "count must be"),
        (request(do="add", count=1, parent="eth0\n"), "parent must be"),
        (request(do="add", count=1, dry_run="no"), "dry_run must be"),
        (request(do="remove", names=[]), "names must be"),
        (request(do="remove", names=["x" * 16]), "names must be"),
        (request(do="plan", parent="eth0", count=1, method="bootp"), "method must be"),
        (request(do="plan", parent="eth0", count=1, first="10.77.0.300/24"), "first must be"),
        (request(do="plan", parent="eth0", count=1, exclude=[7]), "exclude must be"),
        (request(do="apply", plans=[], digest="x"), "plans must be given"),
        (request(do="apply", plans=[{"parent": "eth0"}], digest="x"), "plans must be"),
        (request(do="hostnames", names={"nobody": "x"}), "names must be"),
        (request(do="add", count=1, known=["a2:6f:00:00:00:01"]), "known must be"),
        (request(do="add", count=1, known={"a2:6f:00:00:00:01": 7}), "known must be"),
        (
            request(do="add", count=1, known={f"a2:6f:00:00:{n >> 8:02x}:{n & 255:02x}": "x" for n in range(4097)}),
            "known must be",
        ),
        (b" " * (MOST_REQUEST_BYTES + 1), "bytes"),
    ],
)
def test_nothing_is_guessed(line: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        parse_request(line)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = ("parent", "count", "method", "first", "gateway", "exclude", "names", "plans", "digest", "dry_run", "known")
_KINDS = ("status", "watch", "plan", "apply", "add", "remove", "doctor", "hostnames")


@given(st.binary(max_size=200) | st.builds(lambda k, f: request(do=k, **f), st.sampled_from(_KINDS),
       st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=5)))  # fmt: skip
def test_any_line_is_a_request_or_a_clear_refusal(line: bytes) -> None:
    try:
        parse_request(line)
    except BadRequest as error:
        assert error.message.endswith(".")


@given(
    st.builds(
        Limits,
        st.lists(st.sampled_from(["eth0", "enp3s0", "lan1"]), min_size=1, max_size=3, unique=True).map(tuple),
        st.lists(st.sampled_from([IPv4Network("10.77.0.0/24"), IPv4Network("10.1.0.0/16")]), max_size=2).map(tuple),
        st.sampled_from(["vcam", "kamera-"]),
        st.integers(1, 512),
        st.sampled_from(["proxyd", "_x"]),
    )
)
def test_limits_are_read_as_written(limits: Limits) -> None:
    assert parse_limits(format_limits(limits)) == limits


def test_all_mistakes_of_the_limits_are_named_at_once() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_limits('parents = "eth0"\nranges = ["10.77.0.1/24"]\nmost = 9999\ncolour = "red"\nuser = "a b"\n')
    for words in ("parents must", "ranges must", "most must", "colour is not known", "user must"):
        assert words in str(caught.value)
    with pytest.raises(BadRequest, match="parents is missing"):
        parse_limits("")
    with pytest.raises(BadRequest, match="not TOML"):
        parse_limits("[")


def link(name: str, mac: str, kind: str = "", **more: object) -> HostLink:
    return replace(HostLink(name, 1, mac, kind, up=True, carrier=True), **more)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parents = " + "[" * 50_000, "is not TOML"),
        ('parents = ["eth0"]\nparents = ["eth1"]', "is not TOML"),
        ("".join(f"k{number} = 1\n" for number in range(5000)), "and 4981 more"),
        ('"\\u001b[2J" = 1', r"'\\x1b\[2J' is not known"),
    ],
)
def test_a_config_of_garbage_is_refused_in_few_words(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        parse_limits(text)
    assert len(caught.value.message) < 1000


def test_limits_that_others_could_have_set_are_none(tmp_path: Path) -> None:
    file = tmp_path / "netsetup.toml"
    file.write_text('parents = ["eth0"]\n')
    assert load_limits(file).parents == ("eth0",)
    file.chmod(0o666)
    with pytest.raises(BadRequest, match="may be written by others") as caught:
        load_limits(file)
    assert "chmod go-w" in caught.value.hint
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(BadRequest, match="no ordinary file"):
        load_limits(file)
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(BadRequest, match="no ordinary file"):
        load_limits(file)
    file.unlink()
    file.write_bytes(b"\xff\xfe" * 400)
    with pytest.raises(BadRequest, match="not UTF-8"):
        load_limits(file)


def test_an_adapter_is_known_by_its_cameras_and_by_its_mac() -> None:
    before = Facts((link("eth0", "02:00:00:00:00:01"),))
    known = remember([PLAN], before, {})
    assert known == {"eth0": KnownAdapter("02:00:00:00:00:01", "", "eth0")}
    after = Facts((link("lan7", "02:00:00:00:00:01"), link("br0", "02:00:00:00:00:01", "bridge")))
    assert renamed([PLAN], after, known) == {"eth0": "lan7"}
    plans, known = follow([PLAN], known, {"eth0": "lan7"})
    assert [plan.parent for plan in plans] == ["lan7"]
    assert known == {"lan7": KnownAdapter("02:00:00:00:00:01", "", "eth0")}
    camera = link("vcam1", "a2:6f:00:00:00:01", "macvlan", parent="lan8", alias="onviftui:camera 1")
    proof = Facts((link("lan8", "02:00:00:00:00:09"), camera))
    assert renamed([PLAN], proof, {}) == {"eth0": "lan8"}
    assert where_it_is(PLAN, proof).parent == "lan8"


def test_nothing_is_followed_by_guess() -> None:
    known = {"eth0": KnownAdapter("02:00:00:00:00:01", "", "eth0")}
    twins = Facts((link("a", "02:00:00:00:00:01"), link("b", "02:00:00:00:00:01")))
    assert renamed([PLAN], twins, known) == {}
    bridge = Facts((link("br0", "02:00:00:00:00:01", "bridge"),))
    assert renamed([PLAN], bridge, known) == {}
    second = replace(PLAN, parent="lan7", block=1, gateway=IPv4Address("10.77.0.1"))
    assert renamed([PLAN, second], Facts((link("lan7", "02:00:00:00:00:01"),)), known) == {}
    assert remember([PLAN], Facts(), known) == known
