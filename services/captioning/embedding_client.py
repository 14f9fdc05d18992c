"""Places texts in the joint space by asking the embedding service; remembers those used last."""

import threading
from collections.abc import Mapping, Sequence

from cachetools import LRUCache
from vidx.embedding.v1 import embedding_service_pb2 as pb

from services.captioning.domain.agreement import Meaning
from services.runtime.text_embedding import TextEmbedding


class EmbeddingClient:
    """Implements `ports.TextEncoder`; any number of threads may call."""

    def __init__(self, embedding: TextEmbedding, cache: int) -> None:
        self._embedding = embedding
        self._known: LRUCache[str, Meaning] = LRUCache(cache)
        self._space = ""
        self._lock = threading.Lock()

    def meanings(self, texts: Sequence[str]) -> tuple[str, Mapping[str, Meaning]]:
        with self._lock:
            space = self._space
            found = {text: known for text in texts if (known := self._known.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if not new:
            return space, found
        (asked,) = self._embedding.encode(new, [pb.JOINT])
        if found and space and asked.space != space:
            # The service has another model since: what is remembered is of no use.
            with self._lock:
                self._known.clear()
            return self.meanings(texts)
        rows = zip(new, asked.vectors, asked.curves.tolist(), strict=True)
        fresh = {text: Meaning(vector, middle, spread) for text, vector, (middle, spread) in rows}
        with self._lock:
            self._space = asked.space
            self._known.update(fresh)
        return asked.space, found | fresh
