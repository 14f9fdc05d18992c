"""What `vidx bench` measures with."""

import pytest

from services.cli import benching


def test_no_two_clips_show_the_same():
    clips = [film for film in benching.films(1.0) if film.name.startswith("clip")]
    pictures = [scene.picture for film in clips for scene in film.scenes]
    assert len(set(pictures)) == len(pictures) == 6
    assert all(sum(scene.seconds for scene in film.scenes) == benching.CLIP_S for film in clips)


@pytest.mark.parametrize("minutes", [0.2, 1.0, 7.5])
def test_films_are_as_long_as_asked_up_to_a_scene(minutes: float):
    for film in benching.films(minutes)[3:]:
        seconds = [scene.seconds for scene in film.scenes]
        assert sum(seconds) - seconds[-1] < 60 * minutes <= sum(seconds)


@pytest.mark.parametrize("count", [1, 144, 145, 1000])
def test_no_query_is_asked_twice(count: int):
    assert len(set(benching.queries(count))) == count
