"""The likeliest classes of frames, and how they lie in the bucket."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.vectors import FrameClasses, classes_from_npz, classes_to_npz
from services.embedding.domain.classes import Best

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@st.composite
def found(draw: st.DrawFn) -> FrameClasses:
    n, k = draw(st.integers(0, 6)), draw(st.integers(0, 5))
    names = draw(st.lists(st.lists(NAMES, min_size=k, max_size=k), min_size=n, max_size=n))
    probabilities = draw(st.lists(st.lists(st.floats(0, 1, width=32), min_size=k, max_size=k), min_size=n, max_size=n))
    return FrameClasses(
        np.array(names, np.str_).reshape(n, k), np.array(probabilities, np.float32).reshape(n, k)
    )  # fmt: skip


@given(found())
def test_npz_gives_back_what_went_in_as_the_same_bytes(classes: FrameClasses) -> None:
    data = classes_to_npz(classes)
    again = classes_from_npz(data)
    assert again.names.tolist() == classes.names.tolist()
    assert again.names.shape == classes.names.shape
    np.testing.assert_array_equal(again.probabilities, classes.probabilities)
    assert again.probabilities.dtype == np.float32
    assert classes_to_npz(again) == data


def test_a_name_costs_little_however_often_it_stands() -> None:
    many = FrameClasses(np.full((5000, 5), "golden retriever"), np.full((5000, 5), 0.2, np.float32))
    assert len(classes_to_npz(many)) < 2000


def test_names_and_probabilities_must_have_one_shape() -> None:
    with pytest.raises(ValueError, match="one shape"):
        classes_to_npz(FrameClasses(np.array([["a", "b"]]), np.ones((2, 1), np.float32)))


def npz(**changed: object) -> bytes:
    whole: dict[str, object] = {
        "vocabulary": np.array(["a", "b"]),
        "indices": np.zeros((1, 2), np.int32),
        "probabilities": np.ones((1, 2), np.float32),
    }
    out = io.BytesIO()
    np.savez(out, **{name: array for name, array in {**whole, **changed}.items() if array is not None})
    return out.getvalue()


def test_the_sample_that_is_broken_below_is_whole() -> None:
    assert classes_from_npz(npz()).names.tolist() == [["a", "a"]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        npz()[:200],
        classes_to_npz(FrameClasses(np.array([["a"]]), np.ones((1, 1), np.float32)))[:-40],
        npz(indices=None),
        npz(vocabulary=np.ones(2)),
        npz(vocabulary=np.array([["a", "b"]])),
        npz(indices=np.full((1, 2), 2, np.int32)),
        npz(indices=np.full((1, 2), -1, np.int32)),
        npz(indices=np.zeros((1, 2))),
        npz(indices=np.zeros(2, np.int32)),
        npz(probabilities=np.ones((2, 1), np.float32)),
        npz(probabilities=np.ones((1, 2))),
        npz(vocabulary=np.array(["a", None], object)),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        classes_from_npz(data)


def test_the_likeliest_come_first_and_of_equals_the_earlier() -> None:
    best = Best(3, ("a", "b", "c", "d"), 3)
    best.put([2, 0], np.array([[0.1, 0.4, 0.1, 0.4], [0.7, 0.0, 0.2, 0.1]], np.float32))
    found = best.result()
    assert found.names[[2, 0]].tolist() == [["b", "d", "a"], ["a", "c", "d"]]
    np.testing.assert_allclose(found.probabilities[[2, 0]], [[0.4, 0.4, 0.1], [0.7, 0.2, 0.1]])


def test_fewer_classes_than_wanted_are_all_given() -> None:
    assert Best(2, ("a", "b"), 5).result().names.shape == (2, 2)
