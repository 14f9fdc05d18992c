"""Headings of slides."""

from services.chaptering.domain.headings import headings
from services.core.text import Box, Reading, TextLine
from services.core.times import SECOND, TimeRange


def slide(at: int, *lines: tuple[str, float, float]) -> Reading:
    """Lines of (text, top, height)."""
    made = tuple(TextLine(text, Box(0.1, top, 0.9, top + height), 0.9) for text, top, height in lines)
    return Reading(TimeRange(at * SECOND, (at + 10) * SECOND), "\n".join(t for t, _, _ in lines), 0.9, made)


def found(*readings: Reading) -> list[str]:
    return [heading.text for heading in headings(readings)]


def test_the_tall_line_on_top_is_the_heading() -> None:
    body = (("we sold more than ever", 0.4, 0.04), ("but paid more too", 0.5, 0.04))
    assert found(slide(0, ("Results", 0.1, 0.1), *body)) == ["Results"]
    assert found(slide(0, ("and so on", 0.1, 0.04), *body)) == []
    assert found(slide(0, *body, ("page 3", 0.9, 0.2))) == []


def test_a_heading_of_two_lines_is_one() -> None:
    lines = (("Budget for the", 0.1, 0.08), ("year to come", 0.19, 0.08), ("less", 0.5, 0.04))
    assert found(slide(0, *lines)) == ["Budget for the year to come"]


def test_a_heading_that_stays_is_one_even_when_it_is_misread() -> None:
    first, second = slide(0, ("Introduction", 0.1, 0.1)), slide(10, ("Introductlon", 0.1, 0.1))
    assert [h.range for h in headings([first, second])] == [TimeRange(0, 20 * SECOND)]


def test_what_is_always_there_is_no_heading() -> None:
    texts = ("Introduction", "Results", "Questions", "Thanks")
    slides = [slide(10 * i, ("ACME University", 0.01, 0.2), (t, 0.25, 0.1)) for i, t in enumerate(texts)]
    assert found(*slides) == list(texts)
