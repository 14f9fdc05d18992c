"""Which lines of text are believed, in which order they are read, and when two are the same."""

import re
from collections.abc import Iterable, Sequence

from services.core.text import TextLine

LEAST_CONFIDENCE = 0.8
"""Printed letters are read with 0.95 and more even when small; textures taken for letters mostly stay below 0.8."""
_WORD_LENGTH = 3
_LEAST_SHARE = 0.5
_VOWELS = set("aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœ")
_LATIN = re.compile(r"[a-zà-öø-ÿœ]+")


def believed(lines: Iterable[TextLine]) -> tuple[TextLine, ...]:
    """The lines that are text, from top to bottom.

    Dropped are lines read with little confidence, and lines without a word. A line too short to be a word, such as a
    page number, counts beside one that has a word, but never alone: single letters are what textures look like.
    """
    sure = [line for line in lines if line.confidence >= LEAST_CONFIDENCE and _readable(line.text)]
    if not any(_has_word(line.text) for line in sure):
        return ()
    return in_order(sure)


def in_order(lines: Iterable[TextLine]) -> tuple[TextLine, ...]:
    """From top to bottom, and from left to right where lines stand side by side."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda one: (one.box.top, one.box.left, one.text)):
        first = rows[-1][0].box if rows else None
        if first is not None and (line.box.top + line.box.bottom) / 2 < first.bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda one: (one.box.left, one.box.top, one.text)))


def same(a: str, b: str) -> bool:
    """True when two readings may be of one text: alike but for blanks, case, punctuation and a flickering letter.

    One letter of eight may differ, none of a short text. Figures must agree: a clock or a page number that changes is
    another text.
    """
    one, other = _core(a), _core(b)
    if one == other:
        return True
    if not one or not other or [c for c in one if c.isdigit()] != [c for c in other if c.isdigit()]:
        return False
    most = max(len(one), len(other)) // 8
    return abs(len(one) - len(other)) <= most and _distance(one, other, most) <= most


def _readable(text: str) -> bool:
    solid = [c for c in text if not c.isspace()]
    return bool(solid) and sum(map(str.isalnum, solid)) >= _LEAST_SHARE * len(solid)


def _has_word(text: str) -> bool:
    return any(_is_word(token) for token in re.findall(r"\w+", text))


def _is_word(token: str) -> bool:
    # A letter of Chinese, Japanese or Korean carries more than one of an alphabet.
    if sum(2 if ord(c) > 0x2E80 else 1 for c in token) < _WORD_LENGTH:
        return False
    # Small letters of an alphabet without a vowel are no word; capitals may be an abbreviation.
    return token.isupper() or not _LATIN.fullmatch(token.lower()) or bool(_VOWELS & set(token.lower()))


def _core(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum()) or text.strip()


def _distance(a: Sequence[str], b: Sequence[str], most: int) -> int:
    """Letters to put in, leave out or exchange (Levenshtein); `most` + 1 when there are more."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (letter != other))
        if min(row) > most:
            return most + 1
    return row[-1]
