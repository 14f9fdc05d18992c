"""What transcription needs from outside, beside `core.store`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.core.jobs import Progress
from services.core.text import Cue
from services.transcription.domain.sound import Chances, Samples, Span
from services.transcription.domain.subtitles import SubtitleFile


@dataclass(frozen=True)
class Heard:
    """What was said: cues in order, times in ns from the first sample. `language` is BCP 47 or ""."""

    language: str
    cues: tuple[Cue, ...]


class Sounds(Protocol):
    """Opens sound files. Raises InvalidInput for what is none, MediaLimit, TimedOut, WorkerLost."""

    def samples(self, data: bytes, longest: int) -> Samples:
        """The sound of a FLAC or WAV file as 16 kHz mono; MediaLimit when it has more than `longest` samples."""


class Voice(Protocol):
    """Finds speech. Any number of threads may call."""

    @property
    def version(self) -> str:
        """Changes when the same sound may give other chances."""

    def chances(self, samples: Samples) -> Chances:
        """Chance of speech in each window of `sound.WINDOW` samples, the last one filled up with silence.

        Begins anew at each call: the same samples give the same chances.
        """


class Recognizer(Protocol):
    """Turns speech into words. Any number of threads may call. What it says does not depend on earlier calls."""

    @property
    def version(self) -> str:
        """Names the model and all that shapes what is heard."""

    @property
    def longest(self) -> int:
        """The most samples that a stretch of speech may have."""

    def hear(self, samples: Samples, spans: Sequence[Span], language: str, progress: Progress) -> Heard:
        """What is said in the spans, which are in order and apart. `language` is BCP 47; "": its own, or found out.

        Raises InvalidInput for a language that it does not know; Unavailable and its kin, Denied, Internal.
        """


class SubtitleReader(Protocol):
    """Reads subtitle files of every format and encoding."""

    def read(self, content: bytes, name: str) -> SubtitleFile:
        """The entries of a file. `name` tells the format where the content does not.

        Raises InvalidInput naming the line at fault.
        """


class SentenceSplitter(Protocol):
    """Knows where sentences end."""

    def ends(self, text: str, language: str) -> Sequence[int]:
        """Ends of the sentences of a text, as offsets that rise; the last is the text's length."""


class Languages(Protocol):
    """Knows names of languages."""

    def tag(self, name: str) -> str:
        """The BCP 47 tag of a code or English name, such as "en" of "eng"; "" when not known."""
