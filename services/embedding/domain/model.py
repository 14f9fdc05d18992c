"""What the stage knows of the models that it embeds with."""

from dataclasses import dataclass

from services.embedding.domain.vectors import F64

ALGORITHM = 1
"""Raised when this stage would make other vectors of the same inputs and models."""
CLASSES_ALGORITHM = 1
"""The same for classes of frames."""
TEXT_ALGORITHM = 1
"""The same for passages and their vectors."""
CLASSES_KEPT = 5
"""Of each frame, the likeliest."""


@dataclass(frozen=True)
class TextSpace:
    """A space that texts are embedded in, and how their cosines there become scores."""

    name: str
    """Vectors of different spaces must not be compared."""
    dimension: int
    version: str
    """Changes with everything that shapes a text's vector."""
    background: F64
    """Unit vectors of unrelated things, [m, dimension]: pictures in the joint space, else sentences. In the type that
    every query is compared in, so that none converts them."""
    centre: float
    """Deviations above the background's mean cosine at which a score is one half."""
    scale: float
    """Deviations by which the odds of a score grow e-fold; above 0."""


@dataclass(frozen=True)
class Model:
    """The encoders of a pack: of pictures and texts in a joint space, and of texts in a space of their own."""

    joint: TextSpace
    sentence: TextSpace
    image_version: str
    """Changes with everything that shapes a picture's vector: weights, layout, size."""
    classes: tuple[str, ...] = ()
    """What the image encoder tells apart, in its order; none when it tells no classes."""
    cut_alike: bool = False
    """Both text encoders cut texts into the same tokens and windows, so both spaces can be had of one inference."""

    @property
    def space(self) -> str:
        """The joint space, which pictures are embedded in."""
        return self.joint.name

    @property
    def dimension(self) -> int:
        """Of the joint space."""
        return self.joint.dimension
