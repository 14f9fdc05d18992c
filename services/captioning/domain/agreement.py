"""How well a text agrees with pictures, and which of several texts agrees best (after Panda-70M, Chen et al. 2024)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.core.vectors import F32


@dataclass(frozen=True)
class Meaning:
    """A text's unit vector [d] in the joint space, and the curve from its cosine to a score."""

    vector: F32
    middle: float
    spread: float

    def agreement(self, pictures: F32) -> float:
        """Score in [0, 1] of the text with unit vectors [n, d] of a shot's pictures: that of their mean's cosine."""
        mean = pictures.astype(np.float64).mean(0)
        length = float(np.linalg.norm(mean))
        cosine = float(mean @ self.vector.astype(np.float64)) / length if length > 0 else 0.0
        steps = (cosine - self.middle) / max(self.spread, 1e-6)
        return 1.0 / (1.0 + math.exp(-min(max(steps, -60.0), 60.0)))


def best(meanings: Sequence[Meaning], pictures: F32) -> tuple[int, float]:
    """Place of the text that agrees best with the pictures, the first of equals, and its agreement."""
    scores = [meaning.agreement(pictures) for meaning in meanings]
    place = max(range(len(scores)), key=lambda i: scores[i])
    return place, scores[place]
