"""What a score means, so that it can be compared between queries and between collections.

A cosine cannot be: some texts lie near every picture, others far from all. The embedding service therefore gives, with
each text's vector, a logistic curve. The model pack fixes it by how alike the text is to its background pictures, which
have nothing to do with any query: the score is one half at a cosine that unrelated pictures do not reach by chance. The
background never changes with the videos, so the same score says the same of any query and any collection.
"""

import math


def score(cosine: float, middle: float, spread: float) -> float:
    """In [0, 1], rising with the cosine; one half at `middle`, and its odds grow e-fold every `spread`."""
    steps = (cosine - middle) / max(spread, 1e-6)
    return 1.0 / (1.0 + math.exp(-min(max(steps, -60.0), 60.0)))
