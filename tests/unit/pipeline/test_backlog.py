"""How fast videos are indexed, and when the last will be."""

import pytest

from services.core.times import SECOND
from services.pipeline import backlog
from services.pipeline.backlog import Done, Waiting

MINUTE = 60 * SECOND
NOW = 1_000 * MINUTE
SINCE = NOW - 30 * MINUTE


def done(created: int, ready: int, minutes: int) -> Done:
    return Done(NOW - created * MINUTE, NOW - ready * MINUTE, minutes * MINUTE)


def waiting(created: int, minutes: int, share: float = 0.0, size: int = 100) -> Waiting:
    return Waiting(NOW - created * MINUTE, minutes * MINUTE, size, share)


@pytest.mark.parametrize(
    ("ready", "left", "expected"),
    [
        ([], [], 0.0),
        # An hour of media in ten minutes of work, however long nothing was to be done.
        ([done(20, 10, 60)], [], 6.0),
        # Side by side: the time in which either was indexed counts once.
        ([done(20, 10, 30), done(15, 5, 30)], [], 4.0),
        # What still waits was there all the time.
        ([done(20, 10, 60)], [waiting(20, 60)], 3.0),
        # Entered long ago: only the time that is looked at counts.
        ([done(600, 0, 60)], [], 2.0),
        # None is READY yet: what is done of the first tells.
        ([], [waiting(10, 60, 0.5), waiting(10, 60, 0.0)], 3.0),
        ([], [waiting(10, 60, 0.0)], 0.0),
    ],
)
def test_speed_is_media_time_over_the_time_in_which_there_was_work(ready, left, expected: float) -> None:
    assert backlog.speed(ready, left, SINCE, NOW) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("left", "minutes"),
    [
        ([], 0),
        ([waiting(5, 10)], 10),
        ([waiting(5, 10, 0.25)], 7.5),
        # Its length is not known yet: as many minutes a byte as the others.
        ([waiting(5, 10, size=100), waiting(1, 0, size=300)], 40),
        # Nothing is known of any.
        ([waiting(5, 0)], 0),
    ],
)
def test_what_is_left_counts_media_time_that_is_not_done(left, minutes: float) -> None:
    assert backlog.left_s(left) == pytest.approx(minutes * 60)
