"""How clues of several tracks become moments."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.text import Track
from services.core.times import SECOND, TimeRange
from services.search.domain import fusion
from services.search.domain.fusion import Clue, Fused, fuse


def seconds(start: float, end: float) -> TimeRange:
    return TimeRange(round(start * SECOND), round(end * SECOND))


def picture(start: float, end: float, score: float, video: str = "v") -> Clue:
    """A shot, seen by its first second."""
    at = round(start * SECOND)
    return Clue(video, Track.VISUAL, TimeRange(at, at + SECOND), seconds(start, end), score, at)


def text(
    start: float, end: float, score: float, track: Track = Track.SPEECH, video: str = "v", phrases: tuple[int, ...] = ()
) -> Clue:
    return Clue(video, track, seconds(start, end), seconds(start, end), score, None, "said", "en", frozenset(phrases))


def fused(clues: list[Clue], phrases: int) -> list[Fused]:
    return list(fuse(clues, phrases))


def ranges(found: list[Fused]) -> list[tuple[float, float]]:
    return [(f.range.start / SECOND, f.range.end / SECOND) for f in found]


def tracks(one: Fused) -> list[Track]:
    return [clue.track for clue, _ in one.evidence]


def test_a_picture_alone_is_its_shot_with_its_own_score() -> None:
    (one,) = fused([picture(10, 15, 0.37)], 0)
    assert (ranges([one]), one.score) == ([(10, 15)], 0.37)
    assert [(c.track, share) for c, share in one.evidence] == [(Track.VISUAL, 1.0)]


def test_a_text_alone_is_its_own_range() -> None:
    assert ranges(fused([text(11, 14, 0.9)], 0)) == [(11, 14)]


def test_a_text_beside_a_picture_that_says_nothing_keeps_its_own_range() -> None:
    found = fused([picture(10, 20, 0.02), text(11, 14, 0.9)], 0)
    assert ranges(found) == [(11, 14)]
    assert tracks(found[0]) == [Track.SPEECH]


def test_a_text_inside_a_shot_that_matches_too_is_the_shot() -> None:
    (one,) = fused([picture(10, 15, 0.6), text(11, 14, 0.9)], 0)
    assert ranges([one]) == [(10, 15)]
    assert one.score == pytest.approx(1 - 0.4 * 0.1)
    assert tracks(one) == [Track.SPEECH, Track.VISUAL]


def test_a_text_that_reaches_beyond_the_shot_widens_it() -> None:
    (one,) = fused([picture(10, 12, 0.9), text(9, 15, 0.5)], 0)
    assert ranges([one]) == [(9, 15)]


def test_a_text_over_a_cut_joins_one_shot_and_leaves_the_other() -> None:
    found = fused([picture(10, 15, 0.3), picture(15, 20, 0.8), text(11.9, 18, 0.9)], 0)
    assert ranges(found) == [(11.9, 20), (10, 15)]


def test_sentences_of_a_shot_that_matches_are_one_moment_with_the_best_of_them() -> None:
    (one,) = fused([picture(10, 20, 0.7), text(10, 12, 0.5), text(14, 16, 0.8), text(17, 19, 0.6)], 0)
    assert [(c.range, c.track) for c, _ in one.evidence] == [
        (seconds(14, 16), Track.SPEECH), (seconds(10, 11), Track.VISUAL)
    ]  # fmt: skip


def test_sentences_of_a_lecture_are_moments_of_their_own() -> None:
    assert ranges(fused([text(100, 104, 0.9), text(105, 109, 0.8)], 0)) == [(100, 104), (105, 109)]


def test_speech_and_written_text_of_the_same_stretch_are_one_moment() -> None:
    (one,) = fused([text(10, 14, 0.9), text(9, 20, 0.4, Track.ON_SCREEN_TEXT)], 0)
    assert ranges([one]) == [(10, 14)]
    assert tracks(one) == [Track.SPEECH, Track.ON_SCREEN_TEXT]


def test_a_caption_and_its_picture_count_as_one_witness() -> None:
    (one,) = fused([picture(10, 15, 0.6), text(10, 15, 0.5, Track.CAPTION)], 0)
    assert one.score == pytest.approx(0.6)
    assert sum(share for _, share in one.evidence) == pytest.approx(1)


def test_a_title_alone_is_one_moment_of_the_whole_video() -> None:
    assert ranges(fused([text(0, 600, 0.8, Track.TITLE)], 0)) == [(0, 600)]


def test_a_title_lifts_moments_by_what_they_match_and_does_not_flood_the_answer() -> None:
    title = text(0, 600, 0.8, Track.TITLE)
    weak = [picture(10 * n, 10 * n + 10, 0.05) for n in range(20)]
    found = fused([title, *weak, picture(300, 310, 0.3), picture(0, 9, 0.5, "other")], 0)
    assert [(f.video, f.range.duration // SECOND) for f in found[:3]] == [("v", 600), ("other", 9), ("v", 10)]
    assert all(f.score < 0.1 for f in found[3:])


def test_a_title_is_part_of_a_better_moment_of_its_video_instead_of_one_beside_it() -> None:
    (one,) = fused([text(0, 600, 0.5, Track.TITLE), picture(10, 15, 0.9)], 0)
    assert ranges([one]) == [(10, 15)]
    assert tracks(one) == [Track.VISUAL, Track.TITLE]
    assert one.score > 0.9


def test_a_slide_that_stays_for_minutes_is_no_place_but_lifts_what_is_said_over_it() -> None:
    slide = text(0, 300, 0.6, Track.ON_SCREEN_TEXT)
    found = fused([slide, text(100, 105, 0.7)], 0)
    assert ranges(found) == [(100, 105)]
    assert ranges(fused([slide, text(400, 405, 0.3)], 0)) == [(0, 300), (400, 405)]


def test_every_phrase_must_stand_somewhere_in_the_moment() -> None:
    shot = picture(10, 20, 0.9)
    found = fused([shot, text(10, 12, 0.9, phrases=(0,)), text(14, 16, 0.9, phrases=(1,)), picture(30, 40, 0.9)], 2)
    assert ranges(found) == [(10, 20)]
    assert fused([shot, text(10, 12, 0.9, phrases=(0,))], 2) == []


def test_a_phrase_of_the_title_holds_for_its_video() -> None:
    title = text(0, 600, 0.9, Track.TITLE, phrases=(0,))
    found = fused([title, picture(10, 20, 0.95), picture(10, 20, 0.95, "other")], 1)
    assert {f.video for f in found} == {"v"}


clues = st.builds(
    lambda visual, start, length, score, track, video: (
        picture(10 * start, 10 * start + 10, score, video)
        if visual
        else text(start * 7, start * 7 + length, score, track, video)
    ),
    st.booleans(),
    st.integers(0, 30),
    st.integers(1, 60),
    st.floats(0, 1),
    st.sampled_from([Track.SPEECH, Track.ON_SCREEN_TEXT, Track.CAPTION, Track.TITLE]),
    st.sampled_from("abcd"),
)
clue_lists = st.lists(clues, max_size=25, unique_by=lambda c: (c.video, c.track, c.stretch))


@given(clue_lists)
def test_scores_and_shares_are_in_bounds_and_nothing_is_told_twice(given_: list[Clue]) -> None:
    found = fused(given_, 0)
    assert found == sorted(found, key=lambda f: (-f.score, f.video, f.range.start, f.range.end))
    for one in found:
        assert 0 < one.score <= 1
        assert sum(share for _, share in one.evidence) == pytest.approx(1)
        assert len(set(tracks(one))) == len(tracks(one))
    places = [(c.video, c.track, c.stretch) for f in found for c, _ in f.evidence if not c.wide]
    assert len(set(places)) == len(places)


@given(clue_lists, st.randoms())
def test_the_order_of_the_clues_does_not_matter(given_: list[Clue], random: Random) -> None:
    mixed = list(given_)
    random.shuffle(mixed)
    assert fused(mixed, 0) == fused(given_, 0)


@given(clue_lists)
def test_every_shot_that_was_seen_is_answered(given_: list[Clue]) -> None:
    found = fused(given_, 0)
    for clue in given_:
        if clue.track is Track.VISUAL and clue.score > 1e-30:
            assert any(f.video == clue.video and f.range.overlaps(clue.stretch) for f in found)


def test_videos_that_cannot_be_next_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    whole = fusion._of_video

    def look(own: list[Clue], asked: frozenset[int]) -> object:
        looked.append(own[0].video)
        return whole(own, asked)

    monkeypatch.setattr(fusion, "_of_video", look)
    found = fuse([picture(0, 5, 0.1 * n, f"v{n}") for n in range(1, 9)], 0)
    assert [next(found).video, next(found).video] == ["v8", "v7"]
    assert looked == ["v8", "v7"]
