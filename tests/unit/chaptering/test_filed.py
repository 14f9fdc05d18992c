"""Chapters that a video's file names."""

from itertools import pairwise

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.chaptering.domain.filed import GAP, given, says_something
from services.core.chapters import TitleSource
from services.core.media import FileChapter
from services.core.times import MILLISECOND, SECOND, TimeRange

COUNTING = (
    "|7|Chapter 1|chapter|CHAPTER_003|Chap. 12|Kapitel 03|Kapitel IV|XIV|00:05:00.000|- 4 -|1:02|第1章|제 3 장|Глава 5|"
    "Chapitre 2|Part 2|Track 11|Scene 3."
)
NAMING = (
    "Intro|Chapter 1: The bees|Chapter of accidents|Part time work|Mix|Apollo 11|Civil war|蜜蜂|1984 and after|"
    "The 3 Graces|Title fight II"
)


def filed(*bounds: tuple[float, float], title: str = "Bees") -> list[FileChapter]:
    return [FileChapter(seconds(*one), title) for one in bounds]


def seconds(start: float, end: float) -> TimeRange:
    return TimeRange(round(start * SECOND), round(end * SECOND))


def ranges(chapters: list[FileChapter], duration: float, *locked: TimeRange) -> list[tuple[float, float]]:
    found = given(chapters, round(duration * SECOND), locked)
    return [(c.range.start / SECOND, c.range.end / SECOND) for c in found]


@pytest.mark.parametrize("title", COUNTING.split("|"))
def test_a_title_that_only_counts_says_nothing(title: str) -> None:
    assert not says_something(title)


@pytest.mark.parametrize("title", NAMING.split("|"))
def test_a_title_that_names_something_says_it(title: str) -> None:
    assert says_something(title)


def test_chapters_of_the_file_are_kept_with_titles_that_say_something() -> None:
    one, two = given([*filed((0, 100)), *filed((100, 200), title="Chapter 2")], 200 * SECOND)
    assert [(c.range, c.title, c.locked, c.source) for c in (one, two)] == [
        (seconds(0, 100), "Bees", False, TitleSource.FILE),
        (seconds(100, 200), "", False, TitleSource.FILE),
    ]


def test_slits_are_closed_and_gaps_are_left() -> None:
    assert ranges(filed((0.9, 100), (100.5, 200), (230, 299.5)), 300) == [(0, 100.5), (100.5, 200), (230, 300)]
    assert ranges(filed((1, 100), (101, 199)), 200) == [(1, 100), (101, 199)]


@pytest.mark.parametrize("whole", [(0, 300), (0.4, 299.9)])
def test_one_chapter_over_the_whole_divides_nothing(whole: tuple[float, float]) -> None:
    assert ranges(filed(whole), 300) == []
    assert ranges(filed(whole), 300, seconds(0, 20)) == []


def test_one_chapter_over_a_part_is_kept() -> None:
    assert ranges(filed((0, 200)), 300) == [(0, 200)]


def test_what_an_editor_locked_comes_first() -> None:
    found = filed((0, 100), (100, 200), (200, 300))
    assert ranges(found, 300, seconds(90, 150)) == [(200, 300)]
    assert ranges(found, 300, seconds(100, 200)) == [(0, 100), (200, 300)]
    assert ranges(found, 300, seconds(0, 300)) == []
    # The slit beside a locked one is closed as well, and nothing grows over it.
    assert ranges(filed((0.5, 99.5), (150, 300)), 300, seconds(0, 0.5), seconds(100, 150)) == [(0.5, 100), (150, 300)]


@st.composite
def films(draw: st.DrawFn) -> tuple[list[FileChapter], int, list[TimeRange]]:
    """Chapters and locked ranges, each in order and without overlap."""
    duration = draw(st.integers(SECOND, 1000 * SECOND))

    def apart() -> list[TimeRange]:
        times = sorted(draw(st.sets(st.integers(0, duration), max_size=12)))
        pairs = list(zip(times[::2], times[1::2], strict=False))
        return [TimeRange(a, b) for a, b in pairs if b - a >= MILLISECOND]

    return [FileChapter(r, "x") for r in apart()], duration, apart()


@examples(films())
def test_chapters_never_overlap_each_other_or_a_locked_one(
    film: tuple[list[FileChapter], int, list[TimeRange]],
) -> None:
    chapters, duration, locked = film
    found = [c.range for c in given(chapters, duration, locked)]
    assert all(a.end <= b.start for a, b in pairwise(sorted([*found, *locked])))
    for one in found:
        assert any(0 <= c.range.start - one.start < GAP and 0 <= one.end - c.range.end < GAP for c in chapters)
        assert 0 <= one.start < one.end <= duration
