"""The stage on its real parts: FLAC files, Silero, PocketSphinx in child sandbox."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from services.core import artifacts as artifact_keys
from services.core.errors import InvalidInput, MediaLimit, WorkerLost
from services.core.jobs import Job, no_progress
from services.core.media import Plan, Probe, Segment, VideoStream
from services.core.names import VideoName
from services.core.text import Transcript
from services.core.times import SECOND, TimeRange
from services.packs import manifest
from services.packs.manifest import Speech
from services.runtime.artifacts import ArtifactStore
from services.runtime.sandbox import Sandbox
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from services.transcription.__main__ import build, recognizer
from services.transcription.domain.sound import RATE, Samples
from services.transcription.openai_api import OpenAiApi
from services.transcription.pocketsphinx import PocketSphinx
from services.transcription.pyav import PyavSounds
from services.transcription.service import Transcription
from services.transcription.settings import TranscriptionSettings
from services.transcription.silero import SileroVoice
from tests.fakes.embedding import MANIFEST
from tests.media import sounds

VIDEO = VideoName("c", "v")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, 4 << 30) as found:
        yield found


@pytest.fixture
def artifacts(objects: StoreSettings) -> ArtifactStore:
    return connect(objects)


def settings(folder: Path, speech: Speech | None = None, **more: object) -> TranscriptionSettings:
    folder.mkdir(exist_ok=True)
    manifest.save(MANIFEST.model_copy(update={"speech": speech} if speech else {}), folder)
    return TranscriptionSettings(models=folder, **more)  # type: ignore[arg-type]


@pytest.fixture
def stage(tmp_path: Path, artifacts: ArtifactStore, sandbox: Sandbox) -> Transcription:
    return build(settings(tmp_path / "pack"), artifacts, sandbox, sandbox)


def flac(path: Path, samples: Samples, rate: int = RATE, format_: str = "flac") -> bytes:
    with av.open(str(path), "w", format=format_) as out:
        stream = out.add_stream("flac" if format_ == "flac" else "pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def transcript(
    stage: Transcription, artifacts: ArtifactStore, audio: list[bytes], segments: int, seconds: int
) -> Transcript:
    """All of the stage's steps for a video whose segments last so many seconds."""
    video = VideoStream(0, "h264", 64, 48, 64, 48, Fraction(1, 25))
    ranges = [TimeRange(i * seconds * SECOND, (i + 1) * seconds * SECOND) for i in range(segments)]
    plan = Plan(
        Probe("mp4", segments * seconds * SECOND, 0, 1, video), tuple(Segment(i, r) for i, r in enumerate(ranges))
    )
    artifacts.save(f"{VIDEO}/plan.pb", plan)
    keys = [artifact_keys.key(VIDEO, "audio", "0" * 16, i) for i in range(len(audio))]
    for key, data in zip(keys, audio, strict=True):
        artifacts.objects.put(key, data)
    heard = []
    for i in range(segments):
        near = tuple(keys[max(0, i - 1) : i + 2])
        inputs = {"plan": (f"{VIDEO}/plan.pb",), **({"audio": near} if near else {})}
        outputs = stage.segment(Job(VIDEO, "transcription.segment", i, inputs=inputs), no_progress)
        heard.append(outputs.artifacts["heard"])
    job = Job(VIDEO, "transcription.assemble", inputs={"plan": (f"{VIDEO}/plan.pb",), "heard": tuple(heard)})
    return artifacts.load(stage.assemble(job, no_progress).artifacts["transcript"], Transcript)


