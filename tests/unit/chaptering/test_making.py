"""Work that tells how far it has come, and ends when nobody waits for it."""

import threading
from collections.abc import Callable, Iterator

import pytest
import structlog

from services.chaptering.making import made
from services.core.errors import Cancelled, Incomplete
from services.core.jobs import Progress


class Caller:
    """Somebody who waits, until he is `gone`."""

    def __init__(self, here: bool = True) -> None:
        self.here = here
        self._ends: list[Callable[[], None]] = []

    def on_end(self, end: Callable[[], None]) -> bool:
        self._ends.append(end)
        return self.here

    def go(self) -> None:
        for end in self._ends:
            end()


class Work:
    """Parts that each wait for `step`; `ended` is set whatever ends it."""

    def __init__(self) -> None:
        self.step, self.ended = threading.Semaphore(0), threading.Event()
        self.done = 0

    def __call__(self, progress: Progress) -> str:
        try:
            progress(0, 3)
            for done in range(1, 4):
                assert self.step.acquire(timeout=60)
                self.done = done
                progress(done, 3)
            return "made"
        finally:
            self.ended.set()


def test_parts_are_told_as_they_are_made_and_the_result_comes_last() -> None:
    work = Work()
    found = made(work, Caller().on_end)
    assert next(found) == (0, 3)
    # Nothing more is done, so the first part was told before the second was made.
    assert work.done == 0
    work.step.release(3)
    assert list(found) == [(1, 3), (2, 3), (3, 3), "made"]


def test_what_the_work_raises_is_raised() -> None:
    def fails(progress: Progress) -> str:
        progress(1, 2)
        raise Incomplete("half")

    found = made(fails, Caller().on_end)
    assert next(found) == (1, 2)
    with pytest.raises(Incomplete, match="half"):
        next(found)


def test_a_caller_who_goes_ends_the_work_at_its_next_part() -> None:
    work, caller = Work(), Caller()
    found = made(work, caller.on_end)
    next(found)
    caller.go()
    work.step.release(3)
    with pytest.raises(Cancelled):
        list(found)
    assert (work.ended.is_set(), work.done) == (True, 1)


def test_a_reader_who_stops_reading_ends_the_work_and_waits_for_it() -> None:
    work = Work()
    found: Iterator[object] = made(work, Caller().on_end)
    next(found)
    work.step.release(3)
    found.close()  # type: ignore[attr-defined]
    assert work.ended.is_set()


def test_nothing_is_done_for_one_who_has_gone_before() -> None:
    work = Work()
    with pytest.raises(Cancelled):
        list(made(work, Caller(here=False).on_end))
    assert work.done == 0


def test_log_lines_of_the_work_carry_what_is_bound_to_the_call() -> None:
    with structlog.contextvars.bound_contextvars(video="v"):
        (found,) = made(lambda progress: dict(structlog.contextvars.get_contextvars()), Caller().on_end)
    assert found == {"video": "v"}
