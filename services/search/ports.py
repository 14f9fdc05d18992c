"""What search needs from outside: an index of vectors, and somebody who turns text into a vector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.core.names import VideoName
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import Row


@dataclass(frozen=True)
class EncodedQuery:
    """A text as a vector [d] of length 1 in `space`; `middle` and `spread` as `domain.scores` takes them."""

    space: str
    vector: NDArray[np.float32]
    middle: float
    spread: float


class QueryEncoder(Protocol):
    """The embedding service's text side. Raises Unavailable."""

    def encode(self, text: str) -> EncodedQuery:
        """The text's vector."""


class VectorIndex(Protocol):
    """Rows by vector space; vectors of different spaces never meet. Raises Unavailable, Exhausted.

    A space that was never prepared is empty: it has no rows and finds nothing.
    """

    def prepare(self, space: str, dimensions: int) -> None:
        """Make room for a space's rows; any number of processes may do so at once."""

    def upsert(self, space: str, rows: Sequence[Row]) -> None:
        """Write rows, replacing those of the same id."""

    def settle(self, space: str, video: VideoName, revision: str) -> None:
        """End a video's upserts: remove its rows of other revisions, and make the rest durable and quick to search."""

    def count(self, space: str, video: VideoName) -> int:
        """Rows of a video that a search started now can see."""

    def delete(self, video: VideoName) -> int:
        """Remove a video's rows from every space; returns how many there were."""

    def search(self, space: str, vector: NDArray[np.float32], scope: Scope, limit: int) -> list[Hit]:
        """The frames nearest to the vector [d], best first; fewer than `limit` when there are no more."""

    def cosines(self, space: str, vector: NDArray[np.float32], ids: Sequence[str]) -> Mapping[str, float]:
        """Exact cosines between the vector [d] and rows, by their ids; ids without a row are left out."""

    def current_space(self) -> str:
        """The space that most of the index is in; empty when there is none."""

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        """Rows of a space, of one collection of it, or of one video."""
