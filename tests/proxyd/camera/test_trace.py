"""The ring of a camera's exchanges: numbered, bounded in entries and bytes, per recorder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from proxyd.camera.raw_exchange import MAX_SIDE_BYTES, RawExchange
from proxyd.camera.trace import ENTRIES, RAW_BYTES, RAW_ENTRIES, Trace, moment

AT = "2026-11-22T12:00:00.000Z"


def exchange(number: int) -> dict[str, Any]:
    """With one of two recorders."""
    fields = {"client": f"10.0.0.{number % 2 + 3}:4{number:04}", "protocol": "onvif", "operation": "GetProfiles"}
    return fields | {"ok": True, "auth": "UsernameToken", "took_s": 0.0123}


def traced(count: int, *, raw: RawExchange | None = None, **changes: Any) -> Trace:
    trace = Trace(lambda: AT)
    for number in range(count):
        trace(**(exchange(number) | {"raw": raw} | changes))
    return trace


def test_the_last_200_are_kept_and_numbered_on() -> None:
    entries = traced(ENTRIES + 50).last(1000)
    assert [entry.number for entry in entries] == list(range(51, ENTRIES + 51))
    assert entries[0].took_ms == 12


def test_the_bytes_of_the_last_50_are_kept() -> None:
    trace = traced(80, raw=RawExchange.of(b"asked", b"told"))
    kept = [entry.number for entry in trace.last(200) if entry.raw]
    assert kept == list(range(81 - RAW_ENTRIES, 81))
    assert trace.exchange(30, ()) is None and trace.exchange(0, ()) is None
    shown = trace.exchange(80, ())
    assert shown is not None and (shown.request, shown.reply) == ("asked", "told")


def test_polls_of_many_recorders_push_nothing_else_out() -> None:
    trace = traced(4)
    poll = {"operation": "PullMessages", "raw": RawExchange.of(b"asked", b"told")}
    for number in range(3 * ENTRIES):
        trace(**exchange(number) | poll)
        trace(**exchange(number) | poll | {"auth": "", "reason": "asked for user name and password"})
    polls = trace.last(1000)[4:]
    assert [entry.number for entry in polls] == list(range(4 + 6 * ENTRIES - 3, 4 + 6 * ENTRIES + 1))
    assert [(entry.times, entry.auth) for entry in polls] == [(300, "UsernameToken"), (300, "")] * 2
    assert all(entry.raw and trace.exchange(entry.number, ()) for entry in polls)


def test_polls_before_and_after_something_else_are_told_apart() -> None:
    trace = Trace(lambda: AT)
    for operation in ("PullMessages", "PullMessages", "Renew", "PullMessages"):
        trace(**exchange(0) | {"operation": operation})
    assert [(entry.operation, entry.times) for entry in trace.last(9)] == [
        ("PullMessages", 2),
        ("Renew", 1),
        ("PullMessages", 1),
    ]


REFUSED = {"ok": False, "auth": "", "reason": "wrong password"}


def test_equal_refusals_of_one_client_are_one_line_that_counts() -> None:
    trace = Trace(lambda: AT)
    for number in range(100):
        trace(**exchange(0) | REFUSED | {"raw": RawExchange.of(b"asked %d" % number, b"told")})
        trace(**exchange(2))
        trace(**exchange(1) | REFUSED | {"client": "10.0.0.4:1"})
        trace(**exchange(0) | REFUSED | {"reason": "unknown user"})
    refused = [(entry.client[:8], entry.reason, entry.times) for entry in trace.last(200) if not entry.ok]
    assert refused == [
        ("10.0.0.3", "wrong password", 100),
        ("10.0.0.4", "wrong password", 100),
        ("10.0.0.3", "unknown user", 100),
    ]
    folded = next(entry for entry in trace.last(200) if not entry.ok)
    shown = trace.exchange(folded.number, ())
    assert shown is not None and shown.request == "asked 99"


def test_a_guesser_pushes_out_no_line_of_a_recorder_not_even_from_its_address() -> None:
    trace = Trace(lambda: AT)
    recorder = exchange(1) | {"raw": RawExchange.of(b"asked", b"told")}
    for _ in range(20):
        trace(**recorder)
    for number in range(2000):
        guess = REFUSED | {"operation": f"Operation{number}", "raw": RawExchange.of(b"x" * MAX_SIDE_BYTES, b"y")}
        trace(**recorder | guess | {"client": "10.0.0.66:1"})
        trace(**recorder | guess)
        trace(client=f"10.1.{number // 250}.{number % 250}", protocol="discovery", operation="Probe", ok=True)
    kept = [entry for entry in trace.last(1000) if entry.ok and entry.client.startswith("10.0.0.4")]
    assert [entry.number for entry in kept] == list(range(1, 21))
    assert all(entry.raw for entry in kept)
    assert len(trace.last(1000)) == ENTRIES
    assert trace._raw_bytes == sum(raw.size for raw in trace._raw.values()) <= RAW_BYTES
    assert len(trace._refused) <= ENTRIES


def test_long_exchanges_are_kept_in_bounded_space() -> None:
    side = b"x" * (2 * MAX_SIDE_BYTES)
    kept = [entry for entry in traced(60, raw=RawExchange.of(side, side)).last(200) if entry.raw]
    assert len(kept) == RAW_BYTES // (2 * MAX_SIDE_BYTES)


def test_one_recorder_alone() -> None:
    trace = traced(10)
    assert {entry.client[:8] for entry in trace.last(200, "10.0.0.4")} == {"10.0.0.4"}
    assert [entry.number for entry in trace.last(2, "10.0.0.4")] == [8, 10]
    assert trace.last(200, "10.0.0.9") == []


def test_recorders_are_known_by_address_with_and_without_port_in_both_families() -> None:
    clients = ("10.0.0.3:40000", "10.0.0.3", "[fe80::1]:40000", "[fe80::1]", "unknown")
    met = [[one.address for one in traced(1, client=client).meetings.all()] for client in clients]
    assert met == [["10.0.0.3"], ["10.0.0.3"], ["fe80::1"], ["fe80::1"], ["unknown"]]


def test_a_recorder_is_new_at_a_new_address_of_the_camera() -> None:
    trace = traced(1)
    trace.listens_on("10.0.0.101")
    assert trace.recorder is None
    trace(client="10.0.0.3:1", protocol="rtsp", operation="PLAY main", ok=True, auth="Digest MD5")
    trace.listens_on("10.0.0.102")
    assert [trace.recorder, trace.moved_from] == [None, "10.0.0.101"]
    trace(client="10.0.0.3:1", protocol="rtsp", operation="PLAY main", ok=True, auth="Digest MD5")
    assert [trace.recorder, trace.moved_from] == ["10.0.0.3", ""]


def test_times() -> None:
    assert moment(AT) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert moment("2026-11-22T12:00:00").tzinfo is UTC
    assert moment("now").year == 1
