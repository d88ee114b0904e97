"""The daemon's own lines in memory: what is kept, what is left out, what can be asked, and that no secret stays."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from proxyd import log_ring
from proxyd.api.logs import LogDaemonParams
from proxyd.log_ring import LogRing, part

EVERYTHING = LogDaemonParams(limit=1000)


@pytest.fixture
def ring() -> Iterator[LogRing]:
    ring = LogRing(lines=50, per_second=20)
    detach = ring.attach()
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    yield ring
    root.setLevel(level)
    detach()


def messages(ring: LogRing, **wanted: object) -> list[str]:
    return [line.message for line in ring.read(LogDaemonParams.model_validate(wanted), 0.0).lines]


def record(ring: LogRing, at: float, message: str, level: int = logging.INFO, name: str = "proxyd.rtsp.shared") -> None:
    """Straight to the handler, at a moment of the test's choice."""
    line = logging.LogRecord(name, level, __file__, 1, message, None, None)
    line.created = at
    ring.handle(line)


def test_lines_have_their_part_subject_and_level(ring: LogRing) -> None:
    logging.getLogger("proxyd.camera.fleet").info("camera %d: listens on %s", 3, "10.0.0.3")
    logging.LoggerAdapter(logging.getLogger("proxyd.onvif.http"), {"camera": 7}).warning("no answer")
    logging.getLogger("asyncio").debug("slow")
    one, two, three = ring.read(EVERYTHING, 0.0).lines
    assert (one.part, one.subject, one.level, one.message) == (
        "cameras",
        "camera 3",
        "info",
        "camera 3: listens on 10.0.0.3",
    )
    assert (two.part, two.subject, two.level) == ("cameras' ONVIF", "camera 7", "warning")
    assert (three.part, three.subject, three.level) == ("asyncio", "", "debug")
    assert one.at.endswith("Z")


def test_every_part_of_the_daemon_has_a_word() -> None:
    assert part("proxyd.daemon") == "daemon"
    assert part("proxyd.rtsp") == part("proxyd.rtsp.shared") == "streams"
    assert part("proxyd.rtspx") == "daemon"


def test_what_is_asked_for_is_what_comes(ring: LogRing) -> None:
    log = logging.getLogger("proxyd.nvr.monitor")
    log.debug("nvr 1: Hello")
    log.info("nvr 1 is ok")
    log.warning("nvr 2 is away")
    log.error("camera 1: broken")
    assert messages(ring, level="warning") == ["nvr 2 is away", "camera 1: broken"]
    assert messages(ring, nvr=1) == ["nvr 1: Hello", "nvr 1 is ok"]
    assert messages(ring, camera=1) == ["camera 1: broken"]
    assert messages(ring, camera=1, nvr=2) == ["nvr 2 is away", "camera 1: broken"]
    assert messages(ring, text="HELLO") == ["nvr 1: Hello"]
    assert messages(ring, text="nvrs", limit=2) == ["nvr 2 is away", "camera 1: broken"]  # the part counts, too
    last = ring.read(LogDaemonParams(limit=2), 0.0)
    assert last.older
    assert messages(ring, before=last.lines[0].id) == ["nvr 1: Hello", "nvr 1 is ok"]
    assert messages(ring, after=last.lines[0].id) == ["camera 1: broken"]


def test_one_who_follows_hears_each_line_once_and_what_he_missed(ring: LogRing) -> None:
    for number in range(30):
        record(ring, 100 + number, str(number))
    log = ring.read(EVERYTHING, 0.0)
    assert (len(log.lines), log.forgotten) == (30, 0)
    for number in range(60):
        record(ring, 200 + number, str(number))
    log = ring.read(LogDaemonParams(after=log.newest, limit=1000), 0.0)
    assert [line.message for line in log.lines] == [str(number) for number in range(10, 60)]
    assert log.forgotten == 10
    assert not log.older
    assert ring.read(LogDaemonParams(after=log.newest), 0.0).lines == []


