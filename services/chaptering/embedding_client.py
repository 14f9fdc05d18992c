"""Turns texts into sentence vectors by asking the embedding service."""

from collections.abc import Sequence

import grpc
import numpy as np
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

from services.chaptering.ports import TextVectors
from services.core.errors import Internal
from services.runtime import grpc_client

BATCH = 64
"""Texts that one call takes."""


class EmbeddingClient:
    """Implements `ports.SentenceEncoder` over a channel."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._embed_text = EmbeddingServiceStub(channel).EmbedText
        self._timeout_s = timeout_s

    def encode(self, texts: Sequence[str]) -> TextVectors:
        rows, curves, spaces = [], [], set()
        for start in range(0, len(texts), BATCH):
            part = list(texts[start : start + BATCH])
            request = pb.EmbedTextRequest(texts=part, text_space=pb.SENTENCE)
            response = grpc_client.call(self._embed_text, request, self._timeout_s)
            if not len(response.vectors) == len(response.calibrations) == len(part):
                raise Internal(f"the embedding service gave {len(response.vectors)} vectors of {len(part)} texts")
            rows += [np.fromiter(vector.values, dtype=np.float32) for vector in response.vectors]
            curves += [(curve.middle, curve.spread) for curve in response.calibrations]
            spaces.add(response.space)
        if len(spaces) > 1:
            raise Internal(f"the embedding service changed its space from one call to the next: {sorted(spaces)}")
        return TextVectors(spaces.pop() if spaces else "", np.array(rows, np.float32), np.array(curves).reshape(-1, 2))
