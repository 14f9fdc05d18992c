"""The dynamic programme finds the best of all segmentations."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from services.chaptering.domain.segmentation import Rules, segment


def worth(band: np.ndarray, bonus: np.ndarray, cuts: list[int]) -> float:
    pairs = pairwise(cuts)
    return sum(band[j, j - i] + (bonus[i] if i else 0) for i, j in pairs)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [None, 1, 3, 5])
def test_it_is_as_good_as_trying_all(seed: int, count: int | None) -> None:
    rng = np.random.default_rng(seed)
    n = 8
    band, bonus, times = rng.normal(size=(n + 1, n + 1)), rng.normal(size=n + 1), np.arange(n + 1) * 10
    rules = Rules(shortest=10 if count == 5 else 20, longest=50 if count != 1 else 100, count=count)
    allowed = [
        cuts
        for k in range(n)
        for inner in combinations(range(1, n), k)
        for cuts in [[0, *inner, n]]
        if all(rules.shortest <= times[b] - times[a] <= rules.longest for a, b in pairwise(cuts))
        and count in (None, len(cuts) - 1)
    ]
    assert segment(band, bonus, times, rules) == max(allowed, key=lambda cuts: worth(band, bonus, cuts))


def test_what_the_rules_leave_no_room_for_is_none() -> None:
    band, times = np.zeros((5, 5)), np.arange(5) * 10
    assert segment(band, np.zeros(5), times, Rules(shortest=30, count=2)) is None
    assert segment(band, np.zeros(5), times, Rules(count=5)) is None


def test_a_locked_stretch_is_kept_whatever_it_costs() -> None:
    band, times = np.zeros((7, 7)), np.arange(7) * 10
    band[:, 1] = 5
    assert segment(band, np.zeros(7), times, Rules(locked=[(1, 4)])) == [0, 1, 4, 5, 6]
    assert segment(band, np.zeros(7), times, Rules(shortest=25, locked=[(1, 4)])) == [0, 1, 4, 6]
