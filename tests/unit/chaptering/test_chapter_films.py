"""The films and scores of the chapters' benchmark."""

import json
from pathlib import Path

import pytest

from services.core.times import SECOND, TimeRange
from tests.bench.chapter_films import TrueChapter, made_up, read


def test_films_are_read_from_a_folder_and_other_files_passed_over(tmp_path: Path) -> None:
    film = {
        "speech": [{"start": 0, "end": 1.5, "text": "One."}, {"start": 1.5, "end": 3, "text": "Two."}],
        "chapters": [{"start": 0, "end": 1.5}, {"start": 1.5, "end": 3, "title": "T", "summary": ["Two."]}],
    }
    (tmp_path / "a.truth.json").write_text(json.dumps(film), "utf-8")
    (tmp_path / "b.json").write_text("[]", "utf-8")
    (found,) = read(tmp_path)
    half = 3 * SECOND // 2
    assert found.name == "a.truth"
    assert found.said[1] == (TimeRange(half, 2 * half), "Two.")
    assert found.chapters == (
        TrueChapter(TimeRange(0, half)),
        TrueChapter(TimeRange(half, 2 * half), "T", frozenset({"Two."})),
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_made_up_films_are_covered_by_chapters_of_different_modules(seed: int) -> None:
    films = made_up(3, seed)
    assert len(films) == 3
    titles = [c.title for film in films for c in film.chapters]
    assert len(set(titles)) == len(titles)
    for film in films:
        assert 6 <= len(film.chapters) <= 10
        ends = [0, *(c.range.end for c in film.chapters)]
        assert [c.range.start for c in film.chapters] == ends[:-1]
        assert all(c.range.duration >= 120 * SECOND for c in film.chapters)
        assert film.said[-1][0].end == ends[-1]
