"""Gains, against the definitions worked out slowly."""

from math import lgamma, log

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.chaptering.domain.gains import PRIOR, clearness, toll, vector_gains, word_gains


def slow_words(sentences: list[list[str]], i: int, j: int) -> float:
    """log p(terms of i..j-1 | a chapter of their own) - log p(the same | the video)."""
    sets = [set(s) for s in sentences]
    shared = {t for t in set().union(*sets) if sum(t in s for s in sets) > 1}
    sets = [s & shared for s in sets]
    total = sum(map(len, sets))
    strength = PRIOR * total / sum(1 for s in sets if s)
    counts = {t: sum(t in s for s in sets[i:j]) for t in shared}
    share = {t: sum(t in s for s in sets) / total for t in shared}
    own = lgamma(strength) - lgamma(strength + sum(counts.values()))
    own += sum(lgamma(strength * share[t] + n) - lgamma(strength * share[t]) for t, n in counts.items())
    return own - sum(n * log(share[t]) for t, n in counts.items())


def test_word_gains_are_log_bayes_factors() -> None:
    rng = np.random.default_rng(0)
    sentences = [[f"t{k}" for k in rng.integers(0, 9, rng.integers(0, 7))] for _ in range(12)]
    band = word_gains(sentences, 5)
    for j in range(1, 13):
        for d in range(1, min(j, 5) + 1):
            assert np.isclose(band[j, d], slow_words(sentences, j - d, j)), (j, d)


def test_vector_gains_are_log_bayes_factors() -> None:
    rng = np.random.default_rng(1)
    vectors, weights = rng.normal(size=(10, 4)), np.array([1, 1, 0, 2, 1, 1, 3, 1, 0, 1.0])
    vectors[weights == 0] = 0
    band = vector_gains(vectors, weights, 10)
    rows = vectors - weights[:, None] * vectors.sum(0) / weights.sum()
    used = rows[weights > 0] / np.sqrt(weights[weights > 0])[:, None]
    covariance = used.T @ used / weights.sum()
    directions = np.trace(covariance) ** 2 / (covariance**2).sum()
    noise = np.trace(covariance) / directions
    for i, j in ((0, 3), (2, 3), (1, 9), (0, 10)):
        n, mean = weights[i:j].sum(), rows[i:j].sum(0)
        expected = mean @ mean / (2 * noise * (n + PRIOR)) - directions / 2 * np.log(1 + n / PRIOR)
        assert np.isclose(band[j, j - i], expected)


def test_nothing_said_gains_nothing() -> None:
    assert not word_gains([[], ["a"], []], 3).any()
    assert not vector_gains(np.zeros((3, 2)), np.zeros(3), 3).any()
    assert not vector_gains(np.ones((3, 2)), np.ones(3), 3).any()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_chapters_pay_the_information_of_which_one_an_atom_is_in(sizes: list[int]) -> None:
    n = sum(sizes)
    shares = np.array(sizes) / n
    assert np.isclose(toll(n, n)[sizes].sum(), -n * (shares * np.log(shares)).sum())


def test_a_cut_is_as_clear_as_what_it_gains_for_the_atoms_on_its_two_sides() -> None:
    band = np.zeros((11, 11))
    band[4, 4], band[10, 6], band[10, 10] = 3.0, 5.0, 2.0
    np.testing.assert_allclose(clearness(band, [0, 4, 10]), [6.0 / (4 * 6 / 10)])
    band[10, 10] = 9.0
    assert clearness(band, [0, 4, 10]) == [0.0]
    assert not len(clearness(band, [0, 10]))
    assert not len(clearness(band[:, :7], [0, 4, 10]))
