"""Summaries of a video: the stored ones, and those that are made for a call."""

from collections.abc import Iterator, Sequence

from services.core.chapters import Chapters, Length, Summaries, Summary
from services.core.errors import Conflict, InvalidInput
from services.core.names import CollectionName, VideoName
from services.core.times import SECOND, TimeRange
from services.gateway.chaptering import Caller, Chaptering, Made, Sources
from services.gateway.chapters import CHAPTER, SUMMARIZE, Known, VideoChapters, find

LONGEST_FOCUS = 1000
MOST_VIDEOS = 20
"""That are summed up together."""


class VideoSummaries:
    """Use cases on summaries; `chapter` is a chapter's id, "" for the whole video."""

    def __init__(self, chapters: VideoChapters, chaptering: Chaptering) -> None:
        self._chapters = chapters
        self._chaptering = chaptering

    def stored(self, name: VideoName, chapter: str, length: Length | None) -> Summary:
        """The summary that is kept: of a video in a length, medium when None; of a chapter a short one."""
        known = self._chapters.known(name)
        found = self._chapters.artifact(known, SUMMARIZE, "summaries", Summaries).summaries
        if chapter:
            if length not in (None, Length.SHORT):
                raise _wrong("length", "of a chapter the short one is stored; Summarize makes the others")
            wanted, index = Length.SHORT, find(self._listed(known), chapter, name)
        else:
            wanted, index = length or Length.MEDIUM, -1
        for summary in found:
            if (summary.chapter, summary.length) == (index, wanted):
                return summary
        raise Conflict(f"{name} has no such summary; Summarize makes it, or RetryVideo with stage chaptering")

    def made(
        self, name: VideoName, chapter: str, range_: TimeRange | None, length: Length, focus: str, caller: Caller
    ) -> Iterator[Made]:
        """A summary made for this call, of a chapter, a range or the whole: how far it has come, then the summary.

        Nothing is stored.
        """
        focus = _focus(focus)
        if chapter and range_ is not None:
            raise _wrong("range", "of a video, not of a chapter")
        known = self._chapters.known(name)
        sources = self._chapters.sources(known)
        chapters = self._listed(known) if chapter else self._structure(known)
        if chapter:
            range_ = chapters.chapters[find(chapters, chapter, name)].range
        if range_ is not None and range_.start >= known.row.duration:
            raise _wrong("range", f"begins within the video's {known.row.duration / SECOND:.3f} s")
        return self._chaptering.summary(sources, chapters, range_, length, focus, caller)

    def together(
        self, parent: CollectionName, videos: Sequence[VideoName], length: Length, focus: str, caller: Caller
    ) -> Iterator[Made]:
        """A summary of several videos of a collection, in this order; told and stored like the one above.

        Raises Conflict for a video of which not enough is known yet.
        """
        focus = _focus(focus)
        if not 1 <= len(videos) <= MOST_VIDEOS:
            raise _wrong("videos", f"1 to {MOST_VIDEOS}")
        for i, video in enumerate(videos):
            if video.parent != parent:
                raise _wrong(f"videos[{i}]", f"a video of {parent}")
            if video in videos[:i]:
                raise _wrong(f"videos[{i}]", "each video once")
        found = []
        for video in videos:
            known = self._chapters.known(video)
            found.append(Sources(video, self._chapters.sources(known), self._structure(known)))
        return self._chaptering.together(found, length, focus, caller)

    def _structure(self, known: Known) -> Chapters:
        """The stored chapters; none when they are not there, for they only give a summary its structure."""
        try:
            return self._listed(known)
        except Conflict:
            return Chapters()

    def _listed(self, known: Known) -> Chapters:
        return self._chapters.artifact(known, CHAPTER, "chapters", Chapters)


def _focus(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_FOCUS:
        raise _wrong("focus", f"at most {LONGEST_FOCUS} characters")
    return text


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
