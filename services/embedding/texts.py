"""Vectors of texts in one space or more: windows of long ones, a cache for repeated ones."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import numpy as np

from services.core.errors import InvalidInput
from services.core.jobs import Progress
from services.embedding.batches import ahead
from services.embedding.domain.model import TextSpace
from services.embedding.domain.vectors import F32, pool
from services.embedding.domain.windows import windows
from services.embedding.ports import Cache, Tokenizer

MAX_TEXTS = 64
MAX_CHARACTERS = 10_000

Encode = Callable[[Sequence[Sequence[int]]], F32]
"""Unit rows [n, d] of windows of token ids; one of `ports.Encoder`'s."""
EncodeAll = Callable[[Sequence[Sequence[int]]], Sequence[F32]]
"""The same in several spaces, of one inference."""
Windows = list[tuple[int, ...]]


class Texts:
    """Embeds texts of any length in `space` by `encode`; `cache` may be shared with other spaces.

    A text longer than the model's window is cut into windows of whole sentences; its vector is the mean of theirs,
    each weighing as many tokens as it has.
    """

    def __init__(
        self,
        space: TextSpace,
        encode: Encode,
        tokenizer: Tokenizer,
        cache: Cache,
        *,
        batch: int = 16,
        in_flight: int = 3,
    ) -> None:
        self.space = space
        self._encode = encode
        self._tokenizer = tokenizer
        self._cache = cache
        self._kind = f"{space.name}:{space.version}"
        self._batch = batch
        self._in_flight = in_flight

    def vectors(self, texts: Sequence[str]) -> F32:
        """Unit vectors [n, d] of 1 to 64 texts, in order. Raises InvalidInput naming the text at fault."""
        (found,) = in_spaces([self], self._alone, texts)
        return found

    def known(self, text: str) -> F32 | None:
        """The vector [d] of a text that was asked lately, or None."""
        return self._cache.get(text, self._kind)

    def remember(self, text: str, vector: F32) -> None:
        """Let `known` know it."""
        self._cache.put(text, self._kind, vector)

    def many(self, texts: Sequence[str], progress: Progress) -> dict[str, F32]:
        """The unit vector [d] of each text that holds something readable, however many and long they are.

        Each text is embedded once. The cache is not asked, so that a long video does not empty it of queries.
        """
        # Of about one length together: less padding.
        distinct = sorted(dict.fromkeys(texts), key=len)
        found: dict[str, F32] = {}
        done = 0
        progress(done, len(distinct))
        with closing(ahead(self._together, self._groups(distinct), self._in_flight)) as embedded:
            for group, vectors in embedded:
                readable = [text for text, cut in group if cut]
                found.update(zip(readable, vectors, strict=True))
                done += len(group)
                progress(done, len(distinct))
        return found

    def windows(self, text: str) -> Windows:
        """The text cut into what the model takes at once; nothing when it can read nothing of it."""
        return windows(text, self._tokenizer.tokens(text), self._tokenizer.room)

    def embed(self, texts: Sequence[Windows], encode: EncodeAll, in_flight: int | None = None) -> list[F32]:
        """For each space a unit row a text, from the windows of each; `encode` gives the windows' own rows."""
        flat = sorted(
            ((owner, ids) for owner, cut in enumerate(texts) for ids in cut), key=lambda window: len(window[1])
        )
        rows = [self._tokenizer.window(ids) for _, ids in flat]
        parts = [rows[at : at + self._batch] for at in range(0, len(rows), self._batch)]
        if len(parts) == 1:
            # Somebody waits for a query: no threads are started for it.
            encoded = [encode(parts[0])]
        else:
            encoded = [found for _, found in ahead(encode, parts, in_flight or self._in_flight)]
        owners = np.array([owner for owner, _ in flat], np.intp)
        weights = np.array([len(ids) for _, ids in flat], np.float64)
        return [pool(np.concatenate(of), owners, weights, len(texts)) for of in zip(*encoded, strict=True)]

    def _alone(self, rows: Sequence[Sequence[int]]) -> list[F32]:
        return [self._encode(rows)]

    def _groups(self, texts: Sequence[str]) -> Iterator[list[tuple[str, Windows]]]:
        for at in range(0, len(texts), self._batch):
            yield [(text, self.windows(text)) for text in texts[at : at + self._batch]]

    def _together(self, group: list[tuple[str, Windows]]) -> F32:
        """A unit row a readable text of a group, one inference after the other."""
        readable = [cut for _, cut in group if cut]
        if not readable:
            return np.zeros((0, self.space.dimension), np.float32)
        (found,) = self.embed(readable, self._alone, in_flight=1)
        return found


def in_spaces(spaces: Sequence[Texts], encode: EncodeAll, texts: Sequence[str]) -> list[F32]:
    """For each space the unit vectors [n, d] of 1 to 64 texts, in order; the spaces cut texts alike.

    A text that one of them does not know is encoded once for all. Raises InvalidInput naming the text at fault.
    """
    check(texts)
    found = [{text: space.known(text) for text in texts} for space in spaces]
    new = [text for text in found[0] if any(of[text] is None for of in found)]
    if new:
        cut = [spaces[0].windows(text) for text in new]
        for text, parts in zip(new, cut, strict=True):
            if not parts:
                raise _bad(f"texts[{texts.index(text)}]", "holds nothing that the model can read")
        for space, of, vectors in zip(spaces, found, spaces[0].embed(cut, encode), strict=True):
            for text, vector in zip(new, vectors, strict=True):
                of[text] = vector
                space.remember(text, vector)
    return [np.stack([vector for text in texts if (vector := of[text]) is not None]) for of in found]


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
