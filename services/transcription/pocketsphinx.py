"""Speech recognition with PocketSphinx and the American English model that its package brings."""

import functools
import math
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from pocketsphinx import Decoder

from services.core.errors import InvalidInput
from services.core.jobs import Progress
from services.core.text import Cue, Word
from services.core.times import MILLISECOND, TimeRange
from services.runtime.sandbox import Sandbox, Task
from services.transcription.domain.cues import mean_confidence
from services.transcription.domain.sound import RATE, Samples, Span, range_of, time_of
from services.transcription.domain.words import joined
from services.transcription.ports import Heard

LANGUAGE = "en"
LONGEST = 20 * RATE
"""A lattice of a longer stretch costs more than it gains."""
SETTINGS = {"fwdflat": False, "topn": 3, "maxhmmpf": 10_000}
FRAME = 10 * MILLISECOND
_SCRAP = np.random.default_rng(0).normal(0, 300, RATE // 10).astype(np.int16).tobytes()
"""A tenth of a second of noise."""
Spoken = tuple[str, int, int, float]
"""A word, its first frame, the frame after its last, and its posterior [0, 1]."""
VERSION = f"pocketsphinx {version('pocketsphinx')} {sorted(SETTINGS.items())}"


class PocketSphinx:
    """Implements `ports.Recognizer`; each span is one call of a child process.

    A decoder holds the interpreter's lock while it works and may be used by one thread only, so it lives in processes.
    """

    def __init__(self, sandbox: Sandbox, timeout_base_s: float = 60.0, timeout_factor: float = 10.0) -> None:
        self._sandbox = sandbox
        self._base_s = timeout_base_s
        self._factor = timeout_factor

    @property
    def version(self) -> str:
        return VERSION

    @property
    def longest(self) -> int:
        return LONGEST

    def hear(self, samples: Samples, spans: Sequence[Span], language: str, progress: Progress) -> Heard:
        if language and language.split("-")[0] != LANGUAGE:
            rule = f"the built-in recognizer knows {LANGUAGE!r} only"
            raise InvalidInput(f"language {language!r}: {rule}", fields={"language": rule})
        tasks = [self._begin(samples, span) for span in spans]
        cues = []
        try:
            for done, (span, task) in enumerate(zip(spans, tasks, strict=True)):
                words = _placed(task.result(functools.partial(progress, done, len(spans))), span)
                if words:
                    whole = TimeRange(words[0].range.start, words[-1].range.end)
                    cues.append(Cue(whole, joined(words), mean_confidence(words), words))
        finally:
            for task in tasks:
                task.cancel()
        progress(len(spans), len(spans))
        return Heard(LANGUAGE, tuple(cues))

    def _begin(self, samples: Samples, span: Span) -> Task[list[Spoken]]:
        timeout_s = self._base_s + self._factor * span.size / RATE
        sound = samples[span.start : span.end].tobytes()
        return self._sandbox.start(decode, sound, timeout_s=timeout_s)


def decode(sound: bytes) -> list[Spoken]:
    """Words of 16-bit samples, with first frame, frame after the last, and posterior [0, 1]; frames last 10 ms."""
    decoder = _decoder()
    # What was heard before must not matter. Noise is tracked from utterance to utterance until the front end is made
    # anew; the codewords of the last frame are the first guess for the next, until something fixed is heard between.
    for heard in (_SCRAP, sound):
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(heard, full_utt=True)
        decoder.end_utt()
    if decoder.hyp() is None:
        return []
    return [
        (_spelled(s.word), s.start_frame, s.end_frame + 1, min(1.0, max(0.0, s.prob)))
        for s in decoder.seg()
        if not s.word.startswith(("<", "[", "+"))
    ]


@functools.cache
def _decoder() -> Decoder:
    """This process's decoder."""
    return Decoder(samprate=RATE, loglevel="FATAL", **SETTINGS)


def _spelled(word: str) -> str:
    """Without the number of its pronunciation, as in "the(2)"."""
    return word.split("(")[0]


def _placed(found: Sequence[Spoken], span: Span) -> tuple[Word, ...]:
    whole, begin = range_of(span), time_of(span.start)
    words = []
    for text, first, end, confidence in found:
        start = min(begin + first * FRAME, whole.end - 1)
        words.append(Word(TimeRange(start, max(start + 1, min(begin + end * FRAME, whole.end))), text, confidence))
    return tuple(words) if not math.isnan(sum(w.confidence for w in words)) else ()
