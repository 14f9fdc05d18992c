"""What search needs from outside: indexes of vectors and of texts, and somebody who turns text into vectors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.core.deadlines import Deadline
from services.core.names import VideoName
from services.core.text import Track
from services.search.domain.moments import Hit
from services.search.domain.query import Scope
from services.search.domain.rows import Row
from services.search.domain.text_rows import TextRow
from services.search.domain.texts import TextHit

F32 = NDArray[np.float32]
R = TypeVar("R", contravariant=True)


class Against(Enum):
    """What texts are compared with."""

    PICTURES = "pictures"
    TEXTS = "texts"


@dataclass(frozen=True)
class Encoded:
    """Texts as vectors [n, d] of length 1 in `space`; `middles` and `spreads` [n] as `domain.scores` takes them."""

    space: str
    vectors: F32
    middles: tuple[float, ...]
    spreads: tuple[float, ...]


class QueryEncoder(Protocol):
    """The embedding service's text side. Raises Unavailable, and InvalidInput when a text holds nothing to read."""

    def encode(
        self, texts: Sequence[str], against: Sequence[Against], until: Deadline | None = None
    ) -> tuple[Encoded, ...]:
        """The vectors of 1 to 64 texts, in order, for each thing that they are compared with."""


@dataclass(frozen=True)
class Pool:
    """A shot's own row: its cosines [n] with as many vectors, and the time of its first frame."""

    cosines: F32
    frame_time: int


class Rows(Protocol[R]):
    """Rows by vector space; vectors of different spaces never meet. Raises Unavailable, Exhausted.

    A space that was never prepared is empty: it has no rows and finds nothing.
    """

    def prepare(self, space: str, dimensions: int) -> None:
        """Make room for a space's rows; any number of processes may do so at once."""

    def upsert(self, space: str, rows: Sequence[R]) -> None:
        """Write rows, replacing those of the same id."""

    def settle(self, space: str, video: VideoName, revision: str) -> None:
        """End a video's upserts: remove its rows of other revisions, and make the rest durable and quick to search."""

    def count(self, space: str, video: VideoName) -> int:
        """Rows of a video that a search started now can see."""

    def delete(self, video: VideoName) -> int:
        """Remove a video's rows from every space; returns how many there were."""

    def current_space(self) -> str:
        """The space that most rows are in; empty when there is none."""

    def total(self, space: str, collection: str = "", video: str = "") -> int:
        """Rows of a space, of one collection of it, or of one video."""

    def census(self) -> Iterator[tuple[str, VideoName, int]]:
        """(space, video, rows) of every video in every space, in no order."""


class VectorIndex(Rows[Row], Protocol):
    """The rows of pictures. A question that is not answered by its deadline raises TimedOut."""

    def search(self, space: str, vector: F32, scope: Scope, limit: int, until: Deadline | None = None) -> list[Hit]:
        """The frames nearest to the vector [d], best first; fewer than `limit` when there are no more."""

    def pools(self, space: str, vectors: F32, ids: Sequence[str], until: Deadline | None = None) -> Mapping[str, Pool]:
        """Rows of shots by their ids, with exact cosines to the vectors [n, d]; ids without a row are left out."""

    def label_counts(self, space: str, scope: Scope, until: Deadline | None = None) -> Mapping[str, int]:
        """Shots in the scope by the labels that they carry."""


class TextIndex(Rows[TextRow], Protocol):
    """The rows of texts. `tracks` are those to look in. Deadlines as in `VectorIndex`."""

    def nearest(
        self,
        space: str,
        vectors: F32,
        scope: Scope,
        tracks: Sequence[Track],
        limit: int,
        until: Deadline | None = None,
    ) -> list[list[tuple[TextHit, float]]]:
        """For each vector [n, d] the texts nearest to it with their cosines, best first; fewer than `limit` only when
        there are no more."""

    def matching(
        self,
        space: str,
        terms: Sequence[str],
        scope: Scope,
        tracks: Sequence[Track],
        limit: int,
        until: Deadline | None = None,
    ) -> list[list[TextHit]]:
        """For each list of terms, parted by spaces, the texts that share some, those with most and rarest first."""

    def cosines(
        self, space: str, vector: F32, ids: Sequence[str], until: Deadline | None = None
    ) -> Mapping[str, float]:
        """Exact cosines between the vector [d] and rows, by their ids; ids without a row are left out."""
