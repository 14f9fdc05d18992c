"""The use cases: subtitles and speech to transcripts, for the pipeline and for whoever waits."""

from collections.abc import Iterable
from dataclasses import replace

from services.core.artifacts import job_keys
from services.core.errors import InvalidInput, NotFound
from services.core.jobs import Job, Outputs, Progress
from services.core.media import Plan, VideoInfo
from services.core.store import Artifacts
from services.core.text import Source, Transcript, TranscriptTrack
from services.transcription.domain import cues as cues_of
from services.transcription.domain import subtitles, writing
from services.transcription.domain.sentences import sentences
from services.transcription.domain.sound import RATE
from services.transcription.listening import Listener
from services.transcription.ports import Languages, SentenceSplitter, SubtitleReader
from services.transcription.tracks import from_streams

VERSION = 1
"""Grows when the same input and settings give other output."""
MAX_AUDIO_BYTES = 15 << 20
MAX_AUDIO_S = 600


class Transcription:
    """The stage."""

    def __init__(
        self,
        artifacts: Artifacts,
        listener: Listener,
        reader: SubtitleReader,
        splitter: SentenceSplitter,
        languages: Languages,
    ) -> None:
        self._artifacts = artifacts
        self._listener = listener
        self._reader = reader
        self._splitter = splitter
        self._languages = languages

    def transcribe(self, audio: bytes, language: str = "") -> TranscriptTrack:
        """What is said in a FLAC or WAV file of at most 10 minutes and 15 MiB. Raises InvalidInput, MediaLimit."""
        if not audio:
            raise InvalidInput("no sound was given", fields={"audio": "a FLAC or WAV file"})
        if len(audio) > MAX_AUDIO_BYTES:
            rule = f"at most {MAX_AUDIO_BYTES} bytes"
            raise InvalidInput(f"{len(audio)} bytes of sound; {rule}", fields={"audio": rule})
        heard = self._listener.file(audio, MAX_AUDIO_S * RATE, self._asked(language))
        return self._finished(TranscriptTrack(heard.language, Source.RECOGNIZED, cues=heard.cues))

    def read_subtitles(self, content: bytes, name: str, language: str = "") -> TranscriptTrack:
        """What stands in a subtitle file. Raises InvalidInput naming the line at fault."""
        return self._finished(self._file_track(content, name, self._asked(language)))

    def write_subtitles(self, track: TranscriptTrack, format_: writing.Format) -> bytes:
        """A track as a file in UTF-8."""
        return writing.write(track, format_).encode()

    def subtitles(self, job: Job, progress: Progress) -> Outputs:
        """transcription.subtitles: every track that needs no listening, the best source first."""
        info = self._artifacts.load(job.one("info"), VideoInfo)
        keys = job_keys(job, ("subtitle_cues",), [VERSION])
        if not self._artifacts.have(keys.values()):
            # What a person put in stands in the place of all else, also when it says that nothing is said.
            tracks = [*self._edited(info)] or [*self._given(info), *self._streams(job)]
            self._artifacts.save(keys["subtitle_cues"], Transcript(tuple(tracks)))
        return _counted(keys, self._artifacts.load(keys["subtitle_cues"], Transcript))

    def segment(self, job: Job, progress: Progress) -> Outputs:
        """transcription.segment: what is said in one segment; nothing when there are subtitles, or no sound."""
        keys = job_keys(job, ("heard",), [VERSION, self._listener.version])
        if not self._artifacts.have(keys.values()):
            found = Transcript()
            if job.inputs.get("audio") and not _said(self._subtitle_cues(job)):
                plan = self._artifacts.load(job.one("plan"), Plan)
                if job.segment is None or not 0 <= job.segment < len(plan.segments):
                    raise NotFound(f"the plan has no segment {job.segment}: it has {len(plan.segments)}")
                ranges = [segment.range for segment in plan.segments]
                heard = self._listener.segment(job.inputs["audio"], ranges, job.segment, progress)
                if heard.cues:
                    found = Transcript((TranscriptTrack(heard.language, Source.RECOGNIZED, cues=heard.cues),))
            self._artifacts.save(keys["heard"], found)
        return _counted(keys, self._artifacts.load(keys["heard"], Transcript))

    def assemble(self, job: Job, progress: Progress) -> Outputs:
        """transcription.assemble: the video's transcript, with sentences, from subtitles or else from its segments."""
        keys = job_keys(job, ("transcript",), [VERSION])
        if not self._artifacts.have(keys.values()):
            found = self._subtitle_cues(job)
            if not _said(found):
                found = cues_of.merged(self._artifacts.load(key, Transcript) for key in job.inputs.get("heard", ()))
            finished = Transcript(tuple(self._finished(track) for track in found.tracks))
            self._artifacts.save(keys["transcript"], finished)
        return _counted(keys, self._artifacts.load(keys["transcript"], Transcript))

    def _subtitle_cues(self, job: Job) -> Transcript:
        keys = job.inputs.get("subtitle_cues", ())
        return self._artifacts.load(keys[0], Transcript) if keys else Transcript()

    def _edited(self, info: VideoInfo) -> Iterable[TranscriptTrack]:
        if info.transcript_key:
            for track in self._artifacts.load(info.transcript_key, Transcript).tracks:
                yield replace(track, source=Source.EDITED)

    def _given(self, info: VideoInfo) -> Iterable[TranscriptTrack]:
        if info.subtitles_key:
            stored = self._artifacts.objects.stat(info.subtitles_key)
            if stored is not None and stored.size > subtitles.LONGEST_FILE:
                raise InvalidInput(f"the subtitle file has {stored.size} bytes; {_rule()}")
            content = self._artifacts.objects.get(info.subtitles_key)
            name = info.subtitles_name or "the subtitle file"
            try:
                yield self._file_track(content, info.subtitles_name, "")
            except InvalidInput as error:
                raise InvalidInput(f"{name}: {error.message}", fields=error.fields) from error

    def _streams(self, job: Job) -> Iterable[TranscriptTrack]:
        keys = job.inputs.get("subtitles", ())
        if keys:
            plan = self._artifacts.load(job.one("plan"), Plan)
            archive = self._artifacts.objects.get(keys[0])
            yield from from_streams(archive, plan.probe.subtitles, self._reader, self._languages)

    def _file_track(self, content: bytes, name: str, language: str) -> TranscriptTrack:
        if len(content) > subtitles.LONGEST_FILE:
            raise InvalidInput(f"{len(content)} bytes of subtitles; {_rule()}", fields={"content": _rule()})
        found = self._reader.read(content, name)
        cues = subtitles.cues(found.entries)
        tag = language or self._languages.tag(found.language)
        return TranscriptTrack(tag, Source.SUBTITLE_FILE, found.title, cues)

    def _finished(self, track: TranscriptTrack) -> TranscriptTrack:
        """The track with sentences, made where they are missing."""
        if track.sentences or not track.cues:
            return track
        return replace(track, sentences=sentences(track.cues, lambda text: self._splitter.ends(text, track.language)))

    def _asked(self, language: str) -> str:
        tag = self._languages.tag(language)
        if language and not tag:
            rule = 'BCP 47, such as "en"'
            raise InvalidInput(f"language {language[:40]!r} is not known: {rule}", fields={"language": rule})
        return tag


def _said(transcript: Transcript) -> bool:
    """Whether there is nothing left to listen for."""
    return any(track.cues or track.source == Source.EDITED for track in transcript.tracks)


def _counted(keys: dict[str, str], transcript: Transcript) -> Outputs:
    cues = sum(len(track.cues) for track in transcript.tracks)
    return Outputs(keys, {"tracks": len(transcript.tracks), "cues": cues})


def _rule() -> str:
    return f"at most {subtitles.LONGEST_FILE} bytes are read"
