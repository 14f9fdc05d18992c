"""Unit vectors, pooling, background and NPZ."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from services.core.vectors import from_npz, to_npz
from services.embedding.domain.vectors import SMALLEST_DEVIATION, calibration, pool, unit

ROWS = hnp.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=st.floats(0.5, 100, width=32))


@given(ROWS)
def test_rows_have_length_one_and_keep_their_direction(rows: np.ndarray) -> None:
    scaled = unit(rows)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(scaled * np.linalg.norm(rows, axis=1, keepdims=True), rows, rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_row_without_direction_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="zero or not finite"):
        unit(np.array([[1.0, 0.0], [value, 0.0]]))


def test_pooling_weighs_rows_by_owner() -> None:
    rows = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    pooled = pool(rows, np.array([0, 0, 1]), np.array([3.0, 4.0, 2.0]), 2)
    np.testing.assert_allclose(pooled, [[0.6, 0.8], [0, 1]], atol=1e-6)


def test_a_score_counts_deviations_above_the_mean_of_the_background() -> None:
    others = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]], np.float32)
    middle, spread = calibration(np.array([[1, 0], [0, 1]], np.float32), others, 3.0, 0.5)
    deviation = np.array([np.std([1, 0, -1, 0, 1]), np.std([0, 1, 0, -1, 0])])
    np.testing.assert_allclose(middle, [0.2, 0.0] + 3 * deviation, atol=1e-6)
    np.testing.assert_allclose(spread, 0.5 * deviation, atol=1e-6)


def test_a_spread_can_always_be_divided_by() -> None:
    same = np.array([[1, 0], [1, 0]], np.float32)
    assert calibration(same[:1], same, 0.0, 1.0)[1][0] == pytest.approx(SMALLEST_DEVIATION)


@given(ROWS)
def test_npz_gives_back_what_went_in_as_the_same_bytes(rows: np.ndarray) -> None:
    data = to_npz(rows, "space-1")
    assert data == to_npz(rows.copy(), "space-1")
    vectors, space = from_npz(data)
    np.testing.assert_array_equal(vectors, rows)
    assert space == "space-1"


def test_npz_is_read_by_numpy_alone(tmp_path) -> None:
    (tmp_path / "v.npz").write_bytes(to_npz(np.zeros((0, 4), np.float32), "s"))
    with np.load(tmp_path / "v.npz") as held:
        assert held["vectors"].shape == (0, 4)
        assert held["space"].shape == ()
        assert str(held["space"]) == "s"


def npy() -> bytes:
    out = io.BytesIO()
    np.save(out, np.ones((2, 2), np.float32))
    return out.getvalue()


def npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        npz(vectors=np.ones((2, 2), np.float32))[:100],
        npy(),
        npz(vectors=1),
        npz(vectors=1, space="s"),
    ],
    ids=["empty", "text", "truncated", "npy", "no space", "no rows"],
)
def test_broken_npz_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        from_npz(data)
