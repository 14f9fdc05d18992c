"""Turns texts into vectors by asking the embedding service."""

from collections.abc import Sequence

import grpc
import numpy as np
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

from services.core.errors import Internal
from services.runtime import grpc_client
from services.search.ports import Against, Encoded

_SPACES = {Against.PICTURES: pb.JOINT, Against.TEXTS: pb.SENTENCE}


class EmbeddingClient:
    """Implements `ports.QueryEncoder` over a channel."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._embed_text = EmbeddingServiceStub(channel).EmbedText
        self._timeout_s = timeout_s

    def encode(self, texts: Sequence[str], against: Against) -> Encoded:
        request = pb.EmbedTextRequest(texts=texts, text_space=_SPACES[against])
        response = grpc_client.call(self._embed_text, request, self._timeout_s)
        if not len(response.vectors) == len(response.calibrations) == len(texts):
            raise Internal(f"the embedding service answered {len(texts)} texts with another number of vectors")
        vectors = np.array([vector.values for vector in response.vectors], dtype=np.float32)
        middles = tuple(calibration.middle for calibration in response.calibrations)
        spreads = tuple(calibration.spread for calibration in response.calibrations)
        return Encoded(response.space, vectors, middles, spreads)