@pytest.mark.parametrize("kind", ["silence", "chords", "drums", "melody", "noise", "band"])
def test_music_noise_and_silence_are_an_empty_transcript(
    kind: str, stage: Transcription, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    whole = np.zeros(20 * RATE, np.int16) if kind == "silence" else getattr(sounds, kind)(20)
    audio = [flac(tmp_path / "a.flac", part) for part in (whole[: 10 * RATE], whole[10 * RATE :])]
    assert transcript(stage, artifacts, audio, 2, 10) == Transcript()


def test_a_video_without_sound_is_an_empty_transcript(stage: Transcription, artifacts: ArtifactStore) -> None:
    assert transcript(stage, artifacts, [], 2, 10) == Transcript()


def test_a_voice_is_heard_where_it_is(stage: Transcription, artifacts: ArtifactStore, tmp_path: Path) -> None:
    voice = sounds.babble(6, 4)
    chances = SileroVoice().chances(voice)
    assert chances.max() > 0.5, "the voice is one"
    rest = np.zeros(12 * RATE, np.int16)
    audio = [
        flac(tmp_path / "a.flac", each) for each in (rest, np.concatenate([rest[: 3 * RATE], voice, rest[: 3 * RATE]]))
    ]
    for track in transcript(stage, artifacts, audio, 2, 12).tracks:
        assert track.language == "en"
        for cue in track.cues:
            assert 14 * SECOND <= cue.range.start < cue.range.end <= 22 * SECOND
            assert 0 <= cue.confidence <= 1


def test_the_same_sound_has_the_same_chances_whatever_was_heard_before_and_in_any_thread() -> None:
    voice = SileroVoice()
    heard = [sounds.babble(4, seed) for seed in range(3)]
    alone = [SileroVoice().chances(each) for each in heard]
    for each, expected in zip(heard, alone, strict=True):
        np.testing.assert_array_equal(voice.chances(each), expected)
    with ThreadPoolExecutor(3) as threads:
        for found, expected in zip(threads.map(voice.chances, heard * 3), alone * 3, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("rate", "format_"), [(16_000, "flac"), (44_100, "flac"), (8_000, "wav"), (48_000, "wav")])
def test_flac_and_wav_of_any_rate_are_heard_at_16_khz(
    rate: int, format_: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    data = flac(tmp_path / "a", np.zeros(2 * rate, np.int16), rate, format_)
    assert len(PyavSounds(sandbox).samples(data, 10 * RATE)) == pytest.approx(2 * RATE, abs=64)


def test_samples_go_through_flac_unchanged(sandbox: Sandbox, tmp_path: Path) -> None:
    sound = sounds.babble(3)
    found = PyavSounds(sandbox).samples(flac(tmp_path / "a", sound), 10 * RATE)
    np.testing.assert_array_equal(found, sound)


@pytest.mark.parametrize(
    "data", [b"RIFF", b"fLaC", b"\0" * 1000, b"#EXTM3U\nfile:///etc/hostname\n", b"\x1aE\xdf\xa3" * 9]
)
def test_what_is_no_sound_file_is_refused(data: bytes, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidInput, match="FLAC or WAV"):
        PyavSounds(sandbox).samples(data, RATE)


def test_more_sound_than_is_read_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(MediaLimit, match="more than 1 s"):
        PyavSounds(sandbox).samples(flac(tmp_path / "a", np.zeros(5 * RATE, np.int16)), RATE)


def test_a_process_that_dies_is_said_so_and_replaced(sandbox: Sandbox) -> None:
    with pytest.raises(WorkerLost, match="died"):
        sandbox.run(_die, timeout_s=60)
    assert sandbox.run(len, b"abc", timeout_s=60) == 3


def test_the_pack_and_the_settings_say_what_recognizes(tmp_path: Path, sandbox: Sandbox) -> None:
    pack = settings(tmp_path / "p")
    assert isinstance(recognizer(pack, sandbox), PocketSphinx)
    served = settings(tmp_path / "p", api_url="http://127.0.0.1:9/v1/", api_model="m")
    assert isinstance(recognizer(served, sandbox), OpenAiApi)
    assert recognizer(served, sandbox).version == "http://127.0.0.1:9/v1/audio/transcriptions m"


def test_a_pack_that_names_a_whisper_model_loads_it(tmp_path: Path, sandbox: Sandbox) -> None:
    faster_whisper = pytest.importorskip("faster_whisper") and pytest.importorskip(
        "services.transcription.faster_whisper"
    )
    from tests.media.whisper import tiny_whisper

    tiny_whisper(tmp_path / "p" / "speech")
    pack = settings(tmp_path / "p", Speech(technology="faster_whisper", model="speech", language="en"))
    assert isinstance(recognizer(pack, sandbox), faster_whisper.FasterWhisper)


def _die() -> None:
    os._exit(7)
