"""Places texts in the joint space by asking the embedding service; remembers those used last."""

import threading
from collections.abc import Mapping, Sequence

import grpc
import numpy as np
from cachetools import LRUCache
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

from services.captioning.domain.agreement import Meaning
from services.core.errors import Internal
from services.runtime import grpc_client

MOST_TEXTS = 64
"""The embedding service takes no more in a call."""


class EmbeddingClient:
    """Implements `ports.TextEncoder` over a channel; any number of threads may call."""

    def __init__(self, channel: grpc.Channel, timeout_s: float, cache: int) -> None:
        self._embed_text = EmbeddingServiceStub(channel).EmbedText
        self._timeout_s = timeout_s
        self._known: LRUCache[str, Meaning] = LRUCache(cache)
        self._space = ""
        self._lock = threading.Lock()

    def meanings(self, texts: Sequence[str]) -> tuple[str, Mapping[str, Meaning]]:
        with self._lock:
            space = self._space
            found = {text: known for text in texts if (known := self._known.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        for at in range(0, len(new), MOST_TEXTS):
            asked, fresh = self._ask(new[at : at + MOST_TEXTS])
            if found and space and asked != space:
                # The service has another model since: what is remembered is of no use.
                with self._lock:
                    self._known.clear()
                return self.meanings(texts)
            space = asked
            found |= fresh
            with self._lock:
                self._space = space
                self._known.update(fresh)
        return space, found

    def _ask(self, texts: Sequence[str]) -> tuple[str, dict[str, Meaning]]:
        request = pb.EmbedTextRequest(texts=texts, text_space=pb.JOINT)
        response = grpc_client.call(self._embed_text, request, self._timeout_s)
        if not len(texts) == len(response.vectors) == len(response.calibrations):
            raise Internal(f"the embedding service answered {len(texts)} texts with {len(response.vectors)} vectors")
        meanings = {
            text: Meaning(np.fromiter(vector.values, np.float32), curve.middle, curve.spread)
            for text, vector, curve in zip(texts, response.vectors, response.calibrations, strict=True)
        }
        return response.space, meanings
