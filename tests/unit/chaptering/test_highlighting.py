"""Highlights and skims of stored videos."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.chaptering.domain.material import Material
from services.chaptering.highlighting import Highlighting
from services.core.errors import Incomplete, InvalidInput
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.core.vectors import to_npz
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import DIMENSION, VIDEO, FakeEncoder, FakeQueries, silent_film, store, store_frames, unit

WANTED = np.eye(1, DIMENSION)[0]
AT = 77
"""The second in which what is looked for is seen."""


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def material() -> Material:
    """Two minutes of shots of four seconds, without a word."""
    return silent_film((15, 15))


@pytest.fixture
def frames() -> np.ndarray:
    """A frame a second; one is what is looked for, and no other is."""
    rows = np.random.default_rng(1).normal(size=(120, DIMENSION))
    rows[:, 0] = 0
    rows[AT] = WANTED
    return unit(rows)


def test_the_best_moment_is_where_what_is_looked_for_is_seen(artifacts, material, frames):
    keys, segments = (
        store(artifacts, replace(material, shot_vectors=frames[::4])),
        store_frames(artifacts, frames, SECOND),
    )
    found = Highlighting(artifacts, FakeQueries()).highlights(keys, segments, "a boat", 3)
    assert (found.step, len(found.saliency)) == (SECOND, 120)
    assert np.argmax(found.saliency) == AT
    best = found.highlights[0]
    assert best.range == TimeRange(76 * SECOND, 80 * SECOND)
    assert best.score == found.saliency[AT] > 0.5


def test_shots_stand_for_frames_that_are_not_given(artifacts, material):
    vectors = material.shot_vectors.copy()
    vectors[9], vectors[11] = WANTED, 0
    queries = FakeQueries()
    queries.space = "sentences"
    keys = store(artifacts, replace(material, shot_vectors=vectors))
    (best, *_) = Highlighting(artifacts, queries).highlights(keys, {}, "a boat", 3).highlights
    assert best.range == TimeRange(36 * SECOND, 40 * SECOND)


def test_without_a_query_nobody_is_asked_for_vectors(artifacts, material, frames):
    keys, segments = store(artifacts, material), store_frames(artifacts, frames, SECOND, segments=3)
    queries = FakeQueries(texts=FakeEncoder())
    found = Highlighting(artifacts, queries).highlights(keys, segments, "", 5)
    assert 0 < len(found.highlights) <= 5
    assert not queries.texts.asked


def test_a_skim_shows_every_chapter_and_what_is_in_focus(artifacts, material, frames):
    keys, segments = store(artifacts, material), store_frames(artifacts, frames, SECOND)
    highlighting = Highlighting(artifacts, FakeQueries())
    chapters = [TimeRange(0, 60 * SECOND), TimeRange(60 * SECOND, 120 * SECOND)]
    kept = highlighting.skim(keys, segments, chapters, 16 * SECOND, "").ranges
    assert all(any(r.overlaps(chapter) for r in kept) for chapter in chapters)
    focused = highlighting.skim(keys, segments, chapters, 16 * SECOND, "a boat")
    assert any(r.contains(AT * SECOND) for r in focused.ranges)
    assert focused.length == 16 * SECOND


def test_a_query_with_nothing_to_read_names_its_field(artifacts, material):
    highlighting, keys = Highlighting(artifacts, FakeQueries()), store(artifacts, material)
    with pytest.raises(InvalidInput) as caught:
        highlighting.highlights(keys, {}, "?", 3)
    assert list(caught.value.fields) == ["query"]
    with pytest.raises(InvalidInput) as caught:
        highlighting.skim(keys, {}, [], SECOND, "?")
    assert list(caught.value.fields) == ["focus"]


def test_vectors_of_another_model_are_not_compared(artifacts, material, frames):
    keys, segments = store(artifacts, material), store_frames(artifacts, frames, SECOND)
    queries = FakeQueries()
    queries.space = "of another model"
    with pytest.raises(Incomplete, match="the pictures' vectors are of space pictures"):
        Highlighting(artifacts, queries).highlights(keys, segments, "a boat", 3)
    said = Material(SECOND, passages=(Passage(Track.SPEECH, TimeRange(0, SECOND), "x"),), passage_vectors=frames[:1])
    keys = store(artifacts, said, space="old")
    with pytest.raises(Incomplete, match="the passages' vectors are of space old"):
        Highlighting(artifacts, FakeQueries()).highlights(keys, {}, "a boat", 3)


def test_vectors_that_do_not_fit_their_frames_are_told(artifacts, material, frames):
    keys, segments = store(artifacts, material), store_frames(artifacts, frames, SECOND)
    highlighting = Highlighting(artifacts, FakeQueries())
    artifacts.objects.put(segments["frame_vectors"][1], to_npz(frames[:3], "pictures"))
    with pytest.raises(Incomplete, match="3 frame_vectors of 60"):
        highlighting.highlights(keys, segments, "", 3)
    artifacts.objects.put(segments["frame_vectors"][1], to_npz(frames[60:], "others"))
    with pytest.raises(Incomplete, match="several spaces"):
        highlighting.highlights(keys, segments, "", 3)


@pytest.mark.parametrize(
    "segments",
    [
        {"frames": [f"{VIDEO}/frames/0"]},
        {"frames": ["a", "b"], "frame_vectors": ["c"]},
        {"plan": ["a"], "frames": ["b"]},
    ],
)
def test_wrong_keys_of_segments_name_their_field(artifacts, material, segments: dict):
    with pytest.raises(InvalidInput) as caught:
        Highlighting(artifacts, FakeQueries()).highlights(store(artifacts, material), segments, "", 3)
    assert list(caught.value.fields) == ["sources.segment_keys"]


def test_segments_without_frames_are_passed_over(artifacts, material, frames):
    keys, segments = store(artifacts, material), store_frames(artifacts, frames[:60], SECOND)
    empty = store_frames(artifacts, frames[:0].reshape(0, DIMENSION), SECOND, segments=3)
    every = {kind: [*segments[kind], empty[kind][2]] for kind in segments}
    assert len(Highlighting(artifacts, FakeQueries()).highlights(keys, every, "", 3).saliency) == 120
