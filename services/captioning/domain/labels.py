"""Which of a collection's own labels a shot carries."""

from collections.abc import Mapping

from services.captioning.domain.agreement import Meaning
from services.core.text import ShotLabel
from services.core.vectors import F32

TEMPLATE = "a photo of {label}"
"""A label as a sentence, which encoders of sentences place better than a bare word (Radford et al. 2021)."""
LEAST = 0.5
"""The score at which a cosine lies as far above that of unrelated pictures as the model pack takes for a find."""


def labels_of(shots: F32, meanings: Mapping[str, Meaning], least: float = LEAST) -> list[ShotLabel]:
    """Labels of shots, given their unit vectors [n, d]: every one that scores `least`; a shot may have none."""
    found = []
    for shot in range(len(shots)):
        scored = {label: meaning.agreement(shots[shot : shot + 1]) for label, meaning in meanings.items()}
        ranked = sorted((label for label in scored if scored[label] >= least), key=lambda one: (-scored[one], one))
        found += [ShotLabel(shot, label, scored[label]) for label in ranked]
    return found
