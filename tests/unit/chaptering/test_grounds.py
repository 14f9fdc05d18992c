"""A sentence stands when its sources mean it, and hold its numbers and quotes."""

import numpy as np
import pytest

from services.chaptering.domain.grounds import CITED, SUPPORT, alike, borne, score, stands

CURVE = np.array([0.5, 0.05])
AXES = np.eye(4, dtype=np.float32)


def at(cosine: float, axis: int = 0) -> np.ndarray:
    """A unit vector with this cosine to an axis."""
    return np.asarray(cosine * AXES[axis] + np.sqrt(1 - cosine**2) * AXES[3], np.float32)


def test_a_score_is_one_half_at_the_middle_and_rises() -> None:
    found = score(np.array([-1.0, 0.45, 0.5, 0.55, 1.0]), CURVE)
    assert found[2] == 0.5
    assert list(found) == sorted(found)
    assert 0 <= found[0] < found[-1] <= 1


def test_a_sentence_of_two_sources_means_both_together() -> None:
    both = (AXES[0] + AXES[1]) / np.sqrt(np.float32(2))
    assert alike(both, np.array([0.8, 0.03]), AXES[:1]) < SUPPORT
    assert alike(both, np.array([0.8, 0.03]), AXES[:2]) >= SUPPORT
    assert alike(both, CURVE, AXES[:0]) == 0


@pytest.mark.parametrize(
    ("text", "sources", "expected"),
    [
        ("It fell in 1940.", ["The bridge fell in 1940."], True),
        ("It fell in 1941.", ["The bridge fell in 1940."], False),
        ("It cost 4,000,000 euros.", ["It cost 4000000 euros."], True),
        ("It cost 4.5 euros.", ["It cost 45 euros."], False),
        ("In 1940 there were 7 of them.", ["In 1940.", "There were 7."], True),
        ("He said \"let us go\".", ["And he said: Let us go!"], True),
        ("He said “never again”.", ["And he said: Let us go!"], False),
        ("She named it “bee”.", ["She named it beetle."], False),
        ("No number at all.", ["12"], True),
        ("１９４０ is written wide.", ["1940"], True),
    ],
)  # fmt: skip
def test_numbers_and_quotes_must_stand_in_the_sources(text: str, sources: list[str], expected: bool) -> None:
    assert stands(text, sources) is expected


def test_only_sources_that_say_something_of_it_are_kept() -> None:
    vectors = np.stack([at(0.9), AXES[2], at(0.55)])
    sources = ["It fell in 1940.", "Bread.", "It fell."]
    assert borne("It fell in 1940.", AXES[0], CURVE, sources, vectors) == [0, 2]
    assert borne("It fell in 1940.", AXES[0], CURVE, sources[1:], vectors[1:]) == []
    assert borne("It fell.", AXES[0], CURVE, [], vectors[:0]) == []


def test_a_source_about_the_same_that_does_not_say_it_bears_nothing_out() -> None:
    near = at(0.65)[None]
    assert CITED <= alike(AXES[0], CURVE, near) < SUPPORT
    assert borne("It fell.", AXES[0], CURVE, ["It was tall."], near) == []
    assert borne("It fell.", AXES[0], CURVE, ["It was tall."], at(0.8)[None]) == [0]


def test_a_number_that_stands_in_a_foreign_source_does_not_count() -> None:
    vectors = np.stack([at(0.9), AXES[2]])
    assert borne("It fell in 1940.", AXES[0], CURVE, ["It fell.", "Bread of 1940."], vectors) == []
