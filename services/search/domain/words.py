"""Words of a text as search compares them: without case, accents and punctuation, and by their stems.

The index keeps the terms of a text, written here, and never the text itself, so every Milvus cuts it alike: milvus-lite
knows neither stemming nor a script without spaces. English stems only: what a text's language is, a query does not say,
and a wrong stem is wrong on both sides alike.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import snowballstemmer

MAX_TERMS_BYTES = 60_000
"""Milvus takes 65,535 bytes of text in a field."""
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
"""Of Latin, Greek and Cyrillic letters, and the vowel points of Hebrew and Arabic."""
_APOSTROPHE = re.compile(r"(?<=\w)['\u2019](?=\w)")
_WORD = re.compile("(?:[^\\W_]|[\u0900-\u0963\u0966-\u0dff])+")
"""Python counts the vowel signs of Indian scripts as no part of a word."""
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Letters of scripts that put no space between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_STEMMER = snowballstemmer.stemmer("english")


def words(text: str) -> list[str]:
    """Words in order, without case, accents and apostrophes; each letter of a script without spaces is one."""
    return [word for run in _runs(text) for word in run]


def units(text: str) -> list[str]:
    """What two texts are compared by: stems, and pairs of neighbouring letters of a script without spaces."""
    found: list[str] = []
    for run in _runs(text):
        if len(run) > 1:
            found += pairs(run)
        else:
            found += run if _SPACELESS.match(run[0]) else [_stem(run[0])]
    return found


def pairs(sequence: Sequence[str]) -> list[str]:
    """Each two neighbouring words as one: what a phrase is looked up by, and what finds "takeout" in "take out"."""
    return [_stem(a + b) for a, b in pairwise(sequence)]


def terms(text: str, after: str = "") -> str:
    """All that the full text index keeps of a text, parted by spaces: its units, and its pairs of words. The last pair
    ends in `after`, the text that follows, so that a phrase is found that goes on there."""
    whole = " ".join([*units(text), *pairs([*words(text), *words(after)[:1]])])
    kept = whole.encode()[:MAX_TERMS_BYTES].decode("utf-8", "ignore")
    return whole if kept == whole else kept.rpartition(" ")[0]


def holds(text: str, after: str, phrase: Sequence[str]) -> bool:
    """Whether the words of a phrase stand in the text, in order and without others between; it may end in `after`."""
    own = words(text)
    both = own + words(after)
    size = len(phrase)
    return any(both[at : at + size] == list(phrase) for at in range(min(len(own), len(both) - size + 1)))


def _runs(text: str) -> Iterator[list[str]]:
    """Words, each alone, and runs of letters of a script without spaces."""
    for token in _WORD.findall(_fold(text)):
        if not _SPACELESS.search(token):
            yield [token]
            continue
        run: list[str] = []
        plain = ""
        for letter in token:
            if _SPACELESS.match(letter):
                if plain:
                    yield [plain]
                    plain = ""
                run.append(letter)
            else:
                if run:
                    yield run
                    run = []
                plain += letter
        if plain or run:
            yield run or [plain]


def _fold(text: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return _APOSTROPHE.sub("", unicodedata.normalize("NFC", bare).casefold())


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    stemmed: str = _STEMMER.stemWord(word) if word.isascii() else word
    return stemmed
