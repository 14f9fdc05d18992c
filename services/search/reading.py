"""What the texts say to a query: the nearest in meaning, those that share most words, those that may hold a phrase."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

from services.core.deadlines import Deadline
from services.core.text import Track
from services.search.domain import selection
from services.search.domain.asked import Asked
from services.search.domain.query import Query
from services.search.domain.scores import score
from services.search.domain.texts import Match, TextHit, matches
from services.search.domain.words import pairs, terms
from services.search.ports import Encoded, TextIndex

REMEMBERED = 1024
"""Collections of which it is remembered what a search of them had to ask."""
Tracks = tuple[Track, ...]
Near = Sequence[Sequence[tuple[TextHit, float]]]
Worded = Sequence[Sequence[TextHit]]


class Reader:
    """Reads queries; safe to call from several threads.

    What a search has to ask depends on answers. It is nearly always what the last search of the collection had to ask,
    so that is asked at once: words before the vectors are there, and the quiet tracks beside all of them. What turns
    out not to be wanted is left aside, so an answer never depends on what is remembered.
    """

    def __init__(self, texts: TextIndex, pool: Executor) -> None:
        self.texts = texts
        self.pool = pool
        self.space = ""
        """Of the last query."""
        self._rounds: dict[tuple[str, Tracks], Mapping[Tracks, bool]] = {}

    def begin(self, query: Query, request: Asked, until: Deadline | None) -> "Reading":
        """Ask what needs no vectors."""
        return Reading(self, query, request, until)

    def usual(self, query: Query) -> Mapping[Tracks, bool]:
        """The tracks that were asked together, in order, and whether for words too."""
        return self._rounds.get((query.scope.collection, query.text_tracks), {query.text_tracks: False})

    def remember(self, query: Query, space: str, rounds: Mapping[Tracks, bool]) -> None:
        self.space = space
        if len(self._rounds) >= REMEMBERED:
            self._rounds = {}
        self._rounds[query.scope.collection, query.text_tracks] = rounds


@dataclass
class _Early:
    """What was asked of a space before it was known to be wanted."""

    space: str
    near: "dict[Tracks, Future[Near]]" = field(default_factory=dict)
    worded: "dict[Tracks, Future[Worded]]" = field(default_factory=dict)
    phrased: "Future[Worded] | None" = None


class Reading:
    """One query's reading."""

    def __init__(self, reader: Reader, query: Query, request: Asked, until: Deadline | None) -> None:
        self._reader = reader
        self._texts = reader.texts
        self._pool = reader.pool
        self._query = query
        self._request = request
        self._until = until
        self._limit = selection.text_limit(query)
        self._words = [terms(piece) for piece in request.pieces]
        self._early = _Early("")
        if reader.space and query.text_tracks:
            self._begin(reader.space)

    def matches(self, encoded: Encoded | None) -> list[Match]:
        """Every text found with its score; `encoded` are the query's pieces, None when texts are not asked."""
        if encoded is None:
            return []
        if self._early.space != encoded.space:
            self._begin(encoded.space)
        usual = self._reader.usual(self._query)
        begun = {some: self._pool.submit(self._nearest, encoded, some) for some in usual}
        cosines = self._known_cosines(encoded)
        found: dict[str, TextHit] = {}
        alike: list[dict[str, float]] = [{} for _ in self._request.pieces]
        rounds: dict[Tracks, bool] = {}
        asking = [self._query.text_tracks]
        while asking:
            some = asking.pop()
            near = begun.pop(some).result() if some in begun else self._nearest(encoded, some)
            # Texts that are all found by their meaning need not be looked for by their words.
            full = any(len(of) == self._limit for of in near)
            worded = self._worded(encoded.space, some) if full else []
            rounds[some] = full
            for piece, of in enumerate(near):
                alike[piece].update({hit.id: cosine for hit, cosine in of})
                found.update({hit.id: hit for hit, _ in of})
            found.update({hit.id: hit for hits in worded for hit in hits})
            # Where there is more than was asked for, the others are asked again without the track that says so much.
            heard = Counter(hit.track for hit in found.values())
            quiet = tuple(track for track in some if heard[track] < self._limit // len(some))
            if full and 0 < len(quiet) < len(some):
                asking.append(quiet)
        self._reader.remember(self._query, encoded.space, rounds)
        if self._early.phrased is not None:
            found.update({hit.id: hit for hits in self._early.phrased.result() for hit in hits})
        if len(alike) == 1:
            known = {**(cosines.result() if cosines else {}), **alike[0]}
            missing = [id_ for id_ in found if id_ not in known]
            known.update(self._cosines(encoded, missing) if missing else {})
            alike = [known]
        hits = sorted(found.values(), key=lambda hit: hit.id)
        return matches(self._request, hits, [self._scored(encoded, n, of) for n, of in enumerate(alike)])

    def _begin(self, space: str) -> None:
        self._early = early = _Early(space)
        for some, worded in self._reader.usual(self._query).items():
            if worded:
                early.worded[some] = self._pool.submit(self._matching, space, some)
        if self._request.phrases:
            early.phrased = self._pool.submit(self._phrased, space)

    def _nearest(self, encoded: Encoded, some: Tracks) -> Near:
        scope = self._query.scope
        return self._texts.nearest(encoded.space, encoded.vectors, scope, some, self._limit, self._until)

    def _worded(self, space: str, some: Tracks) -> Worded:
        early = self._early.worded.get(some)
        return early.result() if early else self._matching(space, some)

    def _matching(self, space: str, some: Tracks) -> Worded:
        return self._texts.matching(space, self._words, self._query.scope, some, self._limit, self._until)

    def _phrased(self, space: str) -> Worded:
        query, limit = self._query, selection.PHRASE_TEXTS
        looked_up = [" ".join(pairs(p)) if len(p) > 1 else terms(p[0]) for p in self._request.phrases]
        return self._texts.matching(space, looked_up, query.scope, query.text_tracks, limit, self._until)

    def _known_cosines(self, encoded: Encoded) -> "Future[Mapping[str, float]] | None":
        """Cosines of what is found by its words, beside the search by meaning, which will not find most of it."""
        if len(self._request.pieces) > 1:
            return None
        found = [future.result() for future in self._early.worded.values()]
        ids = list(dict.fromkeys(hit.id for worded in found for hits in worded for hit in hits))
        return self._pool.submit(self._cosines, encoded, ids) if ids else None

    def _cosines(self, encoded: Encoded, ids: Sequence[str]) -> Mapping[str, float]:
        return self._texts.cosines(encoded.space, encoded.vectors[0], ids, self._until)

    @staticmethod
    def _scored(encoded: Encoded, piece: int, cosines: Mapping[str, float]) -> dict[str, float]:
        middle, spread = encoded.middles[piece], encoded.spreads[piece]
        return {id_: score(cosine, middle, spread) for id_, cosine in cosines.items()}
