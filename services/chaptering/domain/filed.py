"""Chapters that a video's file names: which of them are taken as given, and which of their titles say something."""

import re
from collections.abc import Sequence

from services.core.chapters import Chapter, TitleSource
from services.core.media import FileChapter
from services.core.times import SECOND, TimeRange

VERSION = 1
"""Raised when other chapters of the same file would be taken."""
GAP = SECOND
"""What lies between two chapters and is shorter belongs to the one before."""

_WORDS = (
    "chapter chapters chap ch kapitel kap chapitre capítulo capitulo capitolo cap hoofdstuk kapittel luku "
    "rozdział kapitola fejezet poglavlje capitol bölüm глава розділ κεφάλαιο 章 第章 チャプター 챕터 장 제장 "
    "part teil scene szene scène escena track titel title marker section abschnitt segment"
)
"""Words that only count chapters, as tools write them that have no titles."""
_COUNTED = frozenset(_WORDS.split())
_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?=.)(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})")
"""Roman, to 99; those above are words as well, such as "mix"."""


def given(chapters: Sequence[FileChapter], duration: int, locked: Sequence[TimeRange] = ()) -> tuple[Chapter, ...]:
    """The chapters of a file that stay as they are in a video of `duration` ns; those that meet a locked range go.

    A title that says nothing is empty. One chapter over the whole video divides nothing: then there are none.
    """
    if len(chapters) == 1 and duration - chapters[0].range.duration < GAP:
        return ()
    kept = [one for one in chapters if not any(one.range.overlaps(r) for r in locked)]
    begins = sorted([*(one.range.start for one in kept), *(r.start for r in locked), duration])
    found = []
    for one in kept:
        next_ = min(time for time in begins if time >= one.range.end)
        start = 0 if one.range.start == begins[0] and one.range.start < GAP else one.range.start
        end = next_ if next_ - one.range.end < GAP else one.range.end
        title = one.title if says_something(one.title) else ""
        found.append(Chapter(TimeRange(start, end), title, source=TitleSource.FILE))
    return tuple(found)


def says_something(title: str) -> bool:
    """False for a title that only counts, such as "Chapter 1", "Kapitel 03", "IV", "00:05:00.000"; and for none."""
    words = _LETTERS.findall(title.casefold())
    if words and _NUMBER.fullmatch(words[-1]):
        words.pop()
    # At most two: Chinese and Korean write the number in the middle.
    return bool(words) and (len(words) > 2 or "".join(words) not in _COUNTED)
