"""The stage's use case: pictures, segments, shots."""

import io
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from services.core.errors import Cancelled, Incomplete, InvalidInput, MediaLimit, Unavailable
from services.core.jobs import Job, no_progress
from services.core.media import SampledFrame, SampledFrames, Shot, Shots
from services.core.names import VideoName
from services.core.times import TimeRange
from services.core.vectors import classes_from_npz, from_npz, to_npz
from services.embedding.domain.model import CLASSES_KEPT, Model
from services.embedding.domain.vectors import unit
from services.embedding.service import Embedding
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.embedding import FakeEncoder, FakePictures, model, probabilities_of, texts, vector_of

VIDEO = VideoName("c", "v")
PREFIX = f"{VIDEO}/decoding/"


class Bench:
    """A stage on a folder store and fakes."""

    def __init__(self, folder: Path, model_: Model | None = None) -> None:
        self.artifacts = ArtifactStore(FolderStore(folder))
        self.model = model_ or model()
        self.encoder = FakeEncoder(len(self.model.classes))
        spaces = texts(self.encoder, self.model)
        pictures = FakePictures()
        self.stage = Embedding(
            self.artifacts, self.model, self.encoder, pictures, *spaces, brought=pictures, batch=16, in_flight=3
        )

    def segment(self, files: dict[int, bytes], *, index: int = 0, leave_out: int | None = None) -> Job:
        """A decoded segment: a frame a file by PTS, each standing for 10 ns from its PTS."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for pts, data in files.items():
                if pts != leave_out:
                    info = tarfile.TarInfo(f"{pts}.jpg")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        tar_key, frames_key = f"{PREFIX}jpegs/{index:06d}-x.tar", f"{PREFIX}frames/{index:06d}-x.pb"
        self.artifacts.objects.put(tar_key, out.getvalue())
        frames = tuple(SampledFrame(pts, pts, TimeRange(pts, pts + 10)) for pts in sorted(files))
        self.artifacts.save(frames_key, SampledFrames(tar_key, frames))
        return Job(VIDEO, "embedding.segment", index, inputs={"frames": (frames_key,)})

    def assembly(self, bounds: list[int], segments: list[Job]) -> Job:
        shots_key = f"{PREFIX}shots-x.pb"
        ranges = [TimeRange(a, b) for a, b in pairwise(bounds)]
        self.artifacts.save(shots_key, Shots(tuple(Shot(i, r) for i, r in enumerate(ranges))))
        vectors = tuple(self.stage.segment(job, no_progress).artifacts["frame_vectors"] for job in segments)
        frames = tuple(job.one("frames") for job in segments)
        return Job(
            VIDEO, "embedding.assemble", inputs={"frames": frames, "frame_vectors": vectors, "shots": (shots_key,)}
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def held(bench: Bench, key: str) -> np.ndarray:
    vectors, space = from_npz(bench.artifacts.objects.get(key))
    assert space == bench.model.space
    return vectors


def test_a_segment_gives_a_vector_a_frame_in_order(bench: Bench) -> None:
    files = {pts: bytes([pts]) for pts in reversed(range(0, 200, 5))}
    job = bench.segment(files)
    outputs = bench.stage.segment(job, no_progress)
    vectors = held(bench, outputs.artifacts["frame_vectors"])
    np.testing.assert_allclose(vectors, np.stack([vector_of(pts) for pts in sorted(files)]), atol=1e-6)
    assert outputs.counts == {"vectors": 40}
    assert sorted(bench.encoder.image_batches) == [8, 16, 16]


def test_a_frame_of_several_crops_is_their_mean(bench: Bench) -> None:
    outputs = bench.stage.segment(bench.segment({0: bytes([1, 2, 3]), 5: bytes([4])}), no_progress)
    wanted = [unit(np.array([vector_of(1) + vector_of(2) + vector_of(3)]))[0], vector_of(4)]
    np.testing.assert_allclose(held(bench, outputs.artifacts["frame_vectors"]), wanted, atol=1e-6)


def test_a_model_of_classes_gives_the_likeliest_of_each_frame(tmp_path: Path) -> None:
    names = tuple("abcdefg")
    bench = Bench(tmp_path, model(classes=names))
    files = {pts: bytes([pts]) for pts in reversed(range(40))}
    outputs = bench.stage.segment(bench.segment(files), no_progress)
    found = classes_from_npz(bench.artifacts.objects.get(outputs.artifacts["frame_classes"]))
    assert found.names.shape == found.probabilities.shape == (40, CLASSES_KEPT)
    for pts in range(40):
        wanted = sorted(zip(probabilities_of(pts, 7), names, strict=True), reverse=True)[:CLASSES_KEPT]
        assert list(zip(found.probabilities[pts], found.names[pts], strict=True)) == wanted
    assert sorted(bench.encoder.image_batches) == [8, 16, 16]
    np.testing.assert_allclose(held(bench, outputs.artifacts["frame_vectors"])[3], vector_of(3), atol=1e-6)


def test_classes_of_several_crops_are_averaged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, model(classes=("a", "b")))
    outputs = bench.stage.segment(bench.segment({0: bytes([1, 2, 3])}), no_progress)
    found = classes_from_npz(bench.artifacts.objects.get(outputs.artifacts["frame_classes"]))
    mean = np.mean([probabilities_of(value, 2) for value in (1, 2, 3)], axis=0)
    np.testing.assert_allclose(found.probabilities, [sorted(mean, reverse=True)], atol=1e-6)


def test_other_classes_leave_vectors_where_they_are(tmp_path: Path) -> None:
    """Frames that were embedded before the model told classes, or other ones, keep their vectors' key."""
    job = Bench(tmp_path).segment({0: b"a"})
    told = [
        Bench(tmp_path, model(classes=classes)).stage.segment(job, no_progress).artifacts
        for classes in ((), ("a", "b"), ("a", "c"))
    ]
    assert len({outputs["frame_vectors"] for outputs in told}) == 1
    assert "frame_classes" not in told[0]
    assert told[1]["frame_classes"] != told[2]["frame_classes"]


