"""Transcripts that people put in the place of all others."""

import re
from collections.abc import Callable
from dataclasses import replace

from services.catalog.database import Database
from services.core.errors import Conflict, InvalidInput
from services.core.names import VideoName
from services.core.text import Cue, Source, Transcript, TranscriptTrack
from services.core.times import TimeRange
from services.gateway.spec import checked_subtitles
from services.gateway.subtitles import Subtitles
from services.gateway.texts import UNKNOWN, Texts, existing
from services.pipeline.control import Change, Control

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class Edits:
    """Use cases that change a transcript. What depends on it is done again, and nothing else.

    Every method raises Outdated when an etag is given that is no longer the video's.
    """

    def __init__(self, database: Database, control: Control, texts: Texts, subtitles: Subtitles) -> None:
        self._database = database
        self._control = control
        self._texts = texts
        self._subtitles = subtitles

    def file(self, name: VideoName, file_name: str, content: bytes, language: str, etag: str = "") -> None:
        """Put a subtitle file in. What of it lies behind the video's end is left out.

        Raises InvalidInput, which says the wrong line.
        """
        file_name, content = checked_subtitles(file_name, content, "file")
        language = self._language(name, language)
        end = self._duration(name)
        track = self._subtitles.read(file_name, content, language, "file")
        cues = tuple(cue for cue in (_within(cue, end) for cue in track.cues) if cue is not None)
        if track.cues and not cues:
            rule = "every cue lies behind the video's end"
            raise InvalidInput(f"subtitle file {file_name!r}: {rule}", fields={"file.content": rule})
        self._put(name, TranscriptTrack(language or track.language, Source.EDITED, cues=cues), etag)

    def segments(self, name: VideoName, cues: Callable[[int], tuple[Cue, ...]], language: str, etag: str = "") -> None:
        """Put cues in; `cues` makes them for a video of so many nanoseconds. None at all: nothing is said."""
        language = self._language(name, language)
        self._put(name, TranscriptTrack(language, Source.EDITED, cues=cues(self._duration(name))), etag)

    def clear(self, name: VideoName, etag: str = "") -> None:
        """Forget what was put in, and go by the other sources again."""
        self._control.update(name, Change(transcript=Transcript(), etag=etag))

    def _put(self, name: VideoName, track: TranscriptTrack, etag: str) -> None:
        self._control.update(name, Change(transcript=Transcript((track,)), etag=etag))

    def _language(self, name: VideoName, language: str) -> str:
        if language and (len(language) > 35 or not _LANGUAGE.fullmatch(language)):
            rule = 'BCP 47, such as "en" or "pt-BR"'
            raise InvalidInput(f"language {language[:40]!r}: {rule}", fields={"language": rule})
        known = language or self._texts.replaced_language(name)
        return "" if known == UNKNOWN else known

    def _duration(self, name: VideoName) -> int:
        with self._database.read() as session:
            duration = existing(session, name).duration
        if not duration:
            raise Conflict(f"the length of {name} is not known yet; put the transcript in once it has been decoded")
        return duration


def _within(cue: Cue, end: int) -> Cue | None:
    """The cue as far as the video goes, or None."""
    shown = cue.range.intersection(TimeRange(0, end))
    if shown is None or shown == cue.range:
        return cue if shown else None
    words = tuple(
        replace(w, range=TimeRange(w.range.start, min(w.range.end, end))) for w in cue.words if w.range.start < end
    )
    return replace(cue, range=shown, words=words)
