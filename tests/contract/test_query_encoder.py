"""Every `chaptering.ports.QueryEncoder` behaves alike."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.chaptering.embedding_client import QueryClient
from services.chaptering.ports import QueryEncoder
from services.core.errors import Unavailable
from services.runtime.grpc_client import channel
from services.runtime.text_embedding import TextEmbedding
from tests.fakes.chaptering import FakeQueries, embedding_service


@pytest.fixture(params=["fake", "service"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[QueryEncoder]:
    if request.param == "fake":
        yield FakeQueries()
        return
    with embedding_service(tmp_path) as address, channel(address) as connection:
        yield QueryClient(TextEmbedding(connection, 10))


def test_a_query_has_a_unit_vector_and_a_rising_curve_in_each_of_two_spaces(encoder: QueryEncoder) -> None:
    pictures, texts = encoder.encode("a dog on a beach")
    assert pictures.space != texts.space
    for found in (pictures, texts):
        assert found.vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), [1], atol=1e-5)
        assert found.curves.shape == (1, 2)
        assert found.curves[0, 1] > 0


def test_a_service_that_is_down_is_unavailable() -> None:
    with channel("127.0.0.1:1", retries=False) as connection, pytest.raises(Unavailable):
        QueryClient(TextEmbedding(connection, 5)).encode("a")
