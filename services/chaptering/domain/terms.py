"""Terms of a text: what two sentences about the same thing share, in any language, without a list of stop words.

A term is a word's first letters in lower case (truncation stemming, as good as a stemmer for retrieval in several
languages: Can et al. 2008, "Information retrieval on Turkish texts"). Scripts without blanks give pairs of letters.
"""

import re
import unicodedata

STEM = 6
"""Letters that are kept of a word."""
SHORTEST = 3
"""Words of fewer letters say little about a topic."""
# Thai, Lao, Burmese, Khmer, Japanese and Chinese put no blanks between words.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\W\d_{_UNSPACED}]+(?:['’][^\W\d_{_UNSPACED}]+)*)")


def folded(text: str) -> str:
    """The text with letters that look the same made the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def stem(word: str) -> str:
    """A word's term; "" for one that is too short to have one."""
    word = folded(word).split("'")[0].split("’")[0]
    return word[:STEM] if len(word) >= SHORTEST else ""


def terms(text: str) -> list[str]:
    """Terms in order, with repeats."""
    found = []
    for run in _RUN.finditer(folded(text)):
        letters = run["unspaced"]
        if letters:
            found += [letters[i : i + 2] for i in range(max(1, len(letters) - 1))]
        elif term := stem(run["word"]):
            found.append(term)
    return found
