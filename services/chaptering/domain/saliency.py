"""How much stands out in a video over its time, when nobody has said what to look for.

After Ma, Lu, Zhang & Li 2002, "A user attention model for video summarization": a curve for each thing that draws
attention, each normalised over the video, their weighted mean, smoothed; what is worth seeing lies around its crests.
The curves are of what the tracks hold, and any of them may be missing:

- what is seen, by how rare it is: its self-information (as in Bruce & Tsotsos 2005, "Saliency based on information
  maximization"), with a density estimated over the whole video. A slide that stands for minutes is common, however
  different it is from all others; a burst of pictures that are seen nowhere else is rare.
- cuts a second: what an editor hurries through is meant to be exciting.
- what is said, by how telling each sentence is (self-information of its terms, as in Luhn's and Edmundson's extracts)
  and how central to what is said around it (degree centrality, Erkan & Radev 2004). Silence is worth nothing.
- headings and other text when it comes up.
- captions, by how telling they are in this video.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.curves import Steps, smoothed
from services.chaptering.domain.headings import headings
from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures, over_time
from services.chaptering.domain.terms import terms
from services.core.text import Reading, Track
from services.core.times import SECOND

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

WEIGHTS = {"rarity": 1.0, "rhythm": 0.5, "speech": 2.0, "writing": 0.5, "captions": 0.25}
"""How it is cut and headed counts half as much as what is shown; a caption says that again. What is said counts by the
share of time in which somebody speaks: as much as what is shown when that is half, twice as much in a talk."""
LOW, HIGH = 10, 98
"""Percentiles of a curve that become 0 and 1."""
LEAST = {"rarity": 0.5, "rhythm": 0.1, "speech": 0.2, "writing": 0.2, "captions": 0.2}
"""A curve that varies by less does not become 1 where it is highest: nats, cuts a second, shares."""
SMOOTH = 5 * SECOND
"""Width of the window over which the curve is smoothed."""
RHYTHM = 11 * SECOND
"""Width of the window in which cuts are counted."""
NEW = 3 * SECOND
"""How long text that has come up is new."""
SAMPLE = 2000
"""Steps, evenly spaced, that stand for the whole video when the density of what is seen is estimated."""
AROUND = 12
"""Sentences before and after one to which it may be central."""
NOISE = 0.05
"""Cosines of pictures of the same thing differ by so much."""


def saliency(material: Material, pictures: Pictures) -> F64:
    """[n] in [0, 1] at each of `Steps(material.duration)`; all 0 where nothing is known, or everything is alike.

    Not smoothed yet: see `eased`.
    """
    steps = Steps(material.duration)
    total, weights = np.zeros(steps.count), 0.0
    if not steps.count:
        return total
    for name, curve in _curves(material, pictures, steps).items():
        weight = WEIGHTS[name] * (float((curve > 0).mean()) if name == "speech" else 1.0)
        total += weight * _normalised(curve, LEAST[name])
        weights += weight
    return total / weights if weights else total


def eased(curve: F64, duration: int) -> F64:
    """The curve of a video of `duration` ns, smoothed as a person's attention is: it rises and wanes within seconds."""
    return smoothed(curve, _odd(SMOOTH, Steps(duration)))


def _curves(material: Material, pictures: Pictures, steps: Steps) -> dict[str, F64]:
    """The curves of the tracks that are there, each at least 0."""
    found = {}
    seen = over_time(pictures, material.shots, steps)
    if len(seen):
        found["rarity"] = _rarity(seen)
    if len(material.shots) > 1:
        found["rhythm"] = _rhythm(material, steps)
    if material.rows(Track.SPEECH):
        found["speech"] = _said(material, Track.SPEECH, steps)
    if material.readings:
        found["writing"] = _written(material.readings, steps)
    if material.rows(Track.CAPTION):
        found["captions"] = _said(material, Track.CAPTION, steps)
    return found


def _normalised(curve: F64, least: float) -> F64:
    low, high = np.percentile(curve, [LOW, HIGH])
    found: F64 = np.clip((curve - low) / max(float(high - low), least), 0.0, 1.0)
    return found


def _rarity(seen: F32) -> F64:
    """Self-information in nats, at least 0, of unit vectors [n, d], one a step."""
    sample = seen[np.unique(np.linspace(0, len(seen) - 1, min(len(seen), SAMPLE)).astype(np.int64))]
    # As wide as a third of what lies between any two steps, so that different things are told apart in any film.
    apart = 1.0 - float(np.median(sample @ sample[:: max(1, len(sample) // 100)].T))
    width = max(NOISE, apart / 3)
    density = np.empty(len(seen))
    for at in range(0, len(seen), SAMPLE):
        alike = seen[at : at + SAMPLE] @ sample.T
        density[at : at + SAMPLE] = np.exp(-(((1.0 - alike) / width) ** 2)).mean(1)
    found: F64 = -np.log(np.clip(density, 1e-9, 1.0))
    return found


def _rhythm(material: Material, steps: Steps) -> F64:
    """Cuts a second around each step."""
    cuts = np.array([shot.range.start for shot in material.shots if 0 < shot.range.start < material.duration], np.int64)
    counted = np.bincount(cuts // steps.length, minlength=steps.count).astype(np.float64)
    return smoothed(counted, _odd(RHYTHM, steps)) * SECOND / steps.length


def _said(material: Material, track: Track, steps: Steps) -> F64:
    """How telling and central what is said there is, in [0, 1]; 0 where nothing is said."""
    rows = material.rows(track)
    passages = [material.passages[i] for i in rows]
    worth = _ranks(_telling([p.text for p in passages]))
    if len(material.passage_vectors):
        worth = (worth + _ranks(_central(material.passage_vectors[rows]))) / 2
    worth *= np.array([p.confidence for p in passages])
    starts = np.array([p.range.start for p in passages], np.int64)
    return steps.highest(steps.covered(starts, np.array([p.range.end for p in passages], np.int64)), worth)


def _telling(texts: Sequence[str]) -> F64:
    """Of each text the information of its terms, in bits; between the sum, which favours long texts, and the mean."""
    said = [set(terms(text)) for text in texts]
    known = Counter(term for one in said for term in one)
    bits = {term: np.log2((len(texts) + 1) / times) for term, times in known.items()}
    return np.array([sum(bits[t] for t in sorted(one)) / np.sqrt(max(1, len(one))) for one in said])


def _central(vectors: F32) -> F64:
    """Mean cosine of each text with those around it."""
    rows = vectors.astype(np.float64)
    before = np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, 0)])
    at = np.arange(len(rows))
    first, after = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, len(rows))
    around = (before[after] - before[first] - rows) / np.maximum(after - first - 1, 1)[:, None]
    found: F64 = np.einsum("nd,nd->n", rows, around)
    return found


def _ranks(values: F64) -> F64:
    """In (0, 1]: the share of values that are no higher; of equal ones the middle."""
    _, place, times = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(times) - times
    found: F64 = ((below + (times + 1) / 2) / len(values))[place]
    return found


def _written(readings: Sequence[Reading], steps: Steps) -> F64:
    """1 while a heading is new, half as much while other text is."""
    found = [(heading.range.start, 1.0) for heading in headings(readings)]
    text = ""
    for reading in readings:
        if reading.text != text:
            found.append((reading.range.start, 0.5))
        text = reading.text
    starts = np.array([start for start, _ in found], np.int64)
    return steps.highest(steps.covered(starts, starts + NEW), np.array([value for _, value in found]))


def _odd(length: int, steps: Steps) -> int:
    """So many nanoseconds in steps: an odd number of them."""
    return 2 * (length // steps.length // 2) + 1
