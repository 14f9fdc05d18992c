"""What chaptering needs from outside, beside `core.store`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.film import Film
from services.core.chapters import Chapter


@dataclass(frozen=True)
class TextVectors:
    """Unit vectors [n, d] of texts in `space`; vectors of different spaces must not be compared."""

    space: str
    vectors: npt.NDArray[np.float32]


class SentenceEncoder(Protocol):
    """Vectors of texts, to compare with other texts. Raises Unavailable, TimedOut."""

    def encode(self, texts: Sequence[str]) -> TextVectors:
        """Vectors of any number of texts of 1 to 10,000 characters, in order."""


class FunctionWords(Protocol):
    """Words that say nothing alone, such as "the". Any number of threads may call."""

    def of(self, language: str) -> Collection[str]:
        """Those of a language (BCP 47), in lower case; none for one that is not known."""


@dataclass(frozen=True)
class File:
    """A file of chapters in the form of another tool; `ending` is that of its name, without the dot."""

    content: bytes
    media_type: str
    ending: str


class Formats(Protocol):
    """Chapters in files of other tools. Any number of threads may call."""

    def write(self, format_: str, chapters: Sequence[Chapter], film: Film) -> File:
        """A file of at least one chapter. Raises InvalidInput for an unknown format, or chapters that do not fit."""

    def read(self, format_: str, content: bytes, duration: int) -> tuple[Chapter, ...]:
        """The chapters of a file; they cover the video of `duration` ns, and those with a title are locked.

        Raises InvalidInput for a file that cannot be read, or whose chapters do not fit the video.
        """
