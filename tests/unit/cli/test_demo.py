"""The demo's films are what their truth says."""

from itertools import pairwise
from pathlib import Path

import av

from services.cli import demo
from services.cli.demo_films import FILMS, RATE, SLIDES_RATE, Film, Scene, write


def test_film_has_a_shot_a_scene_and_its_narration(tmp_path: Path):
    film = Film("f", (Scene("coffee.png", 1, "Coffee."), Scene("camera.png", 2, "A photographer.")))
    file = tmp_path / "f.mp4"
    write(film, file)
    assert [path.name for path in tmp_path.iterdir()] == ["f.mp4"]
    with av.open(str(file)) as opened:
        frames = [frame.to_ndarray(format="gray").astype(int) for frame in opened.decode(video=0)]
    assert len(frames) == 3 * RATE
    jumps = [abs(a - b).mean() for a, b in pairwise(frames)]
    assert max(jumps) == jumps[RATE - 1] > 5 * sorted(jumps)[-2]
    assert film.shot("camera.png") == (1, 3)
    with av.open(str(file)) as opened:
        packets = [packet for packet in opened.demux(subtitles=0) if packet.size > 2]
        cues = [(p.pts * p.time_base, p.duration * p.time_base, bytes(p)[2:].decode()) for p in packets]
    assert cues == [(0, 1, "Coffee."), (1, 2, "A photographer.")]


def test_every_question_has_one_right_answer():
    for _, picture in demo.QUESTIONS:
        assert sum(film.shot(picture) is not None for film in FILMS) == 1


def test_a_moment_shows_the_picture_when_most_of_it_lies_in_the_shot():
    film = Film("f", (Scene("a", 4, ""), Scene("b", 4, "")))
    assert demo._shows(film, "b", {"start": "3.5s", "end": "6s"})
    assert not demo._shows(film, "b", {"end": "6s"})
    assert not demo._shows(film, "c", {"end": "6s"})


def test_slides_stand_still_and_their_sentences_share_the_time(tmp_path: Path):
    film = Film("f", (Scene("coffee.png", 3, "One.\nTwo? Three!"), Scene("camera.png", 2, "")), slides=True)
    assert list(film.narration()) == [(0, 1000, "One."), (1000, 2000, "Two?"), (2000, 3000, "Three!")]
    write(film, tmp_path / "f.mp4")
    with av.open(str(tmp_path / "f.mp4")) as opened:
        frames = [frame.to_ndarray(format="gray").astype(int) for frame in opened.decode(video=0)]
    assert len(frames) == 5 * SLIDES_RATE
    assert max(abs(a - b).mean() for a, b in pairwise(frames[: 3 * SLIDES_RATE])) < 1


def test_one_film_is_long_enough_for_chapters():
    assert max(sum(scene.seconds for scene in film.scenes) for film in FILMS) > 180
