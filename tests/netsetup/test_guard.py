"""The guard as data: which rules, what is recognized of them, which wishes are taken."""

from __future__ import annotations

import argparse
import errno
import random
from dataclasses import replace
from ipaddress import IPv4Interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsetup.accept import accept
from netsetup.arguments import add_apply_arguments, again
from netsetup.camera_findings import by_camera, host_incomplete
from netsetup.desired import desired, merge
from netsetup.diff import diff
from netsetup.errors import BadRequest, KernelRefused
from netsetup.execute import converge
from netsetup.guard import CAMERA, DAMAGED, ENTRY, guard_of, guard_rules, merge_guards
from netsetup.model import Desired, Facts, Guard, Plan
from netsetup.plan import PlanWish, make_plan
from netsetup.steps import AddRule, PutGuard, RemoveGuard, Step
from tests.netsetup.fake_kernel import HOST, FakeKernel, comparable

USUAL = Guard(("vcam",), (80, 322, 443, 554))
PORTS = st.sets(st.integers(1, 65535), min_size=1, max_size=16).map(lambda ports: tuple(sorted(ports)))
GUARDS = st.builds(Guard, st.sets(st.sampled_from(("vcam", "cam-", "nvr_"))).map(lambda p: tuple(sorted(p))), PORTS)
WISH = PlanWish("eth0", 2, "static", IPv4Interface("10.77.0.101/24"))


def rows(guard: Guard) -> list[tuple[str, str]]:
    return [(rule.chain, rule.words) for rule in guard_rules(guard)]


def test_everything_is_dropped_that_no_rule_lets_in() -> None:
    rules = guard_rules(USUAL)
    assert [(r.chain, r.words, r.verdict) for r in rules if r.chain == ENTRY] == [(ENTRY, "vcam*", "camera")]
    assert (rules[-1].chain, rules[-1].matches, rules[-1].verdict) == (CAMERA, (), "drop")
    assert {rule.verdict for rule in rules[1:-1]} == {"accept"} and all(rule.matches for rule in rules[:-1])


@given(GUARDS, st.randoms())
def test_a_guard_is_known_by_its_rules_in_whatever_order_the_chains_come(guard: Guard, chance: random.Random) -> None:
    there = rows(guard)
    swapped = [row for row in there if row[0] == CAMERA] + [row for row in there if row[0] == ENTRY]
    expected = guard if guard.prefixes else DAMAGED
    assert guard_of(there) == guard_of(swapped) == expected
    if there:
        changed = list(there)
        chance.choice((changed.pop, lambda: changed.insert(1, (CAMERA, ""))))()
        assert guard_of(changed) == DAMAGED


@given(st.lists(st.tuples(st.sampled_from((ENTRY, CAMERA, "other")), st.text(max_size=12)), max_size=6))
def test_any_comments_are_read(there: list[tuple[str, str]]) -> None:
    assert guard_of(there) == DAMAGED


@pytest.mark.parametrize("words", ["tcp 0x50", "tcp 99999", "tcp 80 ", "tcp ²"])
def test_ports_that_are_none(words: str) -> None:
    assert guard_of([*rows(USUAL)[:-1], (CAMERA, words), rows(USUAL)[-1]]) == DAMAGED


def test_what_is_open_on_one_interface_is_open_on_all() -> None:
    assert merge_guards([None, Guard(("vcam",), (80,)), Guard(("cam",), (80, 8080))]) == Guard(
        ("cam", "vcam"), (80, 8080)
    )
    assert merge_guards([None, None]) is None