def test_a_number_of_another_daemon_begins_anew(ring: LogRing) -> None:
    record(ring, 100, "one")
    log = ring.read(LogDaemonParams(after=4711), 0.0)
    assert [line.message for line in log.lines] == ["one"]


def test_a_flood_costs_a_count_and_hides_no_warning(ring: LogRing) -> None:
    for number in range(1000):
        record(ring, 100.5, f"chatter {number}")
    record(ring, 100.6, "the disk is full", logging.ERROR, "proxyd.store.connection")
    log = ring.read(EVERYTHING, 100.9)
    assert log.left_out == 980
    assert "the disk is full" in [line.message for line in log.lines]
    assert len(log.lines) == 21
    record(ring, 101.0, "calm again")
    *_, note, calm = ring.read(EVERYTHING, 101.0).lines
    assert note.message == "980 lines were left out in one second, most of them of: streams."
    assert note.level == "warning"
    assert calm.message == "calm again"


def test_a_flood_that_has_ended_is_told_of_although_nothing_follows(ring: LogRing) -> None:
    for _ in range(25):
        record(ring, 100.5, "chatter")
    assert "left out" not in ring.read(EVERYTHING, 100.9).lines[-1].message
    assert "5 lines were left out" in ring.read(EVERYTHING, 101.0).lines[-1].message
    assert ring.read(EVERYTHING, 102.0).left_out == 5


def test_warnings_have_a_limit_too(ring: LogRing) -> None:
    for _ in range(100):
        record(ring, 100.5, "again", logging.WARNING)
    assert ring.read(EVERYTHING, 100.5).left_out == 80


def test_long_lines_are_cut_and_the_oldest_go_when_it_is_too_much(
    ring: LogRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_ring, "CHARACTERS", 10_000)
    for number in range(30):
        record(ring, 100 + number, f"{number} " + "x" * 50_000)
    lines = ring.read(EVERYTHING, 0.0).lines
    assert [line.message.split()[0] for line in lines] == ["25", "26", "27", "28", "29"]
    assert {len(line.message) for line in lines} == {2000}
    assert ring._characters == sum(len(line.message) for line in lines)


def test_a_bug_leaves_its_traceback_without_values(ring: LogRing) -> None:
    password = "hunter2"
    try:
        int(password[:0])
    except ValueError:
        logging.getLogger("proxyd.jobs").exception("nvr 1: a bug in the scan")
    (line,) = ring.read(EVERYTHING, 0.0).lines
    assert "ValueError" in line.detail
    assert "test_log_ring.py" in line.detail
    assert password not in line.model_dump_json()


def test_an_account_in_an_address_is_taken_out(ring: LogRing) -> None:
    record(ring, 100, "cannot play rtsp://admin:hunter2@10.0.0.4/ch1 now, ask anna@example.org")
    record(ring, 100, "cannot play rtsp://admin:h@nt/er2@10.0.0.4/ch1 now")
    assert messages(ring) == [
        "cannot play rtsp://10.0.0.4/ch1 now, ask anna@example.org",
        "cannot play rtsp://10.0.0.4/ch1 now",
    ]


def test_a_line_whose_values_do_not_fit_is_kept_without_them(ring: LogRing) -> None:
    ring.handle(logging.LogRecord("proxyd.jobs", logging.INFO, __file__, 1, "%d cameras", ("many",), None))
    assert messages(ring) == ["%d cameras"]


def test_many_threads_write_and_one_reads(ring: LogRing) -> None:
    ring = LogRing(lines=100, per_second=1_000_000)

    def write() -> None:
        for _ in range(500):
            record(ring, 100.0, "x")

    writers = [threading.Thread(target=write, daemon=True) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        ids = [line.id for line in ring.read(EVERYTHING, 0.0).lines]
        assert ids == sorted(set(ids))
    assert ring.read(EVERYTHING, 0.0).newest == 2000
    assert len(ring.read(EVERYTHING, 0.0).lines) == 100


def test_detached_it_hears_nothing() -> None:
    ring = LogRing()
    ring.attach()()
    logging.getLogger("proxyd.jobs").error("nobody hears this")
    assert ring.read(EVERYTHING, 0.0).newest == 0
