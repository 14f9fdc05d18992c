"""The joint space of pictures and text: class probabilities mix sentence vectors (ConSE, Norouzi et al. 2013).

The vector of a class is not the mean of its sentences but its row of a ridge regression from sentences to classes
(after Romera-Paredes and Torr 2015, "An embarrassingly simple approach to zero-shot learning"): what all sentences
share says nothing about a class and is damped. All of it is fixed by the pack: no picture is looked at.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

Array = NDArray[np.float32]

# Where z (see manifest.Background) becomes a score of one half, and how fast it rises. The best of 400 photographs
# reached z of 1.4 to 3.3 for nearly all phrases about nothing visible, and mostly of 3.6 to 8.9 for captions.
SCORE_CENTRE = 4.5
SCORE_SCALE = 0.9


@dataclass(frozen=True)
class Space:
    """`mean` (dimension,) is taken off text vectors; `classes` (classes, dimension) are mixed by probability.

    `damping` (dimension, dimension) is the regression's inverse: it weakens what all sentences share.
    """

    mean: Array
    damping: Array
    classes: Array


def space(vectors: Array, counts: list[int], ridge: float) -> Space:
    """The space of `counts[i]` sentences for class i, whose unit vectors follow one another in `vectors`.

    A class with more sentences weighs more: those are the classes that stand for everyday scenes.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, owner, vectors)
    means /= np.asarray(counts)[:, None]
    mean = means.mean(0)
    centred = vectors - mean
    targets = np.eye(len(counts))[owner] - 1 / len(counts)
    damping = np.linalg.inv(centred.T @ centred + ridge * np.eye(vectors.shape[1]))
    classes = targets.T @ centred @ damping
    return Space(mean.astype(np.float32), damping.astype(np.float32), classes.astype(np.float32))


def contrast(space: Space, vectors: Array, counts: list[int]) -> Array:
    """Unit vectors, (things, dimension), of what sets each of a few things apart, seen in `space`.

    `counts[i]` sentences about thing i follow one another in `vectors`, as in `space()`.
    """
    starts = np.cumsum([0, *counts[:-1]])
    means = np.add.reduceat(vectors - space.mean, starts) / np.asarray(counts)[:, None] @ space.damping
    return _unit(means - means.mean(0))


def _unit(vectors: Array) -> Array:
    unit: Array = (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit


class Picture(nn.Module):
    """`image` to `vector` and `probabilities`: a canvas to a unit vector of the space and to class probabilities.

    `tint` gives the unit vector of the canvas's colours. The probabilities are the classifier's own, at temperature 1.
    """

    classes: Tensor

    def __init__(
        self, classifier: nn.Module, tint: nn.Module, space: Space, temperature: float, colour_weight: float
    ) -> None:
        super().__init__()
        self.classifier, self.tint = classifier, tint
        self.temperature, self.colour_weight = temperature, colour_weight
        self.register_buffer("classes", torch.from_numpy(space.classes))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.classifier(image)
        things = F.normalize(torch.softmax(logits / self.temperature, -1) @ self.classes, dim=-1)
        vector = F.normalize(things + self.colour_weight * self.tint(image), dim=-1)
        return vector, torch.softmax(logits, -1)


class Sentence(nn.Module):
    """`input_ids` and `attention_mask` to `vector` and `sentence`: a sentence to a unit vector of the space, and to its
    own unit vector, which is for comparison with other sentences.
    """

    mean: Tensor

    def __init__(self, encoder: nn.Module, space: Space) -> None:
        super().__init__()
        self.encoder = encoder
        self.register_buffer("mean", torch.from_numpy(space.mean))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        sentence = self.encoder(input_ids, attention_mask)
        return F.normalize(sentence - self.mean, dim=-1), sentence


def background(space: Space, rows: int = 512) -> Array:
    """Unit vectors of classes spread evenly over all, (at most `rows`, dimension): pictures of one thing each."""
    chosen = space.classes[np.linspace(0, len(space.classes) - 1, min(rows, len(space.classes))).astype(int)]
    return _unit(chosen)
