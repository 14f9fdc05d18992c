"""What a video says and shows, in words: its transcript, captions, labels and on-screen text."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from cachetools import LRUCache
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Job, Video
from services.catalog.states import JobState, VideoState
from services.core.errors import Conflict, NotFound
from services.core.media import Shots
from services.core.names import VideoName
from services.core.store import Artifacts, N
from services.core.text import (
    Caption,
    Captions,
    Cue,
    OnScreenText,
    Reading,
    ShotLabel,
    ShotLabels,
    Source,
    Track,
    Transcript,
    TranscriptTrack,
)
from services.core.times import TimeRange
from services.gateway import pages
from services.gateway.progress import MissingView, missing_tracks
from services.pipeline import ledger

PARSED = 8
"""Artifacts that are kept as read, so that the pages of a long transcript are not read anew for each."""
UNKNOWN = "und"
"""BCP 47 for a language that is not known."""


@dataclass(frozen=True)
class TranscriptPage:
    """Some cues of one transcript, the languages of all, and the next page's token."""

    track: TranscriptTrack
    cues: Sequence[Cue]
    languages: tuple[str, ...]
    token: str


@dataclass(frozen=True)
class Description:
    """What is seen in a shot: its caption, if it has one, and the labels that it carries, best first."""

    shot: int
    range: TimeRange
    caption: Caption | None
    labels: tuple[ShotLabel, ...]


@dataclass(frozen=True)
class _Found:
    """Object keys of a step's artifacts by kind, and why the track is missing, if it is, whole or in part."""

    keys: dict[str, str]
    missing: MissingView | None


class Texts:
    """Reads artifacts. Every method raises Conflict while the text is not there, with the cause if it never will be."""

    def __init__(self, database: Database, store: Artifacts) -> None:
        self._database = database
        self._store = store
        self._parsed: LRUCache[str, object] = LRUCache(PARSED)
        self._lock = threading.Lock()

    def transcript(self, name: VideoName, language: str) -> TranscriptTrack:
        """The transcript in a language, or the first one; without cues when nothing is said."""
        found = self._find(name, "transcription.assemble", Track.SPEECH, "transcript")
        return _chosen(self._transcript(name, found), language, name)

    def transcript_page(self, name: VideoName, language: str, page_size: int, page_token: str) -> TranscriptPage:
        found = self._find(name, "transcription.assemble", Track.SPEECH, "transcript")
        transcript = self._transcript(name, found)
        track = _chosen(transcript, language, name)
        request = [str(name), language, found.keys["transcript"]]
        cues, token = pages.cut(track.cues, page_size, page_token, request)
        return TranscriptPage(track, cues, tuple(dict.fromkeys(map(_language, transcript.tracks))), token)

    def replaced_language(self, name: VideoName) -> str:
        """Language of the transcript that is shown now; "" when there is none or when it is not known."""
        with self._database.read() as session:
            job = _job(session, existing(session, name), "transcription.assemble")
        if job is None or "transcript" not in job.artifacts:
            return ""
        tracks = self._load(job.artifacts["transcript"], Transcript).tracks
        return tracks[0].language if tracks else ""

    def descriptions(self, name: VideoName, page_size: int, page_token: str) -> tuple[Sequence[Description], str]:
        """A page of what is seen in the shots, without those of which nothing is said, and the next page's token."""
        found = self._find(name, "captioning.assemble", Track.CAPTION, "captions")
        captions = {c.shot: c for c in self._load(found.keys["captions"], Captions).captions}
        labels: dict[int, list[ShotLabel]] = {}
        for label in self._load(found.keys["shot_labels"], ShotLabels).labels:
            labels.setdefault(label.shot, []).append(label)
        if not captions and not labels:
            _refuse_missing(name, found, "captions")
        described = [
            Description(shot.index, shot.range, captions.get(shot.index), tuple(labels.get(shot.index, ())))
            for shot in self._load(found.keys["shots"], Shots).shots
            if shot.index in captions or shot.index in labels
        ]
        request = [str(name), found.keys["captions"], found.keys["shot_labels"]]
        return pages.cut(described, page_size, page_token, request)

    def readings(self, name: VideoName, page_size: int, page_token: str) -> tuple[Sequence[Reading], str]:
        """A page of what is written in the picture, and the next page's token."""
        found = self._find(name, "captioning.assemble", Track.ON_SCREEN_TEXT, "on-screen text")
        readings = self._load(found.keys["on_screen_text"], OnScreenText).readings
        if not readings:
            _refuse_missing(name, found, "on-screen text")
        return pages.cut(readings, page_size, page_token, [str(name), found.keys["on_screen_text"]])

    def _transcript(self, name: VideoName, found: _Found) -> Transcript:
        transcript = self._load(found.keys["transcript"], Transcript)
        if not any(track.cues for track in transcript.tracks):
            _refuse_missing(name, found, "transcript")
        return transcript

    def _find(self, name: VideoName, step: str, track: Track, what: str) -> _Found:
        with self._database.read() as session:
            video = existing(session, name)
            jobs = ledger.jobs_of(session, video)
        job = next((j for j in jobs if j.step == step), None)
        found = _Found(
            {kind: key for j in jobs for kind, key in j.artifacts.items() if j is job or kind == "shots"},
            next((m for m in missing_tracks(jobs) if m.track == track), None),
        )
        if job is None or job.state == JobState.GIVEN_UP:
            _refuse_missing(name, found, what)
            raise Conflict(f"{name} has no {what} yet; RetryVideo with stage {step.split('.')[0]} makes it")
        if job.state != JobState.SUCCEEDED:
            raise Conflict(f"the {what} of {name} is not there yet; {why_not_yet(video)}")
        return found

    def _load(self, key: str, kind: type[N]) -> N:
        with self._lock:
            known = self._parsed.get(key)
        if known is None:
            known = self._store.load(key, kind)
            with self._lock:
                self._parsed[key] = known
        return cast(N, known)


def existing(session: Session, name: VideoName) -> Video:
    """The video, or NotFound."""
    video = ledger.find(session, name)
    if video is None:
        raise NotFound(f"no video {name}")
    return video


def _job(session: Session, video: Video, step: str) -> Job | None:
    return next((j for j in ledger.jobs_of(session, video) if j.step == step), None)


def _language(track: TranscriptTrack) -> str:
    return track.language or UNKNOWN


def _chosen(transcript: Transcript, language: str, name: VideoName) -> TranscriptTrack:
    """The first transcript, or the first in the language or in a region's kind of it ("pt" takes "pt-BR")."""
    tracks = transcript.tracks
    if not tracks:
        return TranscriptTrack("", Source.RECOGNIZED)
    wanted = language.lower()
    exact = [track for track in tracks if _language(track).lower() == wanted]
    regional = [track for track in tracks if _language(track).lower().startswith(f"{wanted}-")]
    if fitting := exact or regional if language else tracks:
        return fitting[0]
    known = ", ".join(dict.fromkeys(map(_language, tracks)))
    raise NotFound(f"{name} has no transcript in {language[:40]!r}; it has: {known}")


def _refuse_missing(name: VideoName, found: _Found, what: str) -> None:
    if found.missing is not None:
        m = found.missing
        raise Conflict(
            f"the {what} of {name} is missing: {m.reason}: {m.message}; RetryVideo with stage {m.stage} fills it in"
        )


def why_not_yet(video: Video) -> str:
    """What a video whose work is not done waits for."""
    if video.state == VideoState.PROCESSING:
        return "it is being made: watch the video"
    return f"the video is {video.state}: retry it"
