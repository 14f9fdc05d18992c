"""How the benchmark judges frames by the captions that find their shots."""

import json

import numpy as np
import pytest

from services.core.times import SECOND, TimeRange
from tests.bench import retrieval
from tests.bench.retrieval import TrueFilm, TrueShot

ONE, OTHER = np.eye(2, dtype=np.float32)


def test_recall_is_the_share_of_captions_whose_shot_is_among_the_best():
    found = np.array([[0.9, 0.1, 0.2], [0.1, 0.2, 0.3], [0.5, 0.4, 0.3]], np.float32)
    told = retrieval.recall(found, np.array([0, 0, 1]))
    assert told == {1: pytest.approx(100 / 3), 5: 100.0, 10: 100.0}


def test_a_shot_without_a_frame_is_not_found():
    assert retrieval.recall(np.array([[-1, 0.5]], np.float32), np.array([0]))[10] == 0.0


def test_frames_count_for_the_true_shot_that_their_time_lies_in(monkeypatch, tmp_path):
    shots = tuple(TrueShot(TimeRange(n * SECOND, (n + 1) * SECOND), ("said",)) for n in range(3))

    def way(path, duration, kept):
        kept += [(0, b"one"), (SECOND - 1, b"one"), (SECOND, b"other")]

    monkeypatch.setattr(retrieval.pyav, "probe", lambda path, limits: TimeRange(0, 3 * SECOND))
    monkeypatch.setattr(
        retrieval, "vectors", lambda kept, models: np.array([{b"one": ONE, b"other": OTHER}[data] for _, data in kept])
    )
    found, frames = retrieval.cosines([TrueFilm(tmp_path, shots)], way, np.array([ONE, OTHER]), tmp_path)
    assert frames == 3
    np.testing.assert_allclose(found, [[1, 0, -1], [0, 1, -1]])


def test_films_are_read_with_their_captions_and_other_files_passed_over(tmp_path):
    for name, told in {
        "a.truth.json": {"shots": [{"start": 0, "end": 1.5, "captions": ["a dog"]}]},
        "b.json": {"shots": [{"start": 0, "end": 1}]},
        "without-film.json": {"shots": [{"start": 0, "end": 1, "captions": ["a cat"]}]},
        "list.json": [],
    }.items():
        (tmp_path / name).write_text(json.dumps(told))
    for name in ("a.mp4", "b.mkv", "list.mp4"):
        (tmp_path / name).touch()
    shot = TrueShot(TimeRange(0, 3 * SECOND // 2), ("a dog",))
    assert retrieval.read(tmp_path) == [TrueFilm(tmp_path / "a.mp4", (shot,))]
