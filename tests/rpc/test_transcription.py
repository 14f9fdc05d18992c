"""The transcription service's gRPC door: a real server and stub, real readers, fakes of what hears."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from vidx.media.v1 import media_pb2, text_pb2
from vidx.transcription.v1 import transcription_service_pb2 as pb
from vidx.transcription.v1 import transcription_service_pb2_grpc as pb_grpc

from services.core.errors import InvalidInput, NotFound, VidxError
from services.core.media import VideoInfo
from services.core.text import Transcript
from services.core.times import SECOND
from services.runtime.artifacts import ArtifactStore
from services.runtime.grpc_client import call, channel
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.runtime.store_folder import FolderStore
from services.transcription import rpc, tasks
from services.transcription.domain.sound import RATE, Span
from services.transcription.langcodes import LangcodesLanguages
from services.transcription.listening import Listener
from services.transcription.readers import SubtitleReaders
from services.transcription.sentencex import SentencexSplitter
from services.transcription.service import Transcription
from tests.fakes.transcription import FakeRecognizer, FakeSounds, FakeVoice, speech

VIDEO = "collections/c/videos/v"
SRT = b"1\n00:00:01,000 --> 00:00:02,000\nHello,\n\n2\n00:00:02,000 --> 00:00:04,000\nDr. Smith. Bye.\n"


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def stub(artifacts: ArtifactStore) -> Iterator[pb_grpc.TranscriptionServiceStub]:
    listener = Listener(artifacts.objects, FakeSounds(), FakeVoice(), FakeRecognizer())
    stage = Transcription(artifacts, listener, SubtitleReaders(), SentencexSplitter(), LangcodesLanguages())
    server = create_server(ServerSettings(drain_s=0), [rpc.door(stage, tasks.steps(stage))])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield pb_grpc.TranscriptionServiceStub(connection)
    server.stop()


def refused(method: grpc.UnaryUnaryMultiCallable, request: object) -> VidxError:
    with pytest.raises(VidxError) as caught:
        call(method, request, 60)
    return caught.value


def test_a_sound_file_becomes_a_track(stub: pb_grpc.TranscriptionServiceStub) -> None:
    sound = speech([Span(RATE, 2 * RATE)], 3 * RATE).tobytes()
    track = call(stub.Transcribe, pb.TranscribeRequest(audio=sound, language="de"), 60).track
    assert (track.language, track.source) == ("de", text_pb2.TranscriptTrack.RECOGNIZED)
    (cue,) = track.cues
    assert (cue.text, cue.range.start.ToSeconds(), cue.confidence) == ("w0", 1, 0.5)
    assert [w.text for w in cue.words] == ["w0"]
    assert [s.text for s in track.sentences] == ["w0"]


def test_a_subtitle_file_becomes_a_track_with_sentences(stub: pb_grpc.TranscriptionServiceStub) -> None:
    request = pb.ReadSubtitlesRequest(content=SRT, file_name="../../talk.srt", language="en")
    track = call(stub.ReadSubtitles, request, 60).track
    assert track.source == text_pb2.TranscriptTrack.SUBTITLE_FILE
    assert [s.text for s in track.sentences] == ["Hello, Dr. Smith.", "Bye."]
    assert [c.confidence for c in track.cues] == [1, 1]


def test_a_track_is_written_in_each_format(stub: pb_grpc.TranscriptionServiceStub) -> None:
    track = call(stub.ReadSubtitles, pb.ReadSubtitlesRequest(content=SRT), 60).track
    written = {
        name: call(stub.WriteSubtitles, pb.WriteSubtitlesRequest(track=track, format=name), 60).content
        for name in ("SRT", "WEBVTT", "TEXT")
    }
    assert written["SRT"] == SRT + b"\n"
    assert written["WEBVTT"].startswith(b"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello,\n")
    assert written["TEXT"] == b"Hello, Dr. Smith.\nBye.\n"


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("Transcribe", pb.TranscribeRequest(), "audio"),
        ("Transcribe", pb.TranscribeRequest(audio=b"odd"), "audio"),
        ("Transcribe", pb.TranscribeRequest(audio=b"xx", language="no such"), "language"),
        ("ReadSubtitles", pb.ReadSubtitlesRequest(), "content"),
        ("ReadSubtitles", pb.ReadSubtitlesRequest(content=SRT.replace(b"04,", b"00,")), "content"),
        ("WriteSubtitles", pb.WriteSubtitlesRequest(), "format"),
        ("WriteSubtitles", pb.WriteSubtitlesRequest(format=9), "format"),  # type: ignore[arg-type]
    ],
)
def test_wrong_requests_name_the_field(
    stub: pb_grpc.TranscriptionServiceStub, method: str, request_: object, field: str
) -> None:
    error = refused(getattr(stub, method), request_)
    assert type(error) is InvalidInput
    assert list(error.fields) == [field]


def test_a_track_whose_times_are_none_is_refused(stub: pb_grpc.TranscriptionServiceStub) -> None:
    track = text_pb2.TranscriptTrack(cues=[text_pb2.Cue(text="x")])
    track.cues[0].range.start.seconds = 5
    error = refused(stub.WriteSubtitles, pb.WriteSubtitlesRequest(track=track, format=pb.SRT))
    assert list(error.fields) == ["track"]


def test_run_does_a_step(stub: pb_grpc.TranscriptionServiceStub, artifacts: ArtifactStore) -> None:
    artifacts.objects.put(f"{VIDEO}/subs", SRT)
    info = VideoInfo(VIDEO, "t", 0, subtitles_key=f"{VIDEO}/subs", subtitles_name="a.srt")
    artifacts.save(f"{VIDEO}/info.pb", info)
    job = media_pb2.Job(video=VIDEO, step="transcription.subtitles", attempt=1)
    job.inputs["info"].keys.append(f"{VIDEO}/info.pb")
    outputs = call(stub.Run, pb.RunRequest(job=job), 60).outputs
    assert dict(outputs.counts) == {"tracks": 1, "cues": 2}
    (key,) = outputs.artifacts["subtitle_cues"].keys
    assert artifacts.load(key, Transcript).tracks[0].cues[0].range.start == SECOND


def test_run_refuses_an_unknown_step_and_a_missing_input(stub: pb_grpc.TranscriptionServiceStub) -> None:
    error = refused(stub.Run, pb.RunRequest(job=media_pb2.Job(video=VIDEO, step="decoding.plan")))
    assert list(error.fields) == ["job.step"]
    job = media_pb2.Job(video=VIDEO, step="transcription.subtitles")
    job.inputs["info"].keys.append(f"{VIDEO}/gone.pb")
    assert type(refused(stub.Run, pb.RunRequest(job=job))) is NotFound
