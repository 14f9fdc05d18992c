"""The steps on texts: passages and titles with their vectors."""

from pathlib import Path

import numpy as np
import pytest

from services.core.errors import Cancelled
from services.core.jobs import Job, no_progress
from services.core.media import VideoInfo
from services.core.names import VideoName
from services.core.text import (
    Caption,
    Captions,
    OnScreenText,
    Passages,
    Reading,
    Sentence,
    Source,
    Transcript,
    TranscriptTrack,
)
from services.core.times import TimeRange
from services.core.vectors import from_npz
from services.embedding.passages import TextSteps
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.embedding import DIMENSION, FakeEncoder, model, texts

VIDEO = VideoName("c", "v")


class Bench:
    """The steps on a folder store and fakes; batches of 4 texts."""

    def __init__(self, folder: Path, text_version: str = "t1") -> None:
        self.artifacts = ArtifactStore(FolderStore(folder))
        self.encoder = FakeEncoder()
        self.sentences = texts(self.encoder, model(text_version=text_version), batch=4)[1]
        self.steps = TextSteps(self.artifacts, self.sentences)

    def job(self, said: list[str] | None, read: list[str] = [], told: list[str] = []) -> Job:  # noqa: B006
        ranges = [TimeRange(i, i + 1) for i in range(1000)]
        inputs = {kind: (f"{VIDEO}/{kind}.pb",) for kind in ("on_screen_text", "captions")}
        readings = (Reading(r, text, 0.5) for r, text in zip(ranges, read, strict=False))
        captions = (Caption(0, r, text, "", 1.0, 1.0, "m") for r, text in zip(ranges, told, strict=False))
        self.artifacts.save(f"{VIDEO}/on_screen_text.pb", OnScreenText(tuple(readings)))
        self.artifacts.save(f"{VIDEO}/captions.pb", Captions(tuple(captions)))
        if said is not None:
            sentences = tuple(Sentence(r, text) for r, text in zip(ranges, said, strict=False))
            track = TranscriptTrack("en", Source.RECOGNIZED, sentences=sentences)
            self.artifacts.save(f"{VIDEO}/transcript.pb", Transcript((track,)))
            inputs["transcript"] = (f"{VIDEO}/transcript.pb",)
        return Job(VIDEO, "embedding.text", inputs=inputs)

    def title(self, title: str) -> Job:
        self.artifacts.save(f"{VIDEO}/info.pb", VideoInfo(str(VIDEO), title, 0))
        return Job(VIDEO, "embedding.title", inputs={"info": (f"{VIDEO}/info.pb",)})

    def vectors(self, key: str) -> np.ndarray:
        vectors, space = from_npz(self.artifacts.objects.get(key))
        assert space == self.sentences.space.name
        return vectors


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_passage_has_its_texts_vector_in_the_sentence_space(bench: Bench) -> None:
    job = bench.job(["a dog runs", "it is brown"], ["big sale now"], ["a red car"])
    outputs = bench.steps.text(job, no_progress)
    passages = bench.artifacts.load(outputs.artifacts["passages"], Passages).passages
    assert [p.text for p in passages] == ["a dog runs", "it is brown", "big sale now", "a red car"]
    wanted = np.concatenate([bench.sentences.vectors([p.text]) for p in passages])
    np.testing.assert_allclose(bench.vectors(outputs.artifacts["passage_vectors"]), wanted, atol=1e-6)
    assert outputs.counts == {"vectors": 4}


def test_a_video_without_a_transcript_has_the_other_tracks_under_another_key(bench: Bench) -> None:
    without = bench.steps.text(bench.job(None, ["big sale now"]), no_progress)
    (passage,) = bench.artifacts.load(without.artifacts["passages"], Passages).passages
    assert passage.text == "big sale now"
    assert bench.steps.text(bench.job(["a dog runs"], ["big sale now"]), no_progress).artifacts != without.artifacts


def test_a_video_of_no_words_has_no_passages(bench: Bench) -> None:
    outputs = bench.steps.text(bench.job([]), no_progress)
    assert bench.artifacts.load(outputs.artifacts["passages"], Passages) == Passages()
    assert bench.vectors(outputs.artifacts["passage_vectors"]).shape == (0, DIMENSION)
    assert outputs.counts == {"vectors": 0}


def test_a_text_that_stands_in_many_places_is_embedded_once(bench: Bench) -> None:
    outputs = bench.steps.text(bench.job(["thank you all"] * 50, ["thank you all"] * 9), no_progress)
    assert sum(map(len, bench.encoder.text_batches)) == 1
    vectors = bench.vectors(outputs.artifacts["passage_vectors"])
    assert vectors.shape == (59, DIMENSION)
    assert (vectors == vectors[0]).all()


def test_what_the_model_cannot_read_is_left_out(bench: Bench) -> None:
    outputs = bench.steps.text(bench.job([], ["\x00", "a red car", "\x00"]), no_progress)
    (passage,) = bench.artifacts.load(outputs.artifacts["passages"], Passages).passages
    assert passage.range == TimeRange(1, 2)
    assert bench.vectors(outputs.artifacts["passage_vectors"]).shape == (1, DIMENSION)


def test_a_second_run_finds_what_the_first_wrote_and_another_model_writes_beside(tmp_path: Path, bench: Bench) -> None:
    job = bench.job(["a dog runs"])
    first = bench.steps.text(job, no_progress)
    bench.encoder.text_batches.clear()
    assert bench.steps.text(job, no_progress) == first
    assert bench.encoder.text_batches == []
    other = Bench(tmp_path, "t2").steps.text(job, no_progress)
    assert not set(other.artifacts.values()) & set(first.artifacts.values())


def test_progress_is_told_and_may_stop_the_work(bench: Bench) -> None:
    said = [f"{'a' * n} dog runs" for n in range(1, 400)]
    told: list[tuple[int, int]] = []
    bench.steps.text(bench.job(said), lambda *p: told.append(p))
    assert told == [(min(done, 399), 399) for done in range(0, 404, 4)]
    bench.encoder.text_batches.clear()

    def stop(done: int, total: int) -> None:
        if done > 8:
            raise Cancelled("stopped")

    job = bench.job(said[1:])
    with pytest.raises(Cancelled):
        bench.steps.text(Job(VIDEO, job.step, segment=3, inputs=job.inputs), stop)
    assert len(bench.encoder.text_batches) < 20


def test_a_title_is_one_row(bench: Bench) -> None:
    job = bench.title("my holiday film")
    outputs = bench.steps.title(job, no_progress)
    found = bench.vectors(outputs.artifacts["title_vectors"])
    np.testing.assert_allclose(found, bench.sentences.vectors(["my holiday film"]), atol=1e-6)
    bench.encoder.text_batches.clear()
    assert bench.steps.title(job, no_progress) == outputs
    assert bench.encoder.text_batches == []


@pytest.mark.parametrize("title", ["", " ", "\x00"], ids=["none", "blank", "unreadable"])
def test_an_empty_title_is_no_row(bench: Bench, title: str) -> None:
    outputs = bench.steps.title(bench.title(title), no_progress)
    assert bench.vectors(outputs.artifacts["title_vectors"]).shape == (0, DIMENSION)
