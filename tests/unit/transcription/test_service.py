"""The stage's use case: which source counts, and what is done without sound or subtitles."""

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from services.core import artifacts as artifact_keys
from services.core.errors import Incomplete, InvalidInput
from services.core.jobs import Job, Outputs, no_progress
from services.core.media import Plan, Probe, Segment, SubtitleStream, VideoInfo, VideoStream
from services.core.names import VideoName
from services.core.text import Cue, Sentence, Source, Transcript, TranscriptTrack
from services.core.times import SECOND, TimeRange
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from services.transcription.domain.sound import RATE, Span
from services.transcription.listening import Listener
from services.transcription.service import Transcription
from tests.fakes.transcription import (
    FakeLanguages,
    FakeReader,
    FakeRecognizer,
    FakeSounds,
    FakeVoice,
    FullStops,
    speech,
)

VIDEO = VideoName("c", "v")
CUE = Cue(TimeRange(0, 2 * SECOND), "One. Two.")
WORDS = [Span(RATE, 2 * RATE), Span(3 * RATE, 4 * RATE), Span(9 * RATE, 11 * RATE), Span(18 * RATE, 19 * RATE)]


class Bench:
    """A stage on a folder store and fakes; a video of 20 s in two segments."""

    def __init__(self, folder: Path) -> None:
        self.artifacts = ArtifactStore(FolderStore(folder))
        self.recognizer = FakeRecognizer()
        listener = Listener(self.artifacts.objects, FakeSounds(), FakeVoice(), self.recognizer)
        self.stage = Transcription(self.artifacts, listener, FakeReader(), FullStops(), FakeLanguages())

    def plan(self, *streams: SubtitleStream) -> str:
        video = VideoStream(0, "h264", 64, 48, 64, 48, Fraction(1, 25))
        probe = Probe("mp4", 20 * SECOND, 0, 1, video, subtitles=streams)
        segments = (Segment(0, TimeRange(0, 10 * SECOND)), Segment(1, TimeRange(10 * SECOND, 20 * SECOND)))
        return self.save("plan.pb", Plan(probe, segments))

    def save(self, name: str, noun: Plan | VideoInfo | Transcript) -> str:
        key = f"{VIDEO}/test/{name}"
        self.artifacts.save(key, noun)
        return key

    def put(self, name: str, data: bytes) -> str:
        key = f"{VIDEO}/test/{name}"
        self.artifacts.objects.put(key, data)
        return key

    def audio(self) -> tuple[str, ...]:
        sound = speech(WORDS, 20 * RATE)
        keys = tuple(artifact_keys.key(VIDEO, "audio", "0" * 16, i) for i in (0, 1))
        for i, key in enumerate(keys):
            self.artifacts.objects.put(key, sound[i * 10 * RATE : (i + 1) * 10 * RATE].tobytes())
        return keys

    def subtitles(self, info: VideoInfo, archive: bytes | None = None, *streams: SubtitleStream) -> Outputs:
        inputs = {"info": (self.save("info.pb", info),), "plan": (self.plan(*streams),)}
        if archive is not None:
            inputs["subtitles"] = (self.put("subtitles.zip", archive),)
        return self.stage.subtitles(Job(VIDEO, "transcription.subtitles", inputs=inputs), no_progress)

    def tracks(self, outputs: Outputs, kind: str) -> tuple[TranscriptTrack, ...]:
        return self.artifacts.load(outputs.artifacts[kind], Transcript).tracks

    def segment(self, index: int, audio: tuple[str, ...], subtitles: Transcript | None = None) -> Outputs:
        inputs = {"plan": (self.plan(),), "audio": audio}
        if subtitles is not None:
            inputs["subtitle_cues"] = (self.save("subtitle_cues.pb", subtitles),)
        return self.stage.segment(Job(VIDEO, "transcription.segment", index, inputs=inputs), no_progress)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def info(**given: str) -> VideoInfo:
    return VideoInfo(str(VIDEO), "t", 0, **given)  # type: ignore[arg-type]


