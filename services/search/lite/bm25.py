"""BM25 over one set of texts, on arrays; the formula and the order of equal scores are those of milvus-lite."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_PAIR = np.dtype([("term", "<u4"), ("count", "<f4")])


class Bm25:
    """`rows`: of each text its terms as milvus-lite packs them, pairs of a term's number and its count."""

    def __init__(self, rows: Sequence[bytes | None], k1: float, b: float) -> None:
        packed = [row or b"" for row in rows]
        pairs = np.frombuffer(b"".join(packed), _PAIR)
        texts = np.repeat(np.arange(len(packed)), [len(row) // _PAIR.itemsize for row in packed])
        counts = pairs["count"].astype(np.float64)
        lengths = np.bincount(texts, counts, minlength=len(packed))
        mean = lengths.sum() / len(packed) if packed else 0.0
        order = np.argsort(pairs["term"], kind="stable")
        self._terms, self._starts = np.unique(pairs["term"][order], return_index=True)
        self._ends = np.append(self._starts[1:], len(order))
        self._texts, counts = texts[order], counts[order]
        length = lengths[self._texts]
        self._weights = (counts * (k1 + 1.0)) / (counts + k1 * (1.0 - b + b * length / (mean if mean > 0 else 1.0)))
        self._count = len(packed)

    def best(
        self, query: Mapping[int, float], limit: int, valid: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Texts that share a term with the query, best first, with their scores; only those that are `valid`."""
        scores = np.zeros(self._count)
        seen = np.zeros(self._count, np.bool_)
        order: list[NDArray[np.intp]] = []
        for term, weight in query.items():
            at = int(np.searchsorted(self._terms, term))
            if at == len(self._terms) or self._terms[at] != term:
                continue
            part = slice(self._starts[at], self._ends[at])
            texts = self._texts[part]
            holding = len(texts)
            rarity = math.log((self._count - holding + 0.5) / (holding + 0.5) + 1.0)
            scores[texts] += rarity * self._weights[part] * weight
            order.append(texts[~seen[texts]])
            seen[texts] = True
        if not order:
            return np.zeros(0, np.intp), np.zeros(0, np.float32)
        found = np.concatenate(order)
        if valid is not None:
            found = found[valid[found]]
        of_found = scores[found]
        if limit < len(found):
            # All that may be among the best, still in their order: equal scores stay as they came.
            least = np.partition(of_found, len(found) - limit)[len(found) - limit]
            found, of_found = found[of_found >= least], of_found[of_found >= least]
        best = np.argsort(-of_found, kind="stable")[:limit]
        return found[best], of_found[best].astype(np.float32)
