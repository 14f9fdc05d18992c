"""What stands out in a video, and what a short version of it keeps; made for a call, never stored."""

from collections.abc import Mapping, Sequence

from services.catalog.states import JobState
from services.core.chapters import Chapters, Highlights, Skim
from services.core.errors import Conflict, InvalidInput
from services.core.names import VideoName
from services.core.times import SECOND
from services.gateway.chaptering import Chaptering
from services.gateway.chapters import CHAPTER, Known, VideoChapters

LONGEST_TEXT = 1000
MOST_HIGHLIGHTS = 100
SHORTEST, LONGEST = SECOND, 3600 * SECOND
EACH_SEGMENT = {"frames": "decoding.segment", "frame_vectors": "embedding.segment"}
"""Kinds that every segment has, and the step that gives them."""


class VideoSkims:
    """Use cases on highlights and skims. A video that is not known well enough raises Conflict, with the cause."""

    def __init__(self, chapters: VideoChapters, chaptering: Chaptering) -> None:
        self._chapters = chapters
        self._chaptering = chaptering

    def highlights(self, name: VideoName, query: str, limit: int, left: float | None) -> Highlights:
        """What stands out, or with a query answers it; `limit` 0 is 10. Raises InvalidInput, NotFound, Conflict."""
        if not 0 <= limit <= MOST_HIGHLIGHTS:
            raise _wrong("limit", f"0 to {MOST_HIGHLIGHTS}")
        query = _text(query, "query")
        known = self._chapters.known(name)
        return self._chaptering.highlights(self._chapters.sources(known), segments(known), query, limit, left)

    def skim(self, name: VideoName, length: int, focus: str, left: float | None) -> Skim:
        """What to keep of a video in at most `length` ns. Raises InvalidInput, NotFound, Conflict."""
        if not SHORTEST <= length <= LONGEST:
            raise _wrong("length", f"{SHORTEST // SECOND} s to {LONGEST // SECOND} s")
        focus = _text(focus, "focus")
        known = self._chapters.known(name)
        sources = self._chapters.sources(known)
        try:
            chapters = self._chapters.artifact(known, CHAPTER, "chapters", Chapters)
        except Conflict:
            # They only see to it that each part of the video is shown.
            chapters = Chapters()
        return self._chaptering.skim(sources, segments(known), chapters, length, focus, left)


def segments(known: Known) -> Mapping[str, Sequence[str]]:
    """Object keys, in order of segments, of the kinds that each segment has; of segments that have them all."""
    keys: dict[int, dict[str, str]] = {}
    for job in known.jobs:
        for kind, step in EACH_SEGMENT.items():
            if job.step == step and job.state == JobState.SUCCEEDED and kind in job.artifacts:
                keys.setdefault(job.segment, {})[kind] = job.artifacts[kind]
    whole = [keys[segment] for segment in sorted(keys) if len(keys[segment]) == len(EACH_SEGMENT)]
    return {kind: [found[kind] for found in whole] for kind in EACH_SEGMENT} if whole else {}


def _text(text: str, field: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_TEXT:
        raise _wrong(field, f"at most {LONGEST_TEXT} characters")
    return text


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
