"""What a score means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.domain.scores import score

cosines = st.floats(-1, 1)


@given(cosines, cosines, st.floats(-0.5, 0.5), st.floats(0, 0.5))
def test_scores_rise_with_the_cosine_and_stay_in_bounds(a: float, b: float, middle: float, spread: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= score(low, middle, spread) <= score(high, middle, spread) <= 1


def test_the_same_distance_from_chance_is_the_same_score_for_every_query() -> None:
    assert score(0.1 + 4 * 0.02, 0.1, 0.02) == pytest.approx(score(-0.05 + 4 * 0.07, -0.05, 0.07))


def test_the_middle_scores_one_half_and_each_spread_multiplies_the_odds_by_e() -> None:
    assert score(0.3, 0.3, 0.05) == 0.5
    odds = [s / (1 - s) for s in (score(0.3 + k * 0.05, 0.3, 0.05) for k in range(3))]
    assert odds == pytest.approx([1, 2.718281828, 7.389056099])
