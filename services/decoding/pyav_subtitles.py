"""Text subtitle streams of a file as WebVTT, with PyAV."""

import re
from pathlib import Path
from typing import TextIO

import av.error
from av.subtitles.stream import SubtitleStream

from services.core.times import MILLISECOND
from services.decoding.pyav_open import AnyPacket, Source

TEXT_CODECS = frozenset({"subrip", "srt", "mov_text", "ass", "ssa", "webvtt", "text"})
MOST_CUES = 200_000
LONGEST_CUE = 10_000
"""Characters."""
_OVERRIDE = re.compile(r"\{[^}]*\}")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,35}")


class SubtitleFiles:
    """Writes cues as their packets come; a file a stream."""

    def __init__(self, folder: Path, source: Source, streams: list[SubtitleStream]) -> None:
        self._source = source
        self._streams = {s.index: s for s in streams}
        self._paths = {s.index: folder / f"{s.index}.{_language(s)}.vtt" for s in streams}
        self._files: dict[int, TextIO] = {}
        self._cues = 0

    def add(self, packet: AnyPacket) -> None:
        """Write the packet's cue, if it has one that can be read."""
        stream = self._streams[packet.stream_index]
        if packet.pts is None or self._cues >= MOST_CUES:
            return
        try:
            found = stream.decode2(packet)
        except av.error.FFmpegError:
            return
        lines = [_plain(rect.ass.decode("utf-8", "replace")) for rect in found or () if hasattr(rect, "ass")]
        text = "\n".join(line for line in lines if line)[:LONGEST_CUE]
        start = self._source.time(packet.pts, stream)
        end = self._source.time(packet.pts + (packet.duration or 0), stream)
        if text and end > max(0, start):
            self._cues += 1
            self._file(stream.index).write(f"{_clock(max(0, start))} --> {_clock(end)}\n{text}\n\n")

    def close(self, duration: int) -> list[Path]:
        """The files that hold cues, in order of streams. Cues may run beyond `duration`; players clip them."""
        for file in self._files.values():
            file.close()
        return [self._paths[index] for index in sorted(self._files)]

    def _file(self, index: int) -> TextIO:
        if index not in self._files:
            self._files[index] = self._paths[index].open("w", encoding="utf-8", newline="\n")
            self._files[index].write("WEBVTT\n\n")
        return self._files[index]


def _plain(event: str) -> str:
    """Text of an ASS event (ReadOrder, Layer, Style, Name, three margins, Effect, Text) as WebVTT cue text."""
    text = event.split(",", 8)[-1].replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    # From a brace that nothing closes on there is none to look for, again and again.
    closed = text.rfind("}") + 1
    text = _TAG.sub("", _OVERRIDE.sub("", text[:closed]) + text[closed:])
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _clock(ns: int) -> str:
    ms = (ns + MILLISECOND // 2) // MILLISECOND
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _language(stream: SubtitleStream) -> str:
    language = stream.language or ""
    return language if _LANGUAGE.fullmatch(language) else "und"
