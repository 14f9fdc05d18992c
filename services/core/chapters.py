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
    FILE = "file"
    """The video's file names it."""


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
    """A sentence of a summary, the ranges that it rests on, and its chapter from 0.

    `video` is the resource name of the one that it is of, in a summary of several; else "".
    """

    text: str
    ranges: tuple[TimeRange, ...]
    chapter: int = 0
    video: str = ""


@dataclass(frozen=True)
class Summary:
    """What is in `range` of a video, in order of time; `chapter` from 0 when that is one chapter, else -1.

    Of several videos it is what is in `videos`, one after the other, and `range` is None.
    `writer` is "builtin" or a model; `fault` is set when a model was asked in vain and the built-in way stood in.
    """

    range: TimeRange | None
    length: Length
    sentences: tuple[SummarySentence, ...] = ()
    chapter: int = -1
    focus: str = ""
    writer: str = "builtin"
    fault: Fault | None = None
    videos: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Highlight:
    """A stretch of a video that stands out; the curve is highest, with `score` of 0 to 1, at `peak` (ns)."""

    range: TimeRange
    peak: int
    score: float


@dataclass(frozen=True)
class Highlights:
    """A curve over a video's time, and the stretches around its local maxima, best first.

    Value i of `saliency`, 0 to 1, is of [i * step, (i + 1) * step) nanoseconds.
    """

    step: int
    saliency: tuple[float, ...] = ()
    highlights: tuple[Highlight, ...] = ()


@dataclass(frozen=True)
class Skim:
    """What is kept in a short version of a video: ranges in order of time, without overlap."""

    ranges: tuple[TimeRange, ...] = ()

    @property
    def length(self) -> int:
        """Nanoseconds of all ranges together."""
        return sum(r.duration for r in self.ranges)
