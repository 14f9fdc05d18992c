"""What chaptering needs from outside, beside `core.store`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.film import Film
from services.core.chapters import Chapter
from services.core.text import Track
from services.core.times import TimeRange


def _no_curves() -> npt.NDArray[np.float64]:
    return np.zeros((0, 2))


@dataclass(frozen=True)
class TextVectors:
    """Unit vectors [n, d] of texts in `space`; vectors of different spaces must not be compared.

    `curves` [n, 2] are the middle and the spread of each text's curve from a cosine to a score that is comparable
    between texts: one half at the middle, its odds e times as high a spread further.
    """

    space: str
    vectors: npt.NDArray[np.float32]
    curves: npt.NDArray[np.float64] = field(default_factory=_no_curves)


class SentenceEncoder(Protocol):
    """Vectors of texts, to compare with other texts. Raises Unavailable, TimedOut."""

    def encode(self, texts: Sequence[str]) -> TextVectors:
        """Vectors of any number of texts of 1 to 10,000 characters, in order."""


class QueryEncoder(Protocol):
    """Vectors of what somebody looks for. Raises Unavailable, TimedOut."""

    def encode(self, text: str) -> tuple[TextVectors, TextVectors]:
        """Of a text of 1 to 1,000 characters, in the space of pictures and in that of texts.

        Raises InvalidInput for a text in which the model finds nothing to read.
        """


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
        """The chapters of a file; they cover the video of `duration` ns, and those that the file names are locked.

        Raises InvalidInput for a file that cannot be read, or whose chapters do not fit the video.
        """


@dataclass(frozen=True)
class Written:
    """A sentence that a language model wrote, and the places from 0 of the texts that it says it rests on."""

    text: str
    places: tuple[int, ...]


class Writer(Protocol):
    """A language model. Any number of threads may call.

    All raise InvalidInput when it refuses, or the question is longer than its context; Unavailable, TimedOut or
    Exhausted when it did not answer, or with something else than was asked for; Denied or NotFound when it never will.
    """

    @property
    def model(self) -> str:
        """Names it."""

    @property
    def version(self) -> str:
        """Changes with everything that shapes what it writes."""

    @property
    def room(self) -> int:
        """Tokens of texts, as `domain.tokens` counts them, that one question may carry."""

    def titles(self, texts: Sequence[str]) -> Sequence[str]:
        """A title of each text in order, on one line; "" where it gave none."""

    def summary(self, texts: Sequence[str], words: int, focus: str = "") -> Sequence[Written]:
        """About so many words that sum up texts, which are in order; on a focus, when there is one."""

    def answer(self, question: str, texts: Sequence[str]) -> Sequence[Written]:
        """What texts say to a question; nothing when they do not."""


@dataclass(frozen=True)
class Found:
    """A text that search found in a video (a resource name). `score` in [0, 1] is comparable between questions."""

    video: str
    range: TimeRange
    text: str
    track: Track
    score: float


class Moments(Protocol):
    """Finds what may answer a question. Any number of threads may call."""

    def find(self, parent: str, question: str, videos: Sequence[str]) -> Sequence[Found]:
        """Texts of a collection (of all its videos when none is named), the best first.

        Raises Conflict when there is no search service; InvalidInput, NotFound, Unavailable, TimedOut as it does.
        """
