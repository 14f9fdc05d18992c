"""Vectors of texts: windows of long ones, a cache for repeated ones."""

from collections.abc import Sequence

import numpy as np

from services.core.errors import InvalidInput
from services.embedding.batches import ahead
from services.embedding.domain.model import Model
from services.embedding.domain.vectors import F32, pool
from services.embedding.domain.windows import windows
from services.embedding.ports import Cache, Encoder, Tokenizer

MAX_TEXTS = 64
MAX_CHARACTERS = 10_000


class Texts:
    """Embeds texts of any length within the limits.

    A text longer than the model's window is cut into windows of whole sentences; its vector is the mean of theirs,
    each weighing as many tokens as it has.
    """

    def __init__(
        self, model: Model, encoder: Encoder, tokenizer: Tokenizer, cache: Cache, *, batch: int = 16, in_flight: int = 3
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._cache = cache
        self._batch = batch
        self._in_flight = in_flight

    def vectors(self, texts: Sequence[str]) -> F32:
        """Unit vectors [n, d], in order. Raises InvalidInput naming the text at fault."""
        check(texts)
        version = self._model.text_version
        known = {text: self._cache.get(text, version) for text in texts}
        new = [text for text, vector in known.items() if vector is None]
        if new:
            cut = [self._windows(text, texts.index(text)) for text in new]
            for text, vector in zip(new, self._embed(cut), strict=True):
                known[text] = vector
                self._cache.put(text, version, vector)
        return np.stack([vector for text in texts if (vector := known[text]) is not None])

    def _windows(self, text: str, row: int) -> list[tuple[int, ...]]:
        found = windows(text, self._tokenizer.tokens(text), self._tokenizer.room)
        if not found:
            raise _bad(f"texts[{row}]", "holds nothing that the model can read")
        return found

    def _embed(self, texts: Sequence[list[tuple[int, ...]]]) -> F32:
        """A unit row a text, from the windows of each."""
        # Windows of about one length together: less padding.
        flat = sorted(
            ((owner, ids) for owner, cut in enumerate(texts) for ids in cut), key=lambda window: len(window[1])
        )
        rows = [self._tokenizer.window(ids) for _, ids in flat]
        parts = [rows[at : at + self._batch] for at in range(0, len(rows), self._batch)]
        vectors = np.concatenate([v for _, v in ahead(self._encoder.encode_texts, parts, self._in_flight)])
        owners = np.array([owner for owner, _ in flat], np.intp)
        return pool(vectors, owners, np.array([len(ids) for _, ids in flat], np.float64), len(texts))


def check(texts: Sequence[str]) -> None:
    """Raises InvalidInput unless there are 1 to 64 texts of 1 to 10,000 characters, not all blank."""
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise _bad("texts", f"has {len(texts)} texts; wanted 1 to {MAX_TEXTS}")
    for row, text in enumerate(texts):
        if not text.strip():
            raise _bad(f"texts[{row}]", "is empty")
        if len(text) > MAX_CHARACTERS:
            raise _bad(f"texts[{row}]", f"has {len(text)} characters; at most {MAX_CHARACTERS}")


def _bad(field: str, what: str) -> InvalidInput:
    return InvalidInput(f"{field} {what}", fields={field: what})
