"""Turns texts into vectors by asking the embedding service."""

from collections.abc import Sequence

from vidx.embedding.v1 import embedding_service_pb2 as pb

from services.core.deadlines import Deadline
from services.runtime.text_embedding import Embedded, TextEmbedding
from services.search.ports import Against, Encoded

_SPACES = {Against.PICTURES: pb.JOINT, Against.TEXTS: pb.SENTENCE}


class EmbeddingClient:
    """Implements `ports.QueryEncoder`."""

    def __init__(self, embedding: TextEmbedding) -> None:
        self._embedding = embedding

    def encode(
        self, texts: Sequence[str], against: Sequence[Against], until: Deadline | None = None
    ) -> tuple[Encoded, ...]:
        spaces = [_SPACES[one] for one in against]
        return tuple(map(_encoded, self._embedding.encode(texts, spaces, until)))


def _encoded(found: Embedded) -> Encoded:
    middles, spreads = found.curves.T.tolist()
    return Encoded(found.space, found.vectors, tuple(middles), tuple(spreads))
