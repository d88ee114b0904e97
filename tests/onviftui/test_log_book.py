"""The book of a log against a simple model: whatever comes in whatever order, it shows a run of entries without a
hole, forgets nothing that it could keep, and gets at all of the daemon's entries in the end."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from onviftui.log_book import LogBook

LIMIT = 12
PAGE = 4


@dataclass(frozen=True)
class Entry:
    id: int


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(number) for number in range(first, last + 1)]


class Reading(RuleBasedStateMachine):
    """The daemon has the entries `first` to `last`; the model knows which run of them the user sees."""

    def __init__(self) -> None:
        super().__init__()
        self.book: LogBook[Entry] = LogBook(LIMIT)
        self.first, self.last = 1, 0
        self.seen: range = range(0)  # numbers that are shown
        self.known = 0  # the newest that the book was told of
        self.waiting: range | None = None
        self.asked: tuple[int, list[Entry], bool] | None = None  # a page that is on its way

    @rule(count=st.integers(1, 2 * LIMIT), kept=st.integers(1, 3 * LIMIT))
    def the_daemon_writes(self, count: int, kept: int) -> None:
        self.last += count
        self.first = max(self.first, self.last - kept + 1)

    @rule(window=st.integers(1, 2 * LIMIT))
    def the_newest_come(self, window: int) -> None:
        """The daemon's last so many, whatever of them is known already; some may have been missed."""
        begin = max(self.first, self.last - window + 1)
        fresh = range(max(begin, self.known + 1), self.last + 1)
        had = self.known
        assert self.book.add(entries(begin, self.last), older=begin > 1) == bool(fresh)
        if not fresh:
            return
        self.known = self.last
        if self.waiting is None:
            self.seen = joined(self.seen, fresh)
        elif self.waiting or had:
            self.waiting = joined(self.waiting or range(had + 1, had + 1), fresh)
        else:
            self.waiting = fresh[-LIMIT:]

    @precondition(lambda self: self.book.older and self.book.oldest and self.asked is None)
    @rule()
    def an_older_page_is_asked_for(self) -> None:
        before = self.book.oldest
        page = entries(max(self.first, before - PAGE), before - 1)
        self.asked = before, page, len(page) == PAGE

    @precondition(lambda self: self.asked is not None)
    @rule()
    def the_older_page_comes(self) -> None:
        assert self.asked is not None
        (before, page, more), self.asked = self.asked, None
        self.book.add_older(page, before, more=more)
        if self.seen and before == self.seen.start and page:
            self.seen = range(max(page[0].id, self.seen.stop - LIMIT), self.seen.stop)

    @rule()
    def pause(self) -> None:
        self.book.pause()
        if self.waiting is None:
            self.waiting = range(0)

    @rule()
    def go_on(self) -> None:
        self.book.go_on()
        if self.waiting:
            self.seen = joined(self.seen, self.waiting)
        self.waiting = None

    @rule()
    def begin_anew(self) -> None:
        self.book.clear()
        self.seen, self.waiting, self.known = range(0), None, 0

    @invariant()
    def it_shows_what_the_model_says(self) -> None:
        assert list(self.book.shown()) == list(self.seen)
        assert [entry.id for entry in self.book.waiting()] == list(self.waiting or ())
        assert self.book.paused == (self.waiting is not None)
        assert self.book.newest == self.known
        assert self.book.oldest == (self.seen.start if self.seen else 0)

    @invariant()
    def what_is_older_can_be_read(self) -> None:
        if self.seen and len(self.seen) < LIMIT and self.first < self.seen.start:
            assert self.book.older


def joined(run: range, fresh: range) -> range:
    """`run` continued by `fresh`, or `fresh` alone where something between them is missing; the newest LIMIT."""
    whole = range(run.start, fresh.stop) if fresh.start == run.stop and run.stop else fresh
    return whole[-LIMIT:]


Reading.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestReading = Reading.TestCase
