"""Titles of chapters without a language model: a heading that is shown, else the most telling phrase."""

from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.headings import Heading, same
from services.chaptering.domain.phrases import Phrase, key, words
from services.core.times import SECOND, TimeRange

F64 = npt.NDArray[np.float64]

CANDIDATES = 40
"""Phrases of a chapter that are compared with it by vector."""
MOST_WORDS = 8
SHORT = 3
"""Words of a phrase that leave room for a second one."""
ALSO = 0.7
"""Share of the best phrase's score that the second needs."""
NEARNESS = 3.0
"""How much likeness by vector counts beside frequency."""
SHOWN = 4 * SECOND
"""Nanoseconds; a heading that is gone sooner names nothing."""
EARLY = 20 * SECOND
"""A heading that comes up within this time of a chapter's start names the chapter."""


def headed(chapters: Sequence[TimeRange], headings: Sequence[Heading]) -> list[str]:
    """For each chapter the heading that names it, or "".

    The one it begins with, else the one seen longest; none that is seen in more than half of several chapters, and
    none that names a chapter before.
    """
    seen = [[(h, r.intersection(h.range)) for h in headings] for r in chapters]
    found: list[str] = []
    for i, chapter in enumerate(chapters):
        here = [(h, part) for h, part in seen[i] if part is not None and part.duration >= SHOWN]
        best = sorted(here, key=lambda pair: (_late(pair[0], chapter), -pair[1].duration))
        title = ""
        for heading, _ in best:
            chapters_with = sum(any(part and same(h.text, heading.text) for h, part in row) for row in seen)
            common = len(chapters) > 2 and chapters_with > len(chapters) / 2
            fits = len(heading.text.split()) <= MOST_WORDS
            if fits and not common and not any(same(t, heading.text) for t in found if t):
                title = heading.text
                break
        found.append(title)
    return found


def _late(heading: Heading, chapter: TimeRange) -> bool:
    return not -EARLY <= heading.range.start - chapter.start <= EARLY


def chosen(candidates: Sequence[Sequence[Phrase]], nearness: Sequence[F64], taken: Collection[str] = ()) -> list[str]:
    """For each chapter its best phrase, or "" without any; no two chapters get the same, and none one of `taken`.

    `nearness[c]` [k] are cosines of chapter c's candidates with what sets the chapter apart from the video. A short
    phrase is joined by a second that says something else, when that is nearly as good.
    """
    used = {text.casefold() for text in taken}
    found = []
    for phrases, near in zip(candidates, nearness, strict=True):
        score = _scores(phrases, near)
        order = [i for i in np.argsort(-score, kind="stable") if phrases[i].text.casefold() not in used]
        text = phrases[order[0]].text if order else ""
        if order and len(text.split()) <= SHORT:
            second = next((i for i in order if not _stems(text) & _stems(phrases[i].text)), None)
            if second is not None and score[second] >= ALSO * score[order[0]]:
                text = f"{text}, {phrases[second].text}"
        used |= {part.casefold() for part in text.split(", ")}
        found.append(text)
    return found


def _scores(phrases: Sequence[Phrase], near: F64) -> F64:
    weights = np.array([p.weight for p in phrases])
    if not len(weights):
        return weights
    scores: F64 = weights / weights.max() + NEARNESS * near / max(float(np.abs(near).max()), 1e-9)
    return scores


def _stems(text: str) -> set[str]:
    return {key(word) for word in words(text)}


def sentence_case(title: str, sentences: Sequence[str]) -> str:
    """The title with a capital at its start only, but for words that the video never writes small."""
    small: Counter[str] = Counter()
    for sentence in sentences:
        small.update(w for w in words(sentence) if w[:1].islower())
    shown = [w if w.lower() != w and not small[w.lower()] and not _shouted(title) else w.lower() for w in title.split()]
    text = " ".join(shown).strip(" .,;:-–—")
    return text[:1].upper() + text[1:]


def _shouted(title: str) -> bool:
    """Whether all of several words are in capitals, as on a poster."""
    return title.isupper() and len(title.split()) > 1
