"""Turns text into vectors by asking the embedding service."""

import grpc
import numpy as np
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

from services.core.errors import Internal
from services.runtime import grpc_client
from services.search.ports import EncodedQuery


class EmbeddingClient:
    """Implements `ports.QueryEncoder` over a channel."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._embed_text = EmbeddingServiceStub(channel).EmbedText
        self._timeout_s = timeout_s

    def encode(self, text: str) -> EncodedQuery:
        response = grpc_client.call(self._embed_text, pb.EmbedTextRequest(texts=[text]), self._timeout_s)
        if len(response.vectors) != 1 or len(response.calibrations) != 1:
            raise Internal("the embedding service answered one text with another number of vectors")
        calibration = response.calibrations[0]
        vector = np.fromiter(response.vectors[0].values, dtype=np.float32)
        return EncodedQuery(response.space, vector, calibration.middle, calibration.spread)
