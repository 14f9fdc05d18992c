"""Words of a text in any script, roughly: enough to tell a short text from a long one."""

import re
from collections.abc import Iterator

# Thai, Lao, Burmese, Khmer, Japanese and Chinese put no blanks between words: each of their letters counts.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def one_line(text: str) -> str:
    """The text with every run of blanks as one space, and none at its ends."""
    return " ".join(text.split())


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each word lies, in order."""
    for match in _WORD.finditer(text):
        yield match.span()


def count(text: str) -> int:
    """How many words there are."""
    return sum(1 for _ in spans(text))
