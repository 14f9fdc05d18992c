"""What the stage knows of the models that it embeds with."""

from dataclasses import dataclass

from services.embedding.domain.vectors import F32

ALGORITHM = 1
"""Raised when this stage would make other vectors of the same inputs and models."""


@dataclass(frozen=True)
class Model:
    """A pair of encoders of pictures and texts with one joint space."""

    space: str
    """Names the space; vectors of different spaces must not be compared."""
    dimension: int
    image_version: str
    """Changes with everything that shapes a picture's vector: weights, layout, size."""
    text_version: str
    """Changes with everything that shapes a text's vector."""
    background: F32
    """Unit vectors of unrelated pictures, [m, dimension]."""
    centre: float
    """Deviations above the background's mean cosine at which a score is one half."""
    scale: float
    """Deviations by which the odds of a score grow e-fold; above 0."""
