"""Whether a sentence that somebody wrote stands in the texts that it is said to rest on.

Two things must hold: it means what they say, by sentence vectors, and the numbers and quoted names in it stand in them.
A sentence that turns its source round ("was not closed" for "was closed") passes: vectors hardly see a negation.
"""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

SUPPORT = 0.985
"""Score from which a sentence means what its sources say. With the built-in pack (a score's logarithm of odds is
(z - 5.7) / 0.7, z in deviations of unrelated texts) it is a z of 8.6. Of sentences that we wrote about made-up talks,
16 true rewordings and contractions of one to three sentences had a z of 9.2 and more, and 15 that say another thing
about the same subject ("bees prefer blue flowers") 8.4 at most, instructions 2.7. On talks on other subjects, written
after it was chosen, it kept 15 of 18 true sentences and none of 20 others (the nearest had 8.3)."""
CITED = 0.05
"""A source that scores less says nothing of the sentence, whatever else is cited beside it: a z of 3.6. One of three
sentences that are drawn together may score little more, unrelated ones have a z of 2.7 at most."""
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")
_QUOTED = re.compile(r"\"([^\"]{2,})\"|“([^“”]{2,})”|„([^„“”]{2,})[“”]|«([^«»]{2,})»")


def score(cosines: F64, curve: F64) -> F64:
    """Scores in [0, 1] of cosines; `curve` is the middle and the spread (see `ports.TextVectors`)."""
    steps = np.clip((cosines - curve[0]) / max(float(curve[1]), 1e-6), -60.0, 60.0)
    found: F64 = 1.0 / (1.0 + np.exp(-steps))
    return found


def borne(text: str, vector: F32, curve: F64, sources: Sequence[str], vectors: F32) -> list[int]:
    """Places of the sources that bear a sentence out; none when they do not.

    `vectors` [n, d] are the sources', `vector` [d] and `curve` the sentence's.
    """
    if not sources:
        return []
    single = score(vectors.astype(np.float64) @ vector.astype(np.float64), curve)
    places = [i for i in range(len(sources)) if single[i] >= CITED]
    means = alike(vector, curve, vectors[places]) >= SUPPORT
    return places if means and stands(text, [sources[i] for i in places]) else []


def alike(vector: F32, curve: F64, sources: F32) -> float:
    """How surely a text means what its sources [n, d] say: any of them, or all together. In [0, 1]; 0 without any."""
    if not len(sources):
        return 0.0
    together = sources.mean(0)
    rows = np.vstack([sources, together / max(float(np.linalg.norm(together)), 1e-9)]).astype(np.float64)
    return float(score(rows @ vector.astype(np.float64), curve).max())


def stands(text: str, sources: Sequence[str]) -> bool:
    """Whether the numbers and quoted words of a text all stand in its sources."""
    known = {number for source in sources for number in _numbers(source)}
    if not _numbers(text) <= known:
        return False
    plain = [_plain(source) for source in sources]
    quoted = [_plain(next(filter(None, found))) for found in _QUOTED.findall(text)]
    return all(any(f" {words} " in f" {source} " for source in plain) for words in quoted if words)


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(_THOUSANDS.sub("", unicodedata.normalize("NFKC", text))))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in folded).split())
