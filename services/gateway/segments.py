"""Segments of a transcript as people send them, made into cues."""

from collections.abc import Sequence

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import media_pb2, text_pb2

from services.core.errors import InvalidInput
from services.core.text import Cue, Word
from services.core.times import SECOND, TimeRange
from services.runtime.media_proto import nanoseconds

MAX_SEGMENTS = 100_000
MAX_TEXT = 2_000
MAX_WORDS = 1_000
MAX_WORD = 200


def cues(segments: Sequence[pb.TranscriptSegment], duration: int) -> tuple[Cue, ...]:
    """The segments as cues, in order of time, within a video of so many nanoseconds.

    Raises InvalidInput, which names the first segment that is wrong: one that is empty, too long, outside the video or
    of no length, or that has a word outside its range.
    """
    if len(segments) > MAX_SEGMENTS:
        rule = f"at most {MAX_SEGMENTS}"
        raise InvalidInput(f"{len(segments)} segments: {rule}", fields={"segments.segments": rule})
    found = (_cue(segment, f"segments.segments[{i}]", duration) for i, segment in enumerate(segments))
    return tuple(sorted(found, key=lambda cue: cue.range))


def _cue(segment: pb.TranscriptSegment, field: str, duration: int) -> Cue:
    range_ = _range(segment.range, f"{field}.range", TimeRange(0, duration))
    if range_.duration == 0:
        raise _wrong(f"{field}.range", "it ends where it begins")
    if len(segment.words) > MAX_WORDS:
        raise _wrong(f"{field}.words", f"more than {MAX_WORDS} words")
    words = [_word(word, f"{field}.words[{i}]", range_) for i, word in enumerate(segment.words)]
    lines = [_line(line) for line in segment.text.split("\n")]
    text = _bounded("\n".join(filter(None, lines)), f"{field}.text", MAX_TEXT)
    # Whoever corrects a text seldom corrects its words: those of another text are of no use.
    same = " ".join(word.text for word in words).split() == text.split()
    return Cue(range_, text, words=tuple(sorted(words, key=lambda word: word.range)) if same else ())


def _word(word: text_pb2.Word, field: str, within: TimeRange) -> Word:
    return Word(_range(word.range, f"{field}.range", within), _bounded(_line(word.text), f"{field}.text", MAX_WORD))


def _line(text: str) -> str:
    """One line of printable characters, with one space where there was any."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _bounded(text: str, field: str, most: int) -> str:
    if not 0 < len(text) <= most:
        raise _wrong(field, f"1 to {most} printable characters")
    return text


def _range(range_: media_pb2.TimeRange, field: str, within: TimeRange) -> TimeRange:
    start, end = nanoseconds(range_.start), nanoseconds(range_.end)
    if not within.start <= start <= end <= within.end:
        shown = f"{within.start / SECOND:.3f} s to {within.end / SECOND:.3f} s"
        raise _wrong(field, f"begins and ends, in this order, within {shown}")
    return TimeRange(start, end)


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
