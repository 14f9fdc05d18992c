"""What the pictures say to a query: the frames nearest to each of its pieces, and the shots that they lie in."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from services.core.deadlines import Deadline
from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain import moments as rules
from services.search.domain import selection
from services.search.domain.fusion import Clue
from services.search.domain.moments import Found, Hit
from services.search.domain.query import Query
from services.search.domain.rows import SHOT, row_id
from services.search.domain.scores import score
from services.search.domain.texts import Match, best_of
from services.search.ports import Encoded, Pool, VectorIndex

SEEN_FOR_TEXTS = 64
"""Texts whose shots are looked at as well when their pictures were not found by themselves."""


@dataclass
class _Piece:
    """A piece of the query: the search under way, then its moments and a cosine that no picture unseen exceeds."""

    number: int
    hits: "Future[list[Hit]]"
    found: Sequence[Found] = ()
    floor: float | None = None


class Looking:
    """One query's look, which is under way once this is made. Each piece is a search of its own, to its own depth."""

    def __init__(
        self, pictures: VectorIndex, pool: Executor, query: Query, encoded: Encoded, until: Deadline | None
    ) -> None:
        self._pictures = pictures
        self._pool = pool
        self._query = query
        self._encoded = encoded
        self._until = until
        self._pools: dict[str, Pool] = {}
        limit = selection.first_limit(query)
        self._pieces = [_Piece(n, self._ask(n, limit)) for n in range(len(encoded.vectors))]

    def clues(self, read: Sequence[Match]) -> list[Clue]:
        """Those of the moments, and those of shots in which texts were found while their pictures were not."""
        beside = self._shots_of(read)
        self._look(beside)
        return [*self._of_moments(), *self._of_texts(beside)]

    def _ask(self, piece: int, limit: int) -> "Future[list[Hit]]":
        # What runs in the pool never waits for it, so any number of searches may share it.
        vector = self._encoded.vectors[piece]
        return self._pool.submit(
            self._pictures.search, self._encoded.space, vector, self._query.scope, limit, self._until
        )

    def _look(self, beside: Iterable[str]) -> None:
        """Until each piece has moments up to one more than the page needs, or all that there are."""
        collection, limit = self._query.scope.collection, selection.first_limit(self._query)
        asked = set[str]()
        wanted, waiting = set(beside), self._pieces
        while waiting:
            groups = [(piece, rules.by_shot(piece.hits.result())) for piece in waiting]
            shots = (rules.shot_row(collection, g[0]) for _, of in groups for g in of if not g[0].long)
            # One call for all of them, those of the texts as well.
            missing = sorted((wanted | set(shots)) - asked)
            if missing:
                asked.update(missing)
                found = self._pictures.pools(self._encoded.space, self._encoded.vectors, missing, self._until)
                self._pools.update(found)
            waiting = [piece for piece, of in groups if not self._enough(piece, of, limit)]
            limit = min(limit * selection.GROWTH, selection.MAX_HITS)
            for piece in waiting:
                piece.hits = self._ask(piece.number, limit)

    def _enough(self, piece: _Piece, groups: Sequence[rules.Group], limit: int) -> bool:
        n, query = piece.number, self._query
        middle, spread = self._encoded.middles[n], self._encoded.spreads[n]
        hits = piece.hits.result()
        pooled = {id_: float(pool.cosines[n]) for id_, pool in self._pools.items()}
        found = rules.moments(groups, pooled, query.scope.collection, spread)
        floor = hits[-1].cosine if len(hits) == limit < selection.MAX_HITS else None
        piece.found, piece.floor = found, floor
        if floor is None or score(floor, middle, spread) < query.min_score:
            return True
        piece.found = selection.certain(found, floor)
        return selection.fills(piece.found, query, middle, spread)

    def _of_moments(self) -> list[Clue]:
        """A clue a moment, with one score of those of the pieces."""
        by_place: dict[tuple[str, TimeRange], dict[int, Found]] = {}
        for piece in self._pieces:
            for one in piece.found:
                by_place.setdefault((one.video, one.range), {})[piece.number] = one
        clues = []
        for (video, span), found in by_place.items():
            scores = [0.0] * len(self._pieces)
            for n, one in found.items():
                scores[n] = score(one.cosine, self._encoded.middles[n], self._encoded.spreads[n])
            best = found[max(found, key=lambda n: scores[n])].best
            shown = TimeRange(best.start, best.end)
            clues.append(Clue(video, Track.VISUAL, shown, span, self._weight * best_of(scores), best.frame_time))
        return clues

    def _shots_of(self, read: Sequence[Match]) -> Mapping[str, tuple[str, TimeRange]]:
        """Shots of the best texts by the ids of their rows."""
        best = sorted(read, key=lambda match: (-match.score, match.hit.id))[:SEEN_FOR_TEXTS]
        shots: dict[str, tuple[str, TimeRange]] = {}
        for match in best:
            video, shot = match.hit.video, match.hit.shot_range
            if shot.duration <= rules.LONG_SHOT:
                shots[row_id(self._query.scope.collection, video, SHOT, shot.start)] = (video, shot)
        return shots

    def _of_texts(self, beside: Mapping[str, tuple[str, TimeRange]]) -> list[Clue]:
        floors = [piece.floor for piece in self._pieces]
        if all(floor is None for floor in floors):
            return []
        known = {(one.video, one.range.start) for piece in self._pieces for one in piece.found}
        clues = []
        for id_, (video, shot) in sorted(beside.items()):
            pool = self._pools.get(id_)
            if pool is None or (video, shot.start) in known:
                continue
            bounds = (1.0 if floor is None else floor for floor in floors)
            cosines = (min(float(cosine), bound) for cosine, bound in zip(pool.cosines, bounds, strict=True))
            curves = zip(cosines, self._encoded.middles, self._encoded.spreads, strict=True)
            value = best_of([score(*curve) for curve in curves])
            clues.append(Clue(video, Track.VISUAL, shot, shot, self._weight * value, pool.frame_time))
        return clues

    @property
    def _weight(self) -> float:
        return self._query.tracks[Track.VISUAL]
