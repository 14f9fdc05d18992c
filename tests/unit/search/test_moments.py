"""How hits become moments."""

from hypothesis import given
from hypothesis import strategies as st

from services.core.times import SECOND, TimeRange
from services.search.domain.moments import LONG_SHOT, SHORTEST, Found, Hit, by_shot, moments, shot_row
from services.search.domain.selection import certain

WHOLE = (0, 20 * SECOND)
LECTURE = (0, 3600 * SECOND)


def hit(
    second: float, cosine: float, shot: tuple[int, int] = WHOLE, video: str = "v", index: int = 0, lasts: float = 1
) -> Hit:
    start = round(second * SECOND)
    return Hit(video, index, shot[0], shot[1], start, start + round(lasts * SECOND), start, cosine)


def found(hits: list[Hit], pooled: dict[str, float] | None = None, spread: float = 0.05) -> list[Found]:
    ordered = sorted(hits, key=lambda h: -h.cosine)
    return moments(by_shot(ordered), pooled or {}, "films", spread)


def test_hits_of_one_shot_are_one_moment_of_the_whole_shot_with_its_best_frame() -> None:
    (moment,) = found([hit(3, 0.4), hit(4, 0.9), hit(15, 0.6)])
    assert moment.range == TimeRange(*WHOLE)
    assert moment.best == hit(4, 0.9)


def test_a_shot_of_thirty_seconds_is_ordinary_and_a_longer_one_is_not() -> None:
    ordinary, longer = (0, LONG_SHOT), (0, LONG_SHOT + 1)
    assert found([hit(3, 0.5, ordinary)])[0].range == TimeRange(*ordinary)
    assert found([hit(3, 0.5, longer)])[0].range.duration == SHORTEST


def test_shots_of_the_same_index_in_different_videos_are_different_moments() -> None:
    assert len(found([hit(3, 0.5, video="a"), hit(3, 0.5, video="b")])) == 2


def test_the_shot_s_own_row_decides_between_equal_frames() -> None:
    a, b = hit(1, 0.5, video="a"), hit(1, 0.5, video="b")
    pooled = {shot_row("films", a): 0.2, shot_row("films", b): 0.4}
    assert [m.video for m in found([a, b], pooled)] == ["b", "a"]


def test_a_shot_without_a_row_is_judged_by_its_frames() -> None:
    assert found([hit(1, 0.5)])[0].cosine == 0.5


def test_matches_far_apart_in_a_long_shot_are_moments_of_their_own() -> None:
    got = found([hit(100, 0.9, LECTURE), hit(101, 0.88, LECTURE), hit(2000, 0.8, LECTURE)])
    assert [(m.best.frame_time // SECOND, m.cosine > 0.85) for m in got] == [(100, True), (2000, False)]
    assert got[0].range == TimeRange(99 * SECOND, 103 * SECOND)


def test_frames_that_match_alike_within_the_gap_join_and_others_do_not() -> None:
    got = found([hit(100, 0.9, LECTURE), hit(105, 0.89, LECTURE), hit(112, 0.89, LECTURE)])
    assert got[0].range == TimeRange(100 * SECOND, 106 * SECOND)


def test_weaker_surroundings_of_a_match_are_not_another_moment() -> None:
    got = found([hit(100 + i, 0.9 - 0.1 * abs(i - 3), LECTURE) for i in range(7)])
    assert len(got) == 1


def test_a_frame_that_stands_for_minutes_keeps_its_range() -> None:
    (moment,) = found([hit(100, 0.9, LECTURE, lasts=600)])
    assert moment.range == TimeRange(100 * SECOND, 700 * SECOND)


def test_a_widened_moment_stays_inside_its_shot() -> None:
    shot = (50 * SECOND, 90 * SECOND)
    assert found([hit(50, 0.9, shot)])[0].range == TimeRange(50 * SECOND, 54 * SECOND)
    assert found([hit(89, 0.9, shot)])[0].range == TimeRange(86 * SECOND, 90 * SECOND)


def test_equal_moments_come_by_video_and_start() -> None:
    hits = [
        hit(21, 0.5, (20 * SECOND, 40 * SECOND), "b", 1),
        hit(1, 0.5, video="b"),
        hit(1, 0.5, video="a"),
    ]
    assert [(m.video, m.range.start // SECOND) for m in found(hits)] == [("a", 0), ("b", 0), ("b", 20)]


@st.composite
def hit_lists(draw: st.DrawFn) -> list[Hit]:
    """Hits of a film of three shots, the last one long; times differ within a video, as frames' do."""
    made = []
    for video in ("a", "b"):
        for second in draw(st.sets(st.integers(0, 299), max_size=25)):
            start, end = next(s for s in [(0, 20), (20, 50), (50, 300)] if s[0] <= second < s[1])
            cosine = draw(st.integers(-100, 100)) / 100
            made.append(hit(second, cosine, (start * SECOND, end * SECOND), video, start))
    return sorted(made, key=lambda h: (-h.cosine, h.video, h.start))


@given(hit_lists())
def test_every_moment_lies_in_its_shot_and_holds_its_best_frame(hits: list[Hit]) -> None:
    for moment in found(hits):
        assert TimeRange(moment.best.shot_start, moment.best.shot_end).span(moment.range) == TimeRange(
            moment.best.shot_start, moment.best.shot_end
        )
        assert moment.range.contains(moment.best.frame_time)
        assert moment.range.duration >= min(SHORTEST, moment.best.shot_end - moment.best.shot_start)
        assert moment.cosine <= moment.best.cosine + 1e-9


@given(hit_lists())
def test_best_frames_differ_and_every_shot_that_was_hit_is_answered(hits: list[Hit]) -> None:
    got = found(hits)
    assert len({(m.video, m.best.frame_time) for m in got}) == len(got)
    assert {(m.video, m.best.shot) for m in got} == {(h.video, h.shot) for h in hits}
    assert [m.cosine for m in got] == sorted((m.cosine for m in got), reverse=True)


@given(hit_lists(), st.integers(1, 50))
def test_what_is_certain_after_some_hits_is_the_beginning_after_all(hits: list[Hit], count: int) -> None:
    pooled = {shot_row("films", h): h.shot / 100 for h in hits}
    some = hits[:count]
    sure = certain(found(some, pooled), some[-1].cosine) if some else []
    assert sure == found(hits, pooled)[: len(sure)]


def test_enough_hits_make_the_best_moments_certain() -> None:
    hits = [hit(1, 0.9, video="a"), hit(2, 0.5, video="a"), hit(1, 0.8, video="b"), hit(2, 0.4, video="b")]
    assert [m.video for m in certain(found(hits), 0.4)] == ["a", "b"]
    assert [m.video for m in certain(found(hits), 0.8)] == ["a"]
