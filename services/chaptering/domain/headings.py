"""Headings of what is shown: the line of a slide that names it."""

import difflib
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.core.text import Reading, TextLine
from services.core.times import TimeRange

TALLER = 1.25
"""Times as tall as the text below it is what makes a line a heading."""
UPPER = 0.45
"""A heading begins in this upper share of the picture."""
MOST_WORDS = 14
FEWEST_LETTERS = 4
ALIKE = 0.8
"""Share of letters that two readings of one heading have in common at least; reading is not perfect."""
EVERYWHERE = 0.5
"""What is read in more than this share of the readings, and in three at least, is a logo or a name, no heading."""


@dataclass(frozen=True)
class Heading:
    """A heading, and when it is seen."""

    range: TimeRange
    text: str


def headings(readings: Sequence[Reading]) -> list[Heading]:
    """Headings in order of time; the same one in readings one after another is one."""
    known = Counter(key for reading in readings for key in {_key(line.text) for line in reading.lines})
    bound = max(3, EVERYWHERE * len(readings))
    found: list[Heading] = []
    for reading in readings:
        lines = [line for line in reading.lines if known[_key(line.text)] < bound]
        text = _heading(lines)
        if not text:
            continue
        if found and same(found[-1].text, text):
            found[-1] = Heading(found[-1].range.span(reading.range), found[-1].text)
        else:
            found.append(Heading(reading.range, text))
    return found


def same(first: str, second: str) -> bool:
    """Whether two texts are readings of the same."""
    a, b = _key(first), _key(second)
    return a == b or (bool(a) and bool(b) and difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() >= ALIKE)


def _heading(lines: Sequence[TextLine]) -> str:
    """The heading of one picture's lines, or ""."""
    upper = [line for line in lines if line.box.top < UPPER and _letters(line.text) >= FEWEST_LETTERS]
    if not upper:
        return ""
    tallest = max(upper, key=_height)
    rest = [_height(line) for line in lines if line.box.top > tallest.box.bottom]
    if rest and _height(tallest) < TALLER * statistics.median(rest):
        return ""
    # A heading may run over two lines of the same height.
    block = [line for line in upper if _height(line) >= _height(tallest) / TALLER and _near(line, tallest)]
    block = block if len(block) <= 2 else [tallest]
    text = " ".join(" ".join(line.text.split()) for line in sorted(block, key=lambda line: line.box.top))
    return text if len(text.split()) <= MOST_WORDS else ""


def _near(line: TextLine, other: TextLine) -> bool:
    gap = max(line.box.top, other.box.top) - min(line.box.bottom, other.box.bottom)
    return gap <= _height(other)


def _height(line: TextLine) -> float:
    return line.box.bottom - line.box.top


def _letters(text: str) -> int:
    return sum(c.isalpha() for c in text)


def _key(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
