"""Searching: every track is asked at the same time, and what they find becomes moments."""

from collections.abc import Mapping, Sequence

from services.core.deadlines import Deadline
from services.core.errors import InvalidInput
from services.core.text import Track
from services.core.threads import ContextPool
from services.search.domain import query as queries
from services.search.domain import selection
from services.search.domain.asked import Asked, asked
from services.search.domain.fusion import Clue, fuse
from services.search.domain.query import Query
from services.search.domain.selection import Moment
from services.search.domain.texts import Match
from services.search.looking import Looking
from services.search.ports import Against, Encoded, QueryEncoder, TextIndex, VectorIndex
from services.search.reading import Reader

THREADS = 32
"""Questions to the indexes under way at the same time in one process, beyond those of the callers' own threads."""


class Searcher:
    """Safe to call from several threads. With a deadline, TimedOut is raised when it comes before the answer."""

    def __init__(self, pictures: VectorIndex, texts: TextIndex, encoder: QueryEncoder) -> None:
        self._pictures = pictures
        self._encoder = encoder
        self._pool = ContextPool(THREADS, thread_name_prefix="search")
        self._reader = Reader(texts, self._pool)

    def search(self, query: Query, until: Deadline | None = None) -> tuple[list[Moment], str]:
        """A page of moments, best first, and the token of the next page ("" when there is none)."""
        if query.offset >= queries.MAX_DEPTH:
            return [], ""
        request = asked(query.text)
        reading = self._reader.begin(query, request, until)
        encoded = self._encode(query, request, until)
        seen = encoded.get(Against.PICTURES)
        looking = Looking(self._pictures, self._pool, query, seen, until) if seen else None
        read = reading.matches(encoded.get(Against.TEXTS))
        clues = _text_clues(read, query)
        if looking:
            clues += looking.clues(read)
        found = selection.select(fuse(clues, len(request.phrases)), query)
        more = len(found) > query.end and query.end < queries.MAX_DEPTH
        return found[query.offset : query.end], queries.next_token(query) if more else ""

    def label_counts(self, query: Query, until: Deadline | None = None) -> list[tuple[str, int]]:
        """Shots of the query's scope by the collection's labels that they carry, most first."""
        counts = self._pictures.label_counts(self._pictures.current_space(), query.scope, until)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def _encode(self, query: Query, request: Asked, until: Deadline | None) -> Mapping[Against, Encoded]:
        """Vectors for what the query looks in; none of a model that finds nothing to read in the text."""
        wanted = [Against.PICTURES] if Track.VISUAL in query.tracks else []
        wanted += [Against.TEXTS] if query.text_tracks else []
        try:
            return dict(zip(wanted, self._encoder.encode(request.pieces, wanted, until), strict=True))
        except InvalidInput:
            return {one: found for one in wanted if len(wanted) > 1 for found in self._encoded(request, one, until)}

    def _encoded(self, request: Asked, against: Against, until: Deadline | None) -> tuple[Encoded, ...]:
        try:
            return self._encoder.encode(request.pieces, [against], until)
        except InvalidInput:
            return ()


def _text_clues(read: Sequence[Match], query: Query) -> list[Clue]:
    clues = []
    for match in read:
        hit = match.hit
        # A cue that ends when it begins cannot be watched.
        stretch = hit.range if hit.range.duration else hit.shot_range
        weighted = match.score * query.tracks[hit.track]
        clues.append(
            Clue(hit.video, hit.track, hit.range, stretch, weighted, None, hit.text, hit.language, match.phrases)
        )
    return clues
