"""What a score means, so that it can be compared between queries and between collections.

A cosine cannot be: some texts lie near every picture, others far from all. The embedding service therefore says, with
each text's vector, how alike the text is to the model pack's background pictures, which have nothing to do with any
query: mean and deviation of the cosine. `z` counts how many deviations a moment lies above what chance gives that text.
The background belongs to the model pack and never changes with the videos, so the same z says the same of any query.

The score is a logistic curve of z. The best of any collection lies some deviations above the mean by chance alone, so
MIDDLE, where the score is one half, lies above what chance reaches: over 400 photographs the best z of sentences about
nothing visible was 1.7 to 3.7 (scores of 0.04 to 0.29), of captions of these photographs 4.7 to 8.7 for eight in ten
(0.55 to 0.99).
"""

import math

MIDDLE = 4.5
SCALE = 0.9


def score(cosine: float, mean: float, deviation: float) -> float:
    """In [0, 1], rising with the cosine; `mean` and `deviation` are the text's background."""
    z = (cosine - mean) / max(deviation, 1e-6)
    return 1.0 / (1.0 + math.exp(-min(max((z - MIDDLE) / SCALE, -60.0), 60.0)))