def test_progress_is_told_a_batch(bench: Bench) -> None:
    told = []
    bench.stage.segment(bench.segment(dict.fromkeys(range(40), b"x")), lambda *p: told.append(p))
    assert told == [(0, 40), (16, 40), (32, 40), (40, 40)]


def test_a_second_run_finds_what_the_first_wrote(bench: Bench) -> None:
    job = bench.segment({0: b"a", 5: b"b"})
    first = bench.stage.segment(job, no_progress)
    bench.encoder.image_batches.clear()
    assert bench.stage.segment(job, no_progress) == first
    assert bench.encoder.image_batches == []


def test_a_segment_without_frames_is_an_empty_array(bench: Bench) -> None:
    outputs = bench.stage.segment(bench.segment({}), no_progress)
    assert held(bench, outputs.artifacts["frame_vectors"]).shape == (0, 8)
    assert outputs.counts == {"vectors": 0}


@pytest.mark.parametrize("other", [model(space="s2"), model(image_version="v2")], ids=["space", "version"])
def test_another_model_writes_beside(tmp_path: Path, bench: Bench, other: Model) -> None:
    job = bench.segment({0: b"a"})
    first, second = (b.stage.segment(job, no_progress).artifacts for b in (bench, Bench(tmp_path, other)))
    assert first != second
    assert bench.artifacts.have([*first.values(), *second.values()])


@pytest.mark.parametrize(
    "made",
    [lambda b: b.segment({0: b"a", 5: b"b"}, leave_out=5), lambda b: b.segment({0: b"a", 5: b""})],
    ids=["missing", "broken"],
)
def test_a_missing_or_broken_jpeg_leaves_nothing_behind(bench: Bench, made) -> None:
    with pytest.raises(Incomplete):
        bench.stage.segment(made(bench), no_progress)
    assert list(bench.artifacts.objects.walk(f"{VIDEO}/embedding/")) == []


def test_cancelling_ends_a_segment(bench: Bench) -> None:
    def progress(done: int, total: int) -> None:
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        bench.stage.segment(bench.segment(dict.fromkeys(range(250), b"x")), progress)
    assert len(bench.encoder.image_batches) < 8


def test_an_unavailable_model_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(canvases: object) -> None:
        raise Unavailable("Triton is down")

    monkeypatch.setattr(bench.encoder, "encode_images", down)
    with pytest.raises(Unavailable, match="Triton is down"):
        bench.stage.segment(bench.segment({0: b"a"}), no_progress)


