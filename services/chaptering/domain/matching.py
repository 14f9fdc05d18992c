"""How well a video answers a query over its time.

A value is what search would score a moment there (`services.search`), so that 0.8 means the same in both: cosines go
through the query's own curves; of a picture, three quarters are the frame's and a quarter its shot's; a text answers by
its meaning or by the words that it shares with the query; tracks are put together as chances, of a picture and the
caption that was made from it only the better one. Search's phrases in quotes and titles of videos are not looked at.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.curves import Steps
from services.chaptering.domain.grounds import score
from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures, places
from services.chaptering.domain.terms import terms
from services.core.text import Track
from services.core.times import SECOND

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

LONG_SHOT = 30 * SECOND
"""A longer shot says nothing of its frames."""
FRAME_WEIGHT = 0.75
"""Share of a frame's own cosine; its shot has the rest."""
CAPTION = 0.3
"""What a caption counts beside other tracks."""
CHANCE, ONE_WORD, SPREAD = 0.2, 0.5, 0.08
"""Where, and how quickly, shared words make a text an answer: as search has it."""
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Asked:
    """A query: its text, and in the space of pictures and in that of texts its unit vector [d] with the middle and the
    spread [2] of its curve (see `ports.TextVectors`). Without a vector the space is not compared."""

    text: str
    picture: F32 | None = None
    picture_curve: F64 | None = None
    meaning: F32 | None = None
    meaning_curve: F64 | None = None


def answers(material: Material, pictures: Pictures, asked: Asked) -> F64:
    """[n] in [0, 1] at each of `Steps(material.duration)`: how surely that is what was asked for."""
    steps = Steps(material.duration)
    if not steps.count:
        return np.zeros(0)
    seen = _seen(material, pictures, asked, steps)
    told = {
        track: _told(material, track, asked, steps) for track in (Track.SPEECH, Track.ON_SCREEN_TEXT, Track.CAPTION)
    }
    fails = 1.0 - np.maximum(seen, CAPTION * told[Track.CAPTION])
    found: F64 = 1.0 - fails * (1.0 - told[Track.SPEECH]) * (1.0 - told[Track.ON_SCREEN_TEXT])
    return np.clip(found, 0.0, 1.0)


def _seen(material: Material, pictures: Pictures, asked: Asked, steps: Steps) -> F64:
    if asked.picture is None or asked.picture_curve is None or not len(pictures):
        return np.zeros(steps.count)
    cosines = (pictures.vectors @ asked.picture).astype(np.float64)
    where, at = places(pictures, material.shots, steps)
    if len(material.shot_vectors):
        short = np.array([shot.range.duration <= LONG_SHOT for shot in material.shots])
        pooled = (material.shot_vectors @ asked.picture).astype(np.float64)
        # No frame stands for more than the best one of its shot.
        best = np.full(len(short), -np.inf)
        np.maximum.at(best, at, cosines)
        mixed = FRAME_WEIGHT * cosines + (1 - FRAME_WEIGHT) * np.minimum(pooled, best)[at]
        cosines = np.where(short[at], mixed, cosines)
    return steps.highest(where, score(cosines, asked.picture_curve))


def _told(material: Material, track: Track, asked: Asked, steps: Steps) -> F64:
    passages = [(i, p) for i, p in enumerate(material.passages) if p.track is track]
    if not passages:
        return np.zeros(steps.count)
    worth = _shared(_words(asked.text), [frozenset(_words(p.text)) for _, p in passages])
    if asked.meaning is not None and asked.meaning_curve is not None and len(material.passage_vectors):
        cosines = (material.passage_vectors[[i for i, _ in passages]] @ asked.meaning).astype(np.float64)
        worth = 1.0 - (1.0 - score(cosines, asked.meaning_curve)) * (1.0 - worth)
    starts = np.array([p.range.start for _, p in passages], np.int64)
    ends = np.array([p.range.end for _, p in passages], np.int64)
    return steps.highest(steps.covered(starts, ends), worth)


def _shared(query: Sequence[str], texts: Sequence[Collection[str]]) -> F64:
    """How surely the words that each text shares with the query make it an answer: by their share of the weight of all
    the query's words, which weigh more the fewer texts have them (Robertson & Sparck Jones, as in BM25)."""
    asked = list(dict.fromkeys(query))
    holds = np.array([[word in text for word in asked] for text in texts], np.bool_).reshape(len(texts), len(asked))
    with_ = holds.sum(0)
    weights = np.log(1.0 + (len(texts) - with_ + 0.5) / (with_ + 0.5))
    total = float(weights.sum())
    if not total:
        return np.zeros(len(texts))
    share = holds @ weights / total
    middle = CHANCE + ONE_WORD * float(weights.max()) / total
    return np.where(share > 0, score(share, np.array([middle, SPREAD])), 0.0)


def _words(text: str) -> list[str]:
    return [*terms(text), *_NUMBER.findall(text)]
