"""What embedding needs from outside, beside `core.store`."""

from collections.abc import Sequence
from typing import Protocol

from services.embedding.domain.vectors import F32, U8
from services.embedding.domain.windows import Tokens


class Encoder(Protocol):
    """The models. Any number of threads may call. Raises Unavailable, TimedOut, Exhausted, Internal."""

    def encode_images(self, canvases: U8) -> F32:
        """Unit rows [n, d] of canvases [n, height, width, 3], uint8 RGB as `Pictures` lays them."""

    def classify_images(self, canvases: U8) -> tuple[F32, F32]:
        """The rows of `encode_images`, and probabilities [n, classes], of one inference."""

    def encode_texts(self, windows: Sequence[Sequence[int]]) -> F32:
        """Unit rows [n, d] of windows of token ids, special tokens included, in the joint space."""

    def encode_sentences(self, windows: Sequence[Sequence[int]]) -> F32:
        """The same in the sentence space."""

    def encode_both(self, windows: Sequence[Sequence[int]]) -> tuple[F32, F32]:
        """The rows of `encode_texts` and of `encode_sentences`, of one inference when one model has both roles."""


class Pictures(Protocol):
    """Turns files of pictures into what the model takes."""

    def canvases(self, data: bytes) -> U8:
        """One or more canvases [k, height, width, 3] of a JPEG or PNG; their vectors are averaged.

        Raises InvalidInput when it is no such picture, MediaLimit when it has too many pixels.
        """


class Tokenizer(Protocol):
    """Turns text into what the model takes."""

    @property
    def room(self) -> int:
        """Tokens that fit a window beside the special ones."""

    def tokens(self, text: str) -> Tokens:
        """All tokens of a text, however long; none when it holds nothing that the model can read."""

    def window(self, ids: Sequence[int]) -> tuple[int, ...]:
        """The ids with the special tokens that begin and end a window."""


class Cache(Protocol):
    """Remembers vectors of texts. Any number of threads may call."""

    def get(self, text: str, kind: str) -> F32 | None:
        """The vector [d] of a text of a kind, which tells the space and the model's version, or None."""

    def put(self, text: str, kind: str, vector: F32) -> None:
        """Remember a vector."""