def zipped(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", ".") + ".vtt", text)
    return out.getvalue()


def track(*cues: Cue, source: Source = Source.SUBTITLE_FILE) -> TranscriptTrack:
    return TranscriptTrack("en", source, cues=cues)


@pytest.mark.parametrize("cues", [(CUE,), ()])
def test_an_edit_stands_in_the_place_of_all_other_sources_and_of_listening(bench: Bench, cues: tuple[Cue, ...]) -> None:
    given = bench.put("given", b"0 5 from the file")
    edited = bench.save("edited.pb", Transcript((track(*cues, source=Source.RECOGNIZED),)))
    outputs = bench.subtitles(info(transcript_key=edited, subtitles_key=given), zipped())
    (only,) = found = bench.tracks(outputs, "subtitle_cues")
    assert (only.source, only.cues) == (Source.EDITED, cues)
    assert bench.tracks(bench.segment(0, bench.audio(), Transcript(found)), "heard") == ()


def test_all_sources_are_kept_the_best_first_and_of_streams_the_default(bench: Bench) -> None:
    given = bench.put("given", b"0 5 from the file")
    archive = zipped(**{"2_ger": "0 5 zwei", "3_eng": "0 5 three", "10_und": "0 5 t\0en", "4_eng": ""})
    streams = tuple(SubtitleStream(i, "subrip", default=i == 3) for i in (2, 3, 4, 10))
    outputs = bench.subtitles(info(subtitles_key=given, subtitles_name="english.srt"), archive, *streams)
    found = bench.tracks(outputs, "subtitle_cues")
    assert [(t.source, t.language, t.cues[0].text) for t in found] == [
        (Source.SUBTITLE_FILE, "en", "from the file"),
        (Source.SUBTITLE_STREAM, "en", "three"),
        (Source.SUBTITLE_STREAM, "de", "zwei"),
        (Source.SUBTITLE_STREAM, "", "ten"),
    ]
    assert outputs.counts == {"tracks": 4, "cues": 4}


def test_a_video_without_subtitles_gives_no_track(bench: Bench) -> None:
    assert bench.tracks(bench.subtitles(info()), "subtitle_cues") == ()


def test_a_file_that_cannot_be_read_is_named_with_its_line(bench: Bench) -> None:
    key = bench.put("given", b"0 5 fine\nsoon 7 wrong")
    with pytest.raises(InvalidInput, match=r"^talk\.srt: line 2: not a time$"):
        bench.subtitles(info(subtitles_key=key, subtitles_name="talk.srt"))


def test_a_file_that_is_too_large_is_refused_unread(bench: Bench) -> None:
    key = bench.put("given", b"0" * ((8 << 20) + 1))
    with pytest.raises(InvalidInput, match="at most 8388608 bytes"):
        bench.subtitles(info(subtitles_key=key, subtitles_name="talk.srt"))


@pytest.mark.parametrize("archive", [b"no zip", zipped(readme="0 5 x")])
def test_stored_subtitles_that_are_none_are_incomplete(bench: Bench, archive: bytes) -> None:
    with pytest.raises(Incomplete, match="decode the video again"):
        bench.subtitles(info(), archive)


def test_speech_is_heard_on_the_segments_own_side_of_a_boundary(bench: Bench) -> None:
    audio = bench.audio()
    first, second = (bench.tracks(bench.segment(i, audio), "heard") for i in (0, 1))
    assert [c.text for t in (*first, *second) for c in t.cues] == ["w0", "w1", "w2", "w3"]
    (heard,) = second
    assert heard.cues[-1].range == TimeRange(18 * SECOND, 19 * SECOND)
    assert (heard.language, heard.source, heard.cues[-1].confidence) == ("en", Source.RECOGNIZED, 0.5)


@pytest.mark.parametrize("subtitles", [Transcript((track(CUE),)), None])
def test_nothing_is_opened_when_there_are_subtitles_or_no_sound(bench: Bench, subtitles: Transcript | None) -> None:
    audio = ("collections/c/videos/v/decoding/audio/000000-gone.flac",) if subtitles else ()
    outputs = bench.segment(0, audio, subtitles)
    assert bench.tracks(outputs, "heard") == ()
    assert bench.recognizer.calls == []


def test_subtitles_that_say_nothing_do_not_keep_speech_from_being_heard(bench: Bench) -> None:
    assert bench.tracks(bench.segment(0, bench.audio(), Transcript((track(),))), "heard") != ()


def test_silence_is_never_given_to_the_recognizer(bench: Bench) -> None:
    key = artifact_keys.key(VIDEO, "audio", "1" * 16, 0)
    bench.artifacts.objects.put(key, np.zeros(10 * RATE, np.int16).tobytes())
    assert bench.tracks(bench.segment(0, (key,)), "heard") == ()
    assert bench.recognizer.calls == []


def test_work_that_was_done_is_not_done_again(bench: Bench) -> None:
    audio = bench.audio()
    first = bench.segment(0, audio)
    assert bench.segment(0, audio) == first
    assert len(bench.recognizer.calls) == 1
    bench.recognizer.version = "fake 2"
    assert bench.segment(0, audio).artifacts != first.artifacts


def assembled(bench: Bench, subtitles: Transcript | None, heard: list[Transcript]) -> tuple[TranscriptTrack, ...]:
    inputs = {"plan": (bench.plan(),), "heard": tuple(bench.save(f"h{i}.pb", h) for i, h in enumerate(heard))}
    if subtitles is not None:
        inputs["subtitle_cues"] = (bench.save("s.pb", subtitles),)
    outputs = bench.stage.assemble(Job(VIDEO, "transcription.assemble", inputs=inputs), no_progress)
    return bench.tracks(outputs, "transcript")


def test_a_transcript_is_the_subtitles_with_sentences(bench: Bench) -> None:
    (found,) = assembled(bench, Transcript((track(CUE),)), [Transcript((track(CUE, source=Source.RECOGNIZED),))])
    assert found.source == Source.SUBTITLE_FILE
    assert [s.text for s in found.sentences] == ["One.", "Two."]


def test_sentences_that_a_person_wrote_are_kept(bench: Bench) -> None:
    mine = Sentence(TimeRange(0, SECOND), "Mine.")
    edited = TranscriptTrack("en", Source.EDITED, cues=(CUE,), sentences=(mine,))
    (found,) = assembled(bench, Transcript((edited,)), [])
    assert found == edited


def test_without_subtitles_the_segments_are_joined_though_one_was_given_up(bench: Bench) -> None:
    def heard(start: int, language: str) -> Transcript:
        cue = Cue(TimeRange(start * SECOND, (start + 1) * SECOND), f"at {start}", 0.25)
        return Transcript((TranscriptTrack(language, Source.RECOGNIZED, cues=(cue,)),))

    for subtitles in (None, Transcript()):
        (found,) = assembled(bench, subtitles, [heard(30, "en"), Transcript(), heard(2, "de"), heard(9, "en")])
        assert [c.text for c in found.cues] == ["at 2", "at 9", "at 30"]
        assert (found.language, found.source) == ("en", Source.RECOGNIZED)
        assert [s.confidence for s in found.sentences] == [0.25] * 3


def test_no_words_anywhere_is_a_transcript_without_tracks(bench: Bench) -> None:
    assert assembled(bench, Transcript(), [Transcript(), Transcript()]) == ()


def test_a_sound_file_is_transcribed(bench: Bench) -> None:
    found = bench.stage.transcribe(speech(WORDS[:2], 5 * RATE).tobytes(), "english")
    assert [(c.text, c.range.start) for c in found.cues] == [("w0", SECOND), ("w1", 3 * SECOND)]
    assert (found.language, found.source) == ("en", Source.RECOGNIZED)
    assert [s.text for s in found.sentences] == ["w0", "w1"]


@pytest.mark.parametrize(("audio", "language", "field"), [(b"", "", "audio"), (b"xx", "nonsense", "language")])
def test_a_wrong_request_is_named(bench: Bench, audio: bytes, language: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bench.stage.transcribe(audio, language)
    assert list(caught.value.fields) == [field]


def test_too_much_sound_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="15728640"):
        bench.stage.transcribe(b"\0" * ((15 << 20) + 1))