def test_it_stands_before_the_first_camera_and_goes_after_the_last() -> None:
    (plan,) = make_plan(replace(WISH, guard=USUAL.tcp), (), HOST)
    wish = desired(plan, {}, host_lan=None)
    steps = diff(HOST, wish)
    names = [type(step).__name__ for step in steps]
    assert names.index("PutGuard") < names.index("AddLink") and PutGuard(USUAL) in steps
    assert PutGuard(USUAL) not in diff(replace(HOST, guard=USUAL), wish)
    assert PutGuard(USUAL) in diff(replace(HOST, guard=DAMAGED), wish)
    assert diff(Facts(guard=USUAL), Desired()) == [RemoveGuard()]
    assert merge([wish, Desired()]).guard == USUAL


def test_plans_keep_it_until_it_is_wished_otherwise() -> None:
    plans = make_plan(replace(WISH, guard=(80,)), (), HOST)
    assert [p.guard for p in make_plan(replace(WISH, count=3), plans, HOST)] == [(80,)]
    beside = PlanWish("eth1", 1, "static", IPv4Interface("10.78.0.101/24"))
    assert [p.guard for p in make_plan(beside, plans, HOST)] == [(80,), (80,)]
    assert [p.guard for p in make_plan(replace(WISH, guard=()), plans, HOST)] == [()]
    (plan,) = plans
    assert Plan.from_json(plan.to_json()) == plan
    older = {key: value for key, value in plan.to_json().items() if key != "guard"}
    assert Plan.from_json(older) == replace(plan, guard=())
    assert replace(plan, guard=()).digest() != plan.digest()


@pytest.mark.parametrize("ports", [(0,), (65536,), (80, 80), (554, 80), tuple(range(1, 18))])
def test_ports_that_no_guard_can_leave_open(ports: tuple[int, ...]) -> None:
    (plan,) = make_plan(WISH, (), HOST)
    with pytest.raises(BadRequest, match="at most 16 different TCP ports"):
        accept([replace(plan, guard=ports)], HOST, None)


@pytest.mark.parametrize(
    ("words", "guard", "repeated"),
    [
        ([], None, ""),
        (["--guard"], (80, 322, 443, 554), "--guard 80,322,443,554 "),
        (["--guard", "8554,8000"], (8000, 8554), "--guard 8000,8554 "),
        (["--no-guard"], (), "--no-guard "),
    ],
)
def test_options(words: list[str], guard: tuple[int, ...] | None, repeated: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_apply_arguments(parser)
    args = parser.parse_args(words)
    assert args.guard == guard and again(args, "--yes") == f"netsetup apply {repeated}--yes"
    with pytest.raises(argparse.ArgumentError, match="80,http is not a list of ports"):
        parser.parse_args(["--guard", "80,http"])


def test_the_doctor_tells_a_changed_guard_from_other_faults() -> None:
    (plan,) = make_plan(replace(WISH, guard=USUAL.tcp), (), HOST)
    rule = desired(plan, {}, host_lan=None).rules[-1]
    pending = by_camera([PutGuard(USUAL), AddRule(rule)], (plan,))[""]
    found = {finding.id: finding for finding in host_incomplete(pending)}
    assert found.keys() == {"host-incomplete", "guard-changed"}
    assert "guard" not in found["host-incomplete"].what and "tcp 80, 322, 443, 554" in found["guard-changed"].what


@pytest.mark.parametrize(
    ("code", "hint"), [(errno.EPERM, "Try it as root"), (errno.EOPNOTSUPP, "do it without, with --no-guard")]
)
async def test_a_kernel_that_refuses_it_leaves_nothing_behind(code: int, hint: str) -> None:
    class Refusing(FakeKernel):
        async def do(self, step: Step) -> None:
            if isinstance(step, PutGuard):
                raise OSError(code, "no")
            await super().do(step)

    kernel = Refusing()
    with pytest.raises(KernelRefused, match="refused to let only tcp 80, 322, 443, 554") as refused:
        await converge(make_plan(replace(WISH, guard=USUAL.tcp), (), HOST), {}, journal=None, kernel=kernel)
    assert hint in refused.value.hint and "Everything was put back" in refused.value.message
    assert comparable(kernel.state) == comparable(HOST)
