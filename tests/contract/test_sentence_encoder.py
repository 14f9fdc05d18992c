"""Every `chaptering.ports.SentenceEncoder` behaves alike."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.chaptering.embedding_client import EmbeddingClient
from services.chaptering.ports import SentenceEncoder
from services.core.errors import Unavailable
from services.runtime.grpc_client import channel
from services.runtime.text_embedding import BATCH, TextEmbedding
from tests.fakes.chaptering import FakeEncoder, embedding_service


@pytest.fixture(params=["fake", "service"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SentenceEncoder]:
    if request.param == "fake":
        yield FakeEncoder()
        return
    with embedding_service(tmp_path) as address, channel(address) as connection:
        yield EmbeddingClient(TextEmbedding(connection, 10))


def test_texts_become_unit_vectors_in_order(encoder: SentenceEncoder) -> None:
    texts = [f"text {'x' * i}" for i in range(BATCH + 3)]
    found = encoder.encode(texts)
    assert found.space == "sentences"
    assert found.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    for i in (0, BATCH, BATCH + 2):
        np.testing.assert_allclose(found.vectors[i], encoder.encode([texts[i]]).vectors[0], atol=1e-6)


def test_no_texts_are_no_vectors(encoder: SentenceEncoder) -> None:
    assert len(encoder.encode([]).vectors) == 0


def test_a_service_that_is_down_is_unavailable() -> None:
    with channel("127.0.0.1:1", retries=False) as connection, pytest.raises(Unavailable):
        EmbeddingClient(TextEmbedding(connection, 5)).encode(["a"])


def test_each_text_has_a_curve_that_rises(encoder: SentenceEncoder) -> None:
    texts = [f"text {i}" for i in range(BATCH + 3)]
    found = encoder.encode(texts)
    assert found.curves.shape == (len(texts), 2)
    assert (found.curves[:, 1] > 0).all()
    assert encoder.encode([]).curves.shape == (0, 2)
