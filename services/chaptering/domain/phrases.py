"""Phrases that could name a stretch of a video: what is said there often, and elsewhere seldom.

Candidates are runs of words that no punctuation and no function word breaks, as in RAKE (Rose et al. 2010); how
telling a term is, is its log-likelihood ratio between the stretch and the rest (Dunning 1993).
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.chaptering.domain.terms import folded, stem

MOST_WORDS = 5
SINGLE = 0.7
"""What a phrase of one word is worth beside one of more; it seldom says enough."""
LINKS = frozenset({"of", "for", "and", "in", "de", "du", "des", "del", "y", "di", "und", "für", "et"})
"""Words that may stand inside a phrase, but not at its ends."""
TELLING = 6.6
"""A ratio that chance exceeds once in a hundred. Lists of function words are long; a word that reaches it, and is said
in at most `ELSEWHERE` of the other stretches, is none here."""
ELSEWHERE = 1 / 3
_TOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Phrase:
    """`text` as it is written most often; `weight` at least 0."""

    text: str
    weight: float


def candidates(stretches: Sequence[Sequence[str]], functions: Collection[str], most: int) -> list[list[Phrase]]:
    """For each stretch, given as its sentences, at most so many phrases, the heaviest first."""
    said = [
        Counter(t for sentence in stretch for t in {stem(w) for w in words(sentence)} if t) for stretch in stretches
    ]
    sizes = [len(stretch) for stretch in stretches]
    everywhere, total = Counter[str](), sum(sizes)
    for counter in said:
        everywhere.update(counter)
    spread = Counter(t for counter in said for t in counter)
    found = []
    for stretch, here, size in zip(stretches, said, sizes, strict=True):
        telling = {t: ratio(n, size, everywhere[t] - n, total - size) for t, n in here.items()}
        limit = ELSEWHERE * (len(said) - 1)
        own = {t for t, g in telling.items() if g >= TELLING and spread[t] - 1 <= limit}
        found.append(_heaviest(stretch, telling, {f for f in functions if stem(f) not in own}, most))
    return found


def words(text: str) -> list[str]:
    """The words of a text as they are written."""
    return _TOKEN.findall(text)


def plain(word: str, functions: Collection[str]) -> bool:
    """Whether a word is one of the given ones (in lower case), with or without what an apostrophe joins to it."""
    low = folded(word).replace("’", "'")
    return low in functions or low.split("'")[0] in functions


def ratio(inside: int, size: int, outside: int, rest: int) -> float:
    """Log-likelihood ratio of a term in `inside` of `size` sentences against `outside` of the `rest`.

    At least 0; 0 when it is not more frequent inside. Without a rest, how often it is said counts.
    """
    if rest <= 0:
        return float(np.log1p(inside) * 2)
    share = (inside + outside) / (size + rest)
    if inside / size <= share:
        return 0.0
    g = inside * np.log(inside / (size * share))
    if outside:
        g += outside * np.log(outside / (rest * share))
    for k, n in ((inside, size), (outside, rest)):
        if k < n:
            g += (n - k) * np.log((n - k) / (n * (1 - share)))
    return float(2 * max(0.0, g))


def _heaviest(stretch: Iterable[str], telling: dict[str, float], functions: Collection[str], most: int) -> list[Phrase]:
    forms: dict[tuple[str, ...], Counter[str]] = {}
    for sentence in stretch:
        for run in _runs(sentence, functions):
            for length in range(1, min(MOST_WORDS, len(run)) + 1):
                for i in range(len(run) - length + 1):
                    part = run[i : i + length]
                    if _whole(part):
                        forms.setdefault(tuple(key(w) for w in part), Counter())[" ".join(part)] += 1
    found = []
    for stems, written in forms.items():
        times = sum(written.values())
        weights = [telling.get(s, 0.0) for s in stems if s not in LINKS]
        # The mean keeps a telling word from lending its weight to whatever stands beside it.
        weight = float(np.mean(np.sqrt(weights)) * np.log1p(times)) * (SINGLE if len(stems) == 1 else 1.0)
        if weight > 0 and (len(stems) == 1 or times > 1 or len(weights) <= 3):
            best = min(written, key=lambda text: (-written[text], text))
            found.append(Phrase(best, weight))
    return sorted(found, key=lambda p: (-p.weight, p.text))[:most]


def _runs(sentence: str, functions: Collection[str]) -> Iterable[list[str]]:
    """Stretches of words between punctuation and function words; links stay."""
    for clause in re.split(r"[^\w\s'’-]+(?:\s|$)|\s[-–—]+\s|\d+[.:]\d+", sentence):
        run: list[str] = []
        for word in words(clause):
            low = folded(word)
            breaks = not word[0].isalpha() or (low not in LINKS and plain(word, functions))
            if breaks or (run and folded(run[-1]) == low):
                yield run
                run = []
            if not breaks:
                run.append(word)
        yield run


def _whole(part: Sequence[str]) -> bool:
    """Whether a run of words can stand alone."""
    first, last = folded(part[0]), folded(part[-1])
    if first in LINKS or last in LINKS:
        return False
    letters = sum(len(w) for w in part)
    return letters > 3 or unspaced(part[0])


def unspaced(word: str) -> bool:
    """Whether a run of letters is of a script that puts no blanks between words."""
    return bool(_UNSPACED.search(word))


def key(word: str) -> str:
    """What forms of a word have in common."""
    return stem(word) or folded(word)
