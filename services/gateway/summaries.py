"""Summaries of a video: the stored ones, and those that are made for a call."""

from services.core.chapters import Chapters, Length, Summaries, Summary
from services.core.errors import Conflict, InvalidInput
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.gateway.chaptering import Chaptering
from services.gateway.chapters import CHAPTER, SUMMARIZE, Known, VideoChapters, find

LONGEST_FOCUS = 1000


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
        self, name: VideoName, chapter: str, range_: TimeRange | None, length: Length, focus: str, left: float | None
    ) -> Summary:
        """A summary made for this call, of a chapter, a range or the whole. Nothing is stored."""
        focus = focus.strip()
        if len(focus) > LONGEST_FOCUS:
            raise _wrong("focus", f"at most {LONGEST_FOCUS} characters")
        if chapter and range_ is not None:
            raise _wrong("range", "of a video, not of a chapter")
        known = self._chapters.known(name)
        sources = self._chapters.sources(known)
        try:
            chapters = self._listed(known)
        except Conflict:
            if chapter:
                raise
            # They only give the summary its structure.
            chapters = Chapters()
        if chapter:
            range_ = chapters.chapters[find(chapters, chapter, name)].range
        if range_ is not None and range_.start >= known.row.duration:
            raise _wrong("range", f"begins within the video's {known.row.duration / SECOND:.3f} s")
        return self._chaptering.summary(sources, chapters, range_, length, focus, left)

    def _listed(self, known: Known) -> Chapters:
        return self._chapters.artifact(known, CHAPTER, "chapters", Chapters)


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
