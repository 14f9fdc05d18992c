"""Speech recognition with faster-whisper, from a folder of a CTranslate2 model; for packs that name one.

The package is optional: `pip install 'vidx[whisper]'`.
"""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from services.core.errors import Internal, InvalidInput, NotFound
from services.core.jobs import Progress
from services.core.text import Cue, Word
from services.core.times import TimeRange, from_seconds
from services.transcription.domain.sound import RATE, Samples, Span, time_of
from services.transcription.ports import Heard

try:
    from faster_whisper import WhisperModel
except ImportError as error:
    raise NotFound("the model pack names a faster-whisper model: pip install 'vidx[whisper]'") from error

LONGEST = 30 * RATE
"""The model hears as much at once."""
SHORTEST = RATE // 2
"""Less is filled up with silence: the package cannot align words in a sound of no frames."""
BEAM = 5
TOKENIZER = "tokenizer.json"


class FasterWhisper:
    """Implements `ports.Recognizer`. The model is shared by threads; CTranslate2 lets go of the interpreter's lock."""

    def __init__(self, folder: Path, language: str = "", workers: int = 1) -> None:
        """`language` is assumed when none is asked for; "" has the model find it out."""
        self._language = language.split("-")[0]
        # Without this file the package would look for one on a model hub.
        if not (folder / TOKENIZER).is_file():
            raise NotFound(f"the speech model at {folder} has no {TOKENIZER}: convert it with --copy_files {TOKENIZER}")
        try:
            self._model = WhisperModel(str(folder), num_workers=workers, local_files_only=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise Internal(f"{folder} does not hold a model that faster-whisper can load: {error}") from error
        self._version = f"faster-whisper {version('faster-whisper')} {folder.name} {language} beam {BEAM}"

    @property
    def version(self) -> str:
        return self._version

    @property
    def longest(self) -> int:
        return LONGEST

    def hear(self, samples: Samples, spans: Sequence[Span], language: str, progress: Progress) -> Heard:
        """Each span by itself, so that nothing said in one sways the next."""
        cues: list[Cue] = []
        found = language.split("-")[0] or self._language
        if found and found not in self._model.supported_languages:
            raise InvalidInput(f"the speech model does not know the language {language!r}", fields={"language": found})
        for done, span in enumerate(spans):
            progress(done, len(spans))
            sound = samples[span.start : span.end].astype(np.float32) / 32768
            sound = np.pad(sound, (0, max(0, SHORTEST - len(sound))))
            segments, info = self._model.transcribe(
                sound,
                language=found or None,
                beam_size=BEAM,
                temperature=0.0,
                word_timestamps=True,
                condition_on_previous_text=False,
                vad_filter=False,
            )
            for segment in segments:
                words = tuple(
                    Word(_placed(span, word.start, word.end), word.word.strip(), _share(word.probability))
                    for word in segment.words or ()
                    if word.word.strip()
                )
                text = segment.text.strip()
                if text:
                    confidence = _share(float(np.exp(segment.avg_logprob)))
                    cues.append(Cue(_placed(span, segment.start, segment.end), text, confidence, words))
            found = found or str(info.language or "")
        progress(len(spans), len(spans))
        return Heard(found, tuple(cues))


def _placed(span: Span, start: float, end: float) -> TimeRange:
    """Seconds within a span as a time of the whole sound, inside the span and not empty."""
    first, last = time_of(span.start), time_of(span.end)
    begin = min(max(first, first + from_seconds(start)), last - 1)
    return TimeRange(begin, max(begin + 1, min(first + from_seconds(end), last)))


def _share(value: float) -> float:
    return min(1.0, max(0.0, value)) if value == value else 0.0
