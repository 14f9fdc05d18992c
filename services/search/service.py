"""The use cases of search: index a video's rows, find moments, remove a video."""

from collections.abc import Iterator

from services.core.deadlines import Deadline
from services.core.jobs import Job, Outputs, Progress
from services.core.names import VideoName
from services.core.store import Artifacts
from services.search.domain.query import Query
from services.search.domain.selection import Moment
from services.search.indexing import Indexer
from services.search.ports import QueryEncoder, TextIndex, VectorIndex
from services.search.searching import Searcher


class SearchService:
    """Safe to call from several threads."""

    def __init__(self, artifacts: Artifacts, pictures: VectorIndex, texts: TextIndex, encoder: QueryEncoder) -> None:
        self._indexer = Indexer(artifacts, pictures, texts)
        self._searcher = Searcher(pictures, texts, encoder)
        self._pictures = pictures
        self._texts = texts

    def index(self, job: Job, progress: Progress) -> Outputs:
        """See `Indexer.index`."""
        return self._indexer.index(job, progress)

    def search(self, query: Query, until: Deadline | None = None) -> tuple[list[Moment], str]:
        """See `Searcher.search`."""
        return self._searcher.search(query, until)

    def facets(self, query: Query, until: Deadline | None = None) -> list[tuple[str, int]]:
        """See `Searcher.label_counts`; nothing when the query does not ask for them."""
        return self._searcher.label_counts(query, until) if query.with_facets else []

    def delete_video(self, video: VideoName) -> int:
        """Remove every row of a video, in every vector space; returns how many."""
        return self._pictures.delete(video) + self._texts.delete(video)

    def stats(self, collection: str = "", video: str = "") -> tuple[int, str]:
        """Rows of everything, a collection or a video in the spaces that hold most; and which is that of pictures."""
        space, sentences = self._pictures.current_space(), self._texts.current_space()
        rows = self._pictures.total(space, collection, video) if space else 0
        texts = self._texts.total(sentences, collection, video) if sentences else 0
        return rows + texts, space

    def census(self) -> Iterator[tuple[bool, str, VideoName, int]]:
        """(whether of texts, space, video, rows) of every video that has rows."""
        yield from ((False, *found) for found in self._pictures.census())
        yield from ((True, *found) for found in self._texts.census())
