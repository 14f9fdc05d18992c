"""Nouns of the text tracks: transcripts, on-screen text, captions, labels, passages."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from services.core.times import TimeRange


class Track(StrEnum):
    """A way in which a video can be found. Strings, as a search looks tracks up by the thousand."""

    VISUAL = "visual"
    SPEECH = "speech"
    ON_SCREEN_TEXT = "on_screen_text"
    CAPTION = "caption"
    TITLE = "title"


class Source(Enum):
    """Where a transcript comes from; earlier ones count more."""

    EDITED = "edited"
    SUBTITLE_FILE = "subtitle_file"
    SUBTITLE_STREAM = "subtitle_stream"
    RECOGNIZED = "recognized"


@dataclass(frozen=True)
class Word:
    """A word as written, with its punctuation. `confidence` in [0, 1]."""

    range: TimeRange
    text: str
    confidence: float = 1.0


@dataclass(frozen=True)
class Cue:
    """A stretch of a transcript as it is shown; its lines are parted by line feeds."""

    range: TimeRange
    text: str
    confidence: float = 1.0
    words: tuple[Word, ...] = ()
    """Where the source times them."""


@dataclass(frozen=True)
class Sentence:
    """A sentence of a transcript on one line; without punctuation, what is said between two pauses."""

    range: TimeRange
    text: str
    confidence: float = 1.0


@dataclass(frozen=True)
class TranscriptTrack:
    """A transcript in one language (BCP 47, or "") from one source; cues and sentences in order of time."""

    language: str
    source: Source
    title: str = ""
    cues: tuple[Cue, ...] = ()
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Transcript:
    """What is said in a video, or in a segment of it; the track to show first comes first."""

    tracks: tuple[TranscriptTrack, ...] = ()


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture as shown, in shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class TextLine:
    """A line of text in the picture. `confidence` in [0, 1]."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True)
class Reading:
    """Text that stays on screen for `range`; its lines from top to bottom, parted by line feeds in `text`."""

    range: TimeRange
    text: str
    confidence: float
    lines: tuple[TextLine, ...] = ()


@dataclass(frozen=True)
class OnScreenText:
    """The readings of a segment or of a whole video, in order of time."""

    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Caption:
    """What is seen in a shot, in words. `confidence` and `agreement` (with the shot's frames) in [0, 1]."""

    shot: int
    range: TimeRange
    brief: str
    detailed: str
    confidence: float
    agreement: float
    model: str


@dataclass(frozen=True)
class Captions:
    """The captions of a segment's shots or of a video's, in order of time; not every shot has one."""

    captions: tuple[Caption, ...] = ()


@dataclass(frozen=True)
class ShotLabel:
    """A label of the collection that a shot carries; `score` in [0, 1]."""

    shot: int
    label: str
    score: float


@dataclass(frozen=True)
class ShotLabels:
    """The labels found in a video, in order of shots, then of score."""

    labels: tuple[ShotLabel, ...] = ()


@dataclass(frozen=True)
class Passage:
    """A piece of text on one line, with the range that it belongs to. `confidence` in [0, 1]."""

    track: Track
    range: TimeRange
    text: str
    language: str = ""
    confidence: float = 1.0


@dataclass(frozen=True)
class Passages:
    """Every text of a video that can be searched but its title, by track, then by time."""

    passages: tuple[Passage, ...] = ()
