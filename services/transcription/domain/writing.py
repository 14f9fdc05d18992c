"""A track as a subtitle file, or as plain text."""

from collections.abc import Iterable
from enum import Enum

from services.core.text import Cue, TranscriptTrack
from services.core.times import MILLISECOND

_WEBVTT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Format(Enum):
    """What a track is written as."""

    SRT = "srt"
    WEBVTT = "webvtt"
    TEXT = "text"


def write(track: TranscriptTrack, format_: Format) -> str:
    """The file's text, lines ended by line feeds. Times are rounded to milliseconds; hours are always written."""
    if format_ is Format.TEXT:
        said = [s.text for s in track.sentences] or [cue.text for cue in track.cues]
        return "".join(" ".join(text.split()) + "\n" for text in said)
    if format_ is Format.WEBVTT:
        return "WEBVTT\n\n" + "".join(_block(cue, ".", _lines(cue.text).translate(_WEBVTT)) for cue in _shown(track))
    # An arrow in the text of SubRip would be read as times.
    blocks = (_block(cue, ",", _lines(cue.text).replace("-->", "->")) for cue in _shown(track))
    return "".join(f"{number}\n{block}" for number, block in enumerate(blocks, 1))


def _shown(track: TranscriptTrack) -> Iterable[Cue]:
    return (cue for cue in track.cues if _lines(cue.text))


def _block(cue: Cue, point: str, text: str) -> str:
    return f"{_clock(cue.range.start, point)} --> {_clock(cue.range.end, point)}\n{text}\n\n"


def _lines(text: str) -> str:
    """Without empty lines, which would end the cue."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _clock(ns: int, point: str) -> str:
    ms = (ns + MILLISECOND // 2) // MILLISECOND
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
