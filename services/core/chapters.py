"""Nouns of chapters and summaries."""

from dataclasses import dataclass
from enum import Enum

from services.core.jobs import Fault
from services.core.times import MILLISECOND, TimeRange


class TitleSource(Enum):
    """Where a chapter's title comes from."""

    EDITED = "edited"
    HEADING = "heading"
    PHRASE = "phrase"
    CAPTION = "caption"
    NUMBER = "number"
    """Nothing is known of the chapter; its title counts it."""
    MODEL = "model"


class Length(Enum):
    """How long a summary is."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


@dataclass(frozen=True)
class Chapter:
    """A stretch of a video with a title. A locked one was set by a person and stays as it is."""

    range: TimeRange
    title: str
    locked: bool = False
    source: TitleSource = TitleSource.EDITED

    @property
    def id(self) -> str:
        """The last part of its resource name: when it begins, in milliseconds."""
        return f"c{self.range.start // MILLISECOND}"


@dataclass(frozen=True)
class Chapters:
    """The chapters of a video in order; they cover it without gap or overlap.

    `writer` is "builtin" or a model; `fault` is set when a model was asked in vain and the built-in way stood in.
    """

    chapters: tuple[Chapter, ...] = ()
    writer: str = "builtin"
    fault: Fault | None = None


@dataclass(frozen=True)
class SummarySentence:
    """A sentence of a summary, the ranges that it rests on, and its chapter from 0."""

    text: str
    ranges: tuple[TimeRange, ...]
    chapter: int = 0


@dataclass(frozen=True)
class Summary:
    """What is in `range` of a video, in order of time; `chapter` from 0 when that is one chapter, else -1.

    `writer` is "builtin" or a model; `fault` is set when a model was asked in vain and the built-in way stood in.
    """

    range: TimeRange
    length: Length
    sentences: tuple[SummarySentence, ...] = ()
    chapter: int = -1
    focus: str = ""
    writer: str = "builtin"
    fault: Fault | None = None


@dataclass(frozen=True)
class Summaries:
    """The summaries that are kept of a video: of the whole in every length, and of each chapter."""

    summaries: tuple[Summary, ...] = ()


@dataclass(frozen=True)
class Citation:
    """A place in a video, by its resource name, that a sentence rests on, and the stored text there."""

    video: str
    range: TimeRange
    text: str


@dataclass(frozen=True)
class AnswerSentence:
    """A sentence of an answer and where it stands: at least one place."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class Answer:
    """What videos say to a question, in the order in which it answers; no sentences when they do not say.

    `writer` is "builtin" or a model; `fault` is set when a model was asked in vain and the built-in way stood in.
    """

    sentences: tuple[AnswerSentence, ...] = ()
    writer: str = "builtin"
    fault: Fault | None = None
