"""Questions to the videos of a collection."""

from collections.abc import Sequence

from services.catalog.database import Database
from services.core.chapters import Answer
from services.core.errors import InvalidInput
from services.core.names import CollectionName, VideoName
from services.gateway.chaptering import Chaptering
from services.gateway.collections import require
from services.gateway.texts import existing

LONGEST_QUESTION = 1000
MOST_VIDEOS = 100


class Answers:
    """The use case."""

    def __init__(self, database: Database, chaptering: Chaptering) -> None:
        self._database = database
        self._chaptering = chaptering

    def ask(self, parent: CollectionName, question: str, videos: Sequence[VideoName], left: float | None) -> Answer:
        """What these videos of the collection say to a question, all of them when none is named.

        Raises InvalidInput, NotFound for a collection or a video that is not there.
        """
        question = question.strip()
        if not 0 < len(question) <= LONGEST_QUESTION:
            raise _wrong("question", f"1 to {LONGEST_QUESTION} characters")
        if len(videos) > MOST_VIDEOS:
            raise _wrong("videos", f"at most {MOST_VIDEOS}")
        with self._database.read() as session:
            require(session, parent)
            for i, video in enumerate(videos):
                if video.parent != parent:
                    raise _wrong(f"videos[{i}]", f"a video of {parent}")
                existing(session, video)
        return self._chaptering.answer(parent, question, tuple(dict.fromkeys(videos)), left)


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
