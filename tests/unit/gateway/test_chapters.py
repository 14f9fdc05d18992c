"""Chapters that people set, made fit to be locked."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.chapters import Chapter
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.gateway.chapters import GAP, checked, told

DURATION = 600 * SECOND


@st.composite
def lists(draw: st.DrawFn) -> list[tuple[int, int, str]]:
    """Chapters in any order that do not overlap."""
    edges = sorted(draw(st.sets(st.integers(0, DURATION // MILLISECOND), min_size=2, max_size=20)))
    found = [(a * MILLISECOND, b * MILLISECOND, "t") for a, b in pairwise(edges) if draw(st.booleans())]
    return draw(st.permutations(found))


@given(lists())
def test_chapters_stay_in_order_but_for_what_rounding_left_between_them(given_: list[tuple[int, int, str]]) -> None:
    found = checked(given_, DURATION)
    assert len({one.id for one in found}) == len(given_)
    for one, (start, end, _) in zip(found, sorted(given_), strict=True):
        assert one.locked
        assert 0 <= start - one.range.start < GAP
        assert 0 <= one.range.end - end < GAP
    edges = [0, *(t for one in found for t in (one.range.start, one.range.end)), DURATION]
    assert all(b == a or b - a >= GAP for a, b in zip(edges[::2], edges[1::2], strict=True)) or not found


def test_chapters_with_room_between_them_stay_as_they_are() -> None:
    given_ = [(200 * SECOND, 300 * SECOND, "Second"), (GAP, 100 * SECOND, " First ")]
    assert checked(given_, DURATION) == (
        Chapter(TimeRange(GAP, 100 * SECOND), "First", locked=True),
        Chapter(TimeRange(200 * SECOND, 300 * SECOND), "Second", locked=True),
    )
    rounded = [(1, 100 * SECOND - 1, ""), (100 * SECOND + 1, DURATION - 1, "")]
    assert [one.range for one in checked(rounded, DURATION)] == [
        TimeRange(0, 100 * SECOND + 1),
        TimeRange(100 * SECOND + 1, DURATION),
    ]
    assert checked([], DURATION) == ()


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        (b"WEBVTT\n\n", "webvtt"),
        (b"\xef\xbb\xbf\nWEBVTT", "webvtt"),
        (b" ;FFMETADATA1\n", "ffmetadata"),
        (b"\n1\r\n00:00:00,000 --> 00:00:01,000\r\nOne\r\n", "srt"),
        (b"1\n0:00 One\n", "youtube"),
        (b"0:00 WEBVTT\n", "youtube"),
        (b"", "youtube"),
    ],
)
def test_a_files_format_is_told_by_how_it_begins(content: bytes, format_: str) -> None:
    assert told(content) == format_
