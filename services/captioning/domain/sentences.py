"""A plain sentence of what the visual encoder's classes say, and only when they say it clearly."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.captioning.domain.kinds import kind
from services.core.vectors import FrameClasses

SURE = 0.5
"""Least probability of a single class that is named: then nothing else can be likelier."""
SPECIFIC = 0.7
"""The same for one whose kind may be named instead: "A dog." is better than the wrong breed."""
TOGETHER = 0.4
"""Least probability of a kind for which two classes or more speak. Encoders trained with smoothed labels leave much of
the probability to the thousand others, so several that agree are right more often than their sum says."""
EITHER = 0.75
"""Least probability of two things together, of which one must be there."""
LEAD = 2.0
"""A kind is named only when it is so many times as likely as the next."""
_LEAST_OF_TWO = 0.25
_SPEAKS = 0.05
"""Least probability with which a class speaks for its kind."""


@dataclass(frozen=True)
class Said:
    """A sentence and the probability of what it says."""

    sentence: str
    confidence: float


def say(classes: FrameClasses, weights: Sequence[float]) -> Said | None:
    """A sentence about a shot of n >= 1 pictures, given their likeliest classes and how much each picture counts.

    The class when it alone is likely enough; else its kind, which all classes of that kind speak for; else one of two
    kinds; else nothing.
    """
    shares = np.asarray(weights, np.float64) / sum(weights)
    names: dict[str, float] = defaultdict(float)
    for row, share in enumerate(shares):
        for name, probability in zip(classes.names[row], classes.probabilities[row], strict=True):
            names[str(name)] += float(share) * float(probability)
    kinds: dict[str, float] = defaultdict(float)
    voices: dict[str, int] = defaultdict(int)
    for name, probability in names.items():
        kinds[kind(name)] += probability
        voices[kind(name)] += probability >= _SPEAKS
    top = _likeliest(names)[0]
    if names[top] >= (SURE if kind(top) == top else SPECIFIC):
        return Said(f"{with_article(top, first=True)}.", min(1.0, names[top]))
    top, *others = _likeliest(kinds)[:2]
    lead = not others or kinds[top] >= LEAD * kinds[others[0]]
    if kinds[top] >= (TOGETHER if voices[top] > 1 else SURE) and lead:
        return Said(f"{with_article(top, first=True)}.", min(1.0, kinds[top]))
    both = kinds[top] + kinds[others[0]] if others else 0.0
    if others and both >= EITHER and kinds[others[0]] >= _LEAST_OF_TWO:
        return Said(f"{with_article(top, first=True)} or {with_article(others[0])}.", min(1.0, both))
    return None


def with_article(name: str, first: bool = False) -> str:
    """The name of a thing with "a" or "an", as the first word of a sentence or not."""
    starts = name.casefold()
    silent = starts.startswith(("hour", "honest"))
    vowel = silent or (starts[:1] in "aeiou" and not starts.startswith(("uni", "eu", "one-")))
    article = ("An" if vowel else "A") if first else ("an" if vowel else "a")
    return f"{article} {name}"


def _likeliest(found: dict[str, float]) -> list[str]:
    return sorted(found, key=lambda name: (-found[name], name))
