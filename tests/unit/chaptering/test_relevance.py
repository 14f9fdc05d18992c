"""Which texts answer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.chaptering.domain.relevance import ANSWERS, MOST, SAME, WORTH, best, worth

NONE_ALIKE = np.eye(20)


def test_the_best_come_first_and_weak_ones_not_at_all() -> None:
    assert best(np.array([0.7, 0.1, 0.95, 0.59]), NONE_ALIKE[:4, :4]) == [2, 0]
    assert best(np.array([0.3, 0.2]), NONE_ALIKE[:2, :2]) == []
    assert best(np.zeros(0), np.zeros((0, 0))) == []


def test_beside_a_sure_answer_a_doubtful_one_adds_nothing() -> None:
    assert best(np.array([0.9999, 0.7]), NONE_ALIKE[:2, :2]) == [0]


def test_what_says_the_same_is_said_once() -> None:
    likeness = np.array([[1.0, 0.95, 0.1], [0.95, 1.0, 0.1], [0.1, 0.1, 1.0]])
    assert best(np.array([0.8, 0.9, 0.7]), likeness) == [1, 2]


@given(st.lists(st.floats(0, 1), max_size=20), st.integers(0, 1000))
def test_answers_are_few_good_and_different(scores: list[float], seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(len(scores), 2))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    likeness, found = rows @ rows.T, best(np.array(scores), rows @ rows.T)
    assert len(found) <= MOST
    assert [scores[i] for i in found] == sorted((scores[i] for i in found), reverse=True)
    assert all(scores[i] >= ANSWERS for i in found)
    assert all(likeness[i, j] < SAME for i in found for j in found if i != j)


def test_a_model_is_shown_more_but_not_everything() -> None:
    assert worth(np.array([0.5, WORTH, WORTH - 0.01, 0.9]), 3) == [3, 0, 1]
    assert worth(np.array([0.5, 0.9]), 1) == [1]
