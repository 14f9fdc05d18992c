"""What a score means."""

from hypothesis import given
from hypothesis import strategies as st

from services.search.domain.scores import score

cosines = st.floats(-1, 1)


@given(cosines, cosines, st.floats(-0.5, 0.5), st.floats(0, 0.5))
def test_scores_rise_with_the_cosine_and_stay_in_bounds(a: float, b: float, mean: float, deviation: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= score(low, mean, deviation) <= score(high, mean, deviation) <= 1


def test_the_same_distance_from_chance_is_the_same_score_for_every_query() -> None:
    assert abs(score(0.1 + 4 * 0.02, 0.1, 0.02) - score(-0.05 + 4 * 0.07, -0.05, 0.07)) < 1e-9


def test_what_chance_gives_scores_low() -> None:
    assert score(0.1, 0.1, 0.05) < 0.05
    assert score(0.1 + 3 * 0.05, 0.1, 0.05) < 0.2
    assert score(0.1 + 7 * 0.05, 0.1, 0.05) > 0.9
