"""Chapters as files name them."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.media import FileChapter
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.decoding.domain.chapters import LONGEST_TITLE, MOST, SHORTEST, listed

MS = Fraction(1, 1000)
INT64 = st.integers(-(2**63), 2**63 - 1)


def entry(start: int, end: int, title: str | None = None, base: Fraction | None = MS) -> dict[str, object]:
    return {"start": start, "end": end, "time_base": base, "metadata": {} if title is None else {"title": title}}


def test_chapters_are_put_on_the_timeline_and_in_order() -> None:
    found = listed(
        # The one that remains for a nanosecond is none.
        [entry(6_500, 20_000, "End"), entry(5_000, 6_500, "Beginning"), entry(45_000, 90_000, base=Fraction(1, 9000))],
        zero=5 * SECOND - 1,
        duration=4 * SECOND,
    )
    assert found == (
        FileChapter(TimeRange(1, 1_500_000_001), "Beginning"),
        FileChapter(TimeRange(1_500_000_001, 4 * SECOND), "End"),
    )


def test_of_chapters_within_chapters_the_inner_ones_stay() -> None:
    nested = [entry(0, 600, "Part"), entry(0, 200, "a"), entry(200, 400, "b"), entry(400, 600, "c")]
    assert [(c.range.start // MILLISECOND, c.title) for c in listed(nested, 0, SECOND)] == [
        (0, "a"),
        (200, "b"),
        (400, "c"),
    ]


def test_gaps_stay() -> None:
    assert [c.range for c in listed([entry(0, 100), entry(300, 400)], 0, SECOND)] == [
        TimeRange(0, 100 * MILLISECOND),
        TimeRange(300 * MILLISECOND, 400 * MILLISECOND),
    ]


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Ein Anfang ü", "Ein Anfang ü"),
        (" Two\nlines\t\x00 ", "Two lines"),
        ("\u202eright to left\x1b[31m", "right to left [31m"),
        ("x" * 5000, "x" * LONGEST_TITLE),
        ("x" * 199 + " yz", "x" * 199),
        (None, ""),
    ],
)
def test_titles_are_one_printable_line(title: str | None, shown: str) -> None:
    (found,) = listed([entry(0, 100, title)], 0, SECOND)
    assert found.title == shown


def test_what_is_absurd_is_left_out() -> None:
    assert listed([], 0, SECOND) == ()
    wrong = [
        entry(5, 5),
        entry(9, 3),
        entry(2000, 3000),
        entry(-50, -20),
        entry(0, 9, base=None),
        entry(0, 9, base=-MS),
    ]
    assert listed([*wrong, entry(-50, 50, "kept"), entry(-(2**63), -(2**63))], 0, SECOND) == (
        FileChapter(TimeRange(0, 50 * MILLISECOND), "kept"),
    )
    assert len(listed([entry(i, i + 1) for i in range(5000)], 0, 10 * SECOND)) == MOST


@given(
    st.lists(st.builds(entry, INT64, INT64, st.text(), st.fractions(0, 2) | st.just(MS))),
    INT64,
    st.integers(1, 10**14),
)
def test_any_chapters_become_a_list_that_can_be_relied_on(
    entries: list[dict[str, object]], zero: int, duration: int
) -> None:
    found = listed(entries, zero, duration)
    assert all(c.range.duration >= SHORTEST and c.range.end <= duration for c in found)
    assert all(a.range.end <= b.range.start for a, b in pairwise(found))
    assert all(c.title.isprintable() and len(c.title) <= LONGEST_TITLE and c.title == c.title.strip() for c in found)
