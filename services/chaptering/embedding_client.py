"""Turns texts into vectors by asking the embedding service."""

from collections.abc import Sequence

from vidx.embedding.v1 import embedding_service_pb2 as pb

from services.chaptering.ports import TextVectors
from services.runtime.text_embedding import TextEmbedding


class EmbeddingClient:
    """Implements `ports.SentenceEncoder`."""

    def __init__(self, embedding: TextEmbedding) -> None:
        self._embedding = embedding

    def encode(self, texts: Sequence[str]) -> TextVectors:
        (found,) = self._embedding.encode(texts, [pb.SENTENCE])
        return TextVectors(found.space, found.vectors, found.curves)


class QueryClient:
    """Implements `ports.QueryEncoder`."""

    def __init__(self, embedding: TextEmbedding) -> None:
        self._embedding = embedding

    def encode(self, text: str) -> tuple[TextVectors, TextVectors]:
        pictures, texts = (
            TextVectors(found.space, found.vectors, found.curves)
            for found in self._embedding.encode([text], [pb.JOINT, pb.SENTENCE])
        )
        return pictures, texts
