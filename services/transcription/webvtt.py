"""WebVTT files with webvtt-py."""

import html
import io
from collections.abc import Iterable

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError
from webvtt.models import Timestamp
from webvtt.vtt import WebVTTCueBlock

from services.core.errors import InvalidInput
from services.core.times import MILLISECOND
from services.transcription.domain.subtitles import Entry, SubtitleFile, check_count, wrong_line


def read(text: str) -> SubtitleFile:
    """The entries of a WebVTT file. Raises InvalidInput naming the line whose times cannot be read."""
    lines = text.split("\n")
    places = [number for number, line in enumerate(lines, 1) if "-->" in line]
    check_count(len(places))
    for number in places:
        if not WebVTTCueBlock.CUE_TIMINGS_PATTERN.match(lines[number - 1]):
            said = lines[number - 1].strip()[:60]
            raise wrong_line(number, f"{said!r} is not hh:mm:ss.mmm --> hh:mm:ss.mmm")
    try:
        found = webvtt.WebVTT.from_buffer(io.StringIO(text))
    except (MalformedFileError, MalformedCaptionError) as error:
        raise InvalidInput(f"not WebVTT: {error}", fields={"content": "WebVTT, beginning with WEBVTT"}) from error
    # The reader passes over a cue that it cannot read; then its line is the first that no cue has.
    entries = []
    rest = iter(places)
    for caption in found.captions:
        line = next(rest)
        if _start(lines[line - 1]) != caption.start_time.in_milliseconds():
            raise wrong_line(line, "the cue cannot be read")
        start, end = (time.in_milliseconds() * MILLISECOND for time in (caption.start_time, caption.end_time))
        entries.append(Entry(line, start, end, html.unescape(caption.text)))
    for line in rest:
        raise wrong_line(line, "the cue cannot be read")
    return SubtitleFile(entries, _header(found.metadata, "language"), _header(found.metadata, "title"))


def _start(line: str) -> int | None:
    """Milliseconds of the time that a line of times begins with; None when it is out of range."""
    try:
        return Timestamp.from_string(line.split("-->")[0].strip()).in_milliseconds()
    except MalformedCaptionError:
        return None


def _header(lines: Iterable[str], name: str) -> str:
    """What a line such as "Language: en" of the header says."""
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() == name:
            return value.strip()[:200]
    return ""
