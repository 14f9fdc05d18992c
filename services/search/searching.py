"""Searching: every track is asked at the same time, and what they find becomes moments."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from services.core.errors import InvalidInput
from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain import moments as rules
from services.search.domain import query as queries
from services.search.domain import selection
from services.search.domain.asked import Asked, asked
from services.search.domain.fusion import Clue, fuse
from services.search.domain.moments import Found
from services.search.domain.query import Query
from services.search.domain.rows import SHOT, row_id
from services.search.domain.scores import score
from services.search.domain.selection import Moment
from services.search.domain.texts import Match, TextHit, best_of, matches
from services.search.domain.words import pairs, terms
from services.search.ports import Against, Encoded, QueryEncoder, TextIndex, VectorIndex

THREADS = 32
"""Questions to the indexes under way at the same time in one process, beyond those of the callers' own threads."""
SEEN_FOR_TEXTS = 64
"""Texts whose shots are looked at as well when their pictures were not found by themselves."""


@dataclass(frozen=True)
class _Seen:
    """What the pictures say: of each piece, its moments and a cosine that no picture still unseen exceeds."""

    encoded: Encoded
    found: tuple[list[Found], ...]
    floors: tuple[float | None, ...]


class Searcher:
    """Safe to call from several threads."""

    def __init__(self, pictures: VectorIndex, texts: TextIndex, encoder: QueryEncoder) -> None:
        self._pictures = pictures
        self._texts = texts
        self._encoder = encoder
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="search")

    def search(self, query: Query) -> tuple[list[Moment], str]:
        """A page of moments, best first, and the token of the next page ("" when there is none)."""
        if query.offset >= queries.MAX_DEPTH:
            return [], ""
        request = asked(query.text)
        encoded = self._encode(query, request)
        # What runs in the pool never waits for it, so any number of searches may share it.
        looks = self._look_later(query, request, encoded.get(Against.PICTURES))
        read = self._read(query, request, encoded.get(Against.TEXTS))
        clues = [_text_clue(match, query) for match in read]
        if looks:
            moments, floors = zip(*(look.result() for look in looks), strict=True)
            seen, weight = _Seen(encoded[Against.PICTURES], moments, floors), query.tracks[Track.VISUAL]
            clues += _picture_clues(seen, weight) + self._seen_for(read, seen, query.scope.collection, weight)
        found = selection.select(fuse(clues, len(request.phrases)), query)
        more = len(found) > query.end and query.end < queries.MAX_DEPTH
        return found[query.offset : query.end], queries.next_token(query) if more else ""

    def label_counts(self, query: Query) -> list[tuple[str, int]]:
        """Shots of the query's scope by the collection's labels that they carry, most first."""
        counts = self._pictures.label_counts(self._pictures.current_space(), query.scope)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def _encode(self, query: Query, request: Asked) -> Mapping[Against, Encoded]:
        """Vectors for what the query looks in; none of a model that finds nothing to read in the text."""
        wanted = [Against.PICTURES] if Track.VISUAL in query.tracks else []
        wanted += [Against.TEXTS] if query.text_tracks else []
        try:
            return dict(zip(wanted, self._encoder.encode(request.pieces, wanted), strict=True))
        except InvalidInput:
            return {one: found for one in wanted if len(wanted) > 1 for found in self._encoded(request, one)}

    def _encoded(self, request: Asked, against: Against) -> tuple[Encoded, ...]:
        try:
            return self._encoder.encode(request.pieces, [against])
        except InvalidInput:
            return ()

    def _look_later(
        self, query: Query, request: Asked, encoded: Encoded | None
    ) -> list[Future[tuple[list[Found], float | None]]]:
        """Each piece is a search of its own, down to its own depth."""
        if encoded is None:
            return []
        return [self._pool.submit(self._look, query, encoded, piece) for piece in range(len(request.pieces))]

    def _look(self, query: Query, encoded: Encoded, piece: int) -> tuple[list[Found], float | None]:
        """Moments up to one more than the page needs, or all that there are."""
        vectors, collection = encoded.vectors[piece : piece + 1], query.scope.collection
        middle, spread = encoded.middles[piece], encoded.spreads[piece]
        limit = selection.first_limit(query)
        pooled: dict[str, float] = {}
        while True:
            hits = self._pictures.search(encoded.space, vectors[0], query.scope, limit)
            groups = rules.by_shot(hits)
            shots = [rules.shot_row(collection, group[0]) for group in groups if not group[0].long]
            missing = [shot for shot in shots if shot not in pooled]
            if missing:
                rows = self._pictures.pools(encoded.space, vectors, missing)
                pooled.update({shot: float(pool.cosines[0]) for shot, pool in rows.items()})
            found = rules.moments(groups, pooled, collection, spread)
            floor = hits[-1].cosine if len(hits) == limit < selection.MAX_HITS else None
            if floor is None or score(floor, middle, spread) < query.min_score:
                return found, floor
            known = selection.certain(found, floor)
            if selection.fills(known, query, middle, spread):
                return known, floor
            limit = min(limit * selection.GROWTH, selection.MAX_HITS)

    def _read(self, query: Query, request: Asked, encoded: Encoded | None) -> list[Match]:
        """What the texts say: the nearest in meaning, those that share most words, those that may hold a phrase."""
        if encoded is None:
            return []
        limit = selection.text_limit(query)
        found: dict[str, TextHit] = {}
        cosines: list[dict[str, float]] = [{} for _ in request.pieces]
        asking = [query.text_tracks]
        phrased = self._pool.submit(self._phrased, query, request, encoded.space)
        words = [terms(piece) for piece in request.pieces]
        while asking:
            some = asking.pop()
            matching = self._pool.submit(self._texts.matching, encoded.space, words, query.scope, some, limit)
            near = self._texts.nearest(encoded.space, encoded.vectors, query.scope, some, limit)
            worded = matching.result()
            for piece, alike in enumerate(near):
                cosines[piece].update({hit.id: cosine for hit, cosine in alike})
                found.update({hit.id: hit for hit, _ in alike})
            found.update({hit.id: hit for hits in worded for hit in hits})
            # Where there is more than was asked for, the others are asked again without the track that says so much.
            full = [len(alike) == limit for alike in near] + [len(hits) == limit for hits in worded]
            heard = Counter(hit.track for hit in found.values())
            quiet = tuple(track for track in some if heard[track] < limit // len(some))
            if any(full) and 0 < len(quiet) < len(some):
                asking.append(quiet)
        for hits in phrased.result():
            found.update({hit.id: hit for hit in hits})
        if len(request.pieces) == 1:
            missing = [id_ for id_ in found if id_ not in cosines[0]]
            cosines[0].update(self._texts.cosines(encoded.space, encoded.vectors[0], missing) if missing else {})
        scored = [
            {id_: score(cosine, encoded.middles[piece], encoded.spreads[piece]) for id_, cosine in of.items()}
            for piece, of in enumerate(cosines)
        ]
        return matches(request, sorted(found.values(), key=lambda hit: hit.id), scored)

    def _phrased(self, query: Query, request: Asked, space: str) -> list[list[TextHit]]:
        if not request.phrases:
            return []
        looked_up = [" ".join(pairs(p)) if len(p) > 1 else terms(p[0]) for p in request.phrases]
        return self._texts.matching(space, looked_up, query.scope, query.text_tracks, selection.PHRASE_TEXTS)

    def _seen_for(self, read: list[Match], seen: _Seen, collection: str, weight: float) -> list[Clue]:
        """Clues of the pictures beside texts that were found while their shots were not."""
        known = {(f.video, f.range.start) for found in seen.found for f in found}
        best = sorted(read, key=lambda match: (-match.score, match.hit.id))[:SEEN_FOR_TEXTS]
        shots: dict[str, tuple[str, TimeRange]] = {}
        for match in best:
            video, shot = match.hit.video, match.hit.shot_range
            if shot.duration <= rules.LONG_SHOT and (video, shot.start) not in known:
                shots[row_id(collection, video, SHOT, shot.start)] = (video, shot)
        if not shots or all(floor is None for floor in seen.floors):
            return []
        clues = []
        for id_, pool in self._pictures.pools(seen.encoded.space, seen.encoded.vectors, sorted(shots)).items():
            video, shot = shots[id_]
            bounds = (1.0 if floor is None else floor for floor in seen.floors)
            cosines = (min(float(cosine), bound) for cosine, bound in zip(pool.cosines, bounds, strict=True))
            value = best_of(_scores(cosines, seen.encoded))
            clues.append(Clue(video, Track.VISUAL, shot, shot, weight * value, pool.frame_time))
        return clues


def _picture_clues(seen: _Seen, weight: float) -> list[Clue]:
    """A clue a moment, with one score of those of the pieces."""
    by_place: dict[tuple[str, TimeRange], dict[int, Found]] = {}
    for piece, found in enumerate(seen.found):
        for one in found:
            by_place.setdefault((one.video, one.range), {})[piece] = one
    clues = []
    for (video, stretch), pieces in by_place.items():
        values = [0.0] * len(seen.found)
        for piece, one in pieces.items():
            values[piece] = score(one.cosine, seen.encoded.middles[piece], seen.encoded.spreads[piece])
        best = pieces[max(pieces, key=lambda piece: values[piece])].best
        own = TimeRange(best.start, best.end)
        clues.append(Clue(video, Track.VISUAL, own, stretch, weight * best_of(values), best.frame_time))
    return clues


def _text_clue(match: Match, query: Query) -> Clue:
    hit = match.hit
    weighted = match.score * query.tracks[hit.track]
    # A cue that ends when it begins cannot be watched.
    stretch = hit.range if hit.range.duration else hit.shot_range
    return Clue(hit.video, hit.track, hit.range, stretch, weighted, None, hit.text, hit.language, match.phrases)


def _scores(cosines: Iterable[float], encoded: Encoded) -> list[float]:
    return [score(c, m, s) for c, m, s in zip(cosines, encoded.middles, encoded.spreads, strict=True)]