def test_shots_are_pooled_over_segments(bench: Bench) -> None:
    segments = [bench.segment({0: b"\x01", 10: b"\x02"}), bench.segment({20: b"\x03", 30: b"\x04"}, index=1)]
    job = bench.assembly([0, 10, 30, 40], segments)
    outputs = bench.stage.assemble(job, no_progress)
    middle = unit(np.array([vector_of(2) + vector_of(3)]))[0]
    wanted = [vector_of(1), middle, vector_of(4)]
    np.testing.assert_allclose(held(bench, outputs.artifacts["shot_vectors"]), wanted, atol=1e-6)
    assert outputs.counts == {"vectors": 3}
    assert bench.stage.assemble(job, no_progress) == outputs


def test_a_shot_without_frames_is_named(bench: Bench) -> None:
    with pytest.raises(Incomplete, match="shot 1"):
        bench.stage.assemble(bench.assembly([0, 10, 20], [bench.segment({0: b"a"})]), no_progress)


def test_vectors_of_two_spaces_are_not_pooled(bench: Bench) -> None:
    segments = [bench.segment({0: b"a"}), bench.segment({10: b"b"}, index=1)]
    job = bench.assembly([0, 20], segments)
    bench.artifacts.objects.put(job.inputs["frame_vectors"][1], to_npz(np.ones((1, 8), np.float32), "other"))
    with pytest.raises(Incomplete, match="several spaces"):
        bench.stage.assemble(job, no_progress)


@pytest.mark.parametrize("data", [b"junk", to_npz(np.ones((3, 8), np.float32), "fake-space")], ids=["junk", "count"])
def test_frame_vectors_that_do_not_fit_are_incomplete(bench: Bench, data: bytes) -> None:
    job = bench.assembly([0, 10], [bench.segment({0: b"a"})])
    bench.artifacts.objects.put(job.inputs["frame_vectors"][0], data)
    with pytest.raises(Incomplete):
        bench.stage.assemble(job, no_progress)


@pytest.mark.parametrize("kind", ["frames", "frame_vectors"])
def test_segments_of_only_one_kind_are_incomplete(bench: Bench, kind: str) -> None:
    job = bench.assembly([0, 10], [bench.segment({0: b"a"})])
    with pytest.raises(Incomplete, match="every segment"):
        bench.stage.assemble(Job(VIDEO, job.step, inputs={**job.inputs, kind: ()}), no_progress)


def test_pictures_come_back_in_order(bench: Bench) -> None:
    found = bench.stage.embed_images([bytes([n]) for n in range(40)])
    np.testing.assert_allclose(found, np.stack([vector_of(n) for n in range(40)]), atol=1e-6)


@pytest.mark.parametrize(
    ("images", "field"),
    [([], "images"), ([b"a"] * 65, "images"), ([bytes(33 << 20)] * 2, "images"), ([b"a", b"", b"c"], "images[1]")],
    ids=["none", "too many", "too large", "broken"],
)
def test_bad_pictures_are_named(bench: Bench, images: list[bytes], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bench.stage.embed_images(images)
    assert list(caught.value.fields) == [field]


def test_a_picture_over_the_limit_stays_that_kind_of_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def large(self: FakePictures, data: bytes) -> None:
        raise MediaLimit("9 pixels")

    monkeypatch.setattr(FakePictures, "canvases", large)
    with pytest.raises(MediaLimit, match=r"images\[0\]: 9 pixels"):
        bench.stage.embed_images([b"a"])


def test_texts_come_with_the_curve_of_their_score(bench: Bench) -> None:
    embeds = (bench.stage.embed_text, bench.model.joint), (bench.stage.embed_sentences, bench.model.sentence)
    for embed, space in embeds:
        found = embed(["a dog", "a cat runs"])
        cosines = found.vectors @ space.background.T
        np.testing.assert_allclose(found.middles, cosines.mean(1) + space.centre * cosines.std(1), atol=1e-6)
        np.testing.assert_allclose(found.spreads, space.scale * cosines.std(1), atol=1e-6)
        assert (found.spreads > 0).all()
        assert found.space == space.name
