"""The chapters of a video: read, made for a call, set by hand, exported."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.catalog.database import Database
from services.catalog.models import Job, Video
from services.catalog.states import JobState
from services.core.chapters import Chapter, Chapters
from services.core.errors import Conflict, InvalidInput, NotFound
from services.core.media import Plan
from services.core.names import VideoName
from services.core.store import Artifacts, N
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.gateway.chaptering import Chaptering, File, Wish
from services.gateway.texts import existing, why_not_yet
from services.pipeline import ledger, workflow
from services.pipeline.control import Change, Control

CHAPTER, SUMMARIZE = "chaptering.chapter", "chaptering.summarize"
MOST = 500
LONGEST_TITLE = 200
LONGEST_FILE = 1 << 20
GAP = SECOND // 10
"""Chapters closer than this meet: what lies between them comes of rounding, and is no chapter."""
_SRT = re.compile(rb"\d+[ \t]*\r?\n[\d:,. \t]+-->")
"""A subtitle's number, and its times."""


@dataclass(frozen=True)
class Known:
    """A video's row and its units of work."""

    name: VideoName
    row: Video
    jobs: Sequence[Job]

    def unit(self, step: str) -> Job | None:
        return next((job for job in self.jobs if job.step == step), None)


class VideoChapters:
    """Use cases on chapters. What is not there raises Conflict, with the cause if it never will be."""

    def __init__(self, database: Database, store: Artifacts, control: Control, chaptering: Chaptering) -> None:
        self._database = database
        self._store = store
        self._control = control
        self._chaptering = chaptering

    def stored(self, name: VideoName) -> Chapters:
        """The chapters that are kept."""
        return self.artifact(self.known(name), CHAPTER, "chapters", Chapters)

    def made(self, name: VideoName, wish: Wish, left: float | None) -> Chapters:
        """Chapters made for this call; with a count those that a person locked stay. Nothing is stored."""
        if wish.count and wish.titles:
            raise _wrong("titles", "titles or a count, not both")
        if wish.lengths and wish.titles:
            raise _wrong("titles", "titles or lengths, not both")
        if not 0 <= wish.count <= MOST:
            raise _wrong("count", f"0 to {MOST}")
        if len(wish.titles) > MOST:
            raise _wrong("titles", f"at most {MOST}")
        titles = tuple(_title(title, f"titles[{i}]", least=1) for i, title in enumerate(wish.titles))
        known = self.known(name)
        key = known.row.chapters_key
        locked = self._store.load(key, Chapters).chapters if key and not titles else ()
        return self._chaptering.chapters(self.sources(known), replace(wish, titles=titles, locked=locked), left)

    def put(self, name: VideoName, chapters: Callable[[int], tuple[Chapter, ...]], etag: str = "") -> None:
        """Lock chapters, instead of all that were locked before; none forgets those. Raises Outdated for an etag that
        is given and no longer the video's, as `put_file` and `clear` do.

        `chapters` makes them for a video of so many nanoseconds; the rest is fitted around them.
        """
        found = chapters(self._duration(name))
        self._control.update(name, Change(chapters=Chapters(found), etag=etag))

    def put_file(self, name: VideoName, format_: str, content: bytes, etag: str = "") -> None:
        """The same with the chapters that a file names. An empty format is told from the content."""
        if not 0 < len(content) <= LONGEST_FILE:
            raise _wrong("file.content", f"1 to {LONGEST_FILE} bytes")
        read = self._chaptering.read(format_ or told(content), content, self._duration(name)).chapters
        named = tuple(chapter for chapter in read if chapter.locked)
        if not named:
            raise _wrong("file.content", "it names no chapter")
        self._control.update(name, Change(chapters=Chapters(named), etag=etag))

    def clear(self, name: VideoName, etag: str = "") -> None:
        """Forget what was set before."""
        self._control.update(name, Change(chapters=Chapters(), etag=etag))

    def export(self, name: VideoName, format_: str) -> File:
        """The stored chapters as a file of another tool."""
        known = self.known(name)
        chapters = self.artifact(known, CHAPTER, "chapters", Chapters)
        plan = self.artifact(known, workflow.PLANNING, "plan", Plan)
        return self._chaptering.write(format_, chapters, known.row.title, plan.probe.video.average_frame_rate)

    def known(self, name: VideoName) -> Known:
        """Raises NotFound."""
        with self._database.read() as session:
            video = existing(session, name)
            return Known(name, video, ledger.jobs_of(session, video))

    def artifact(self, known: Known, step: str, kind: str, noun: type[N]) -> N:
        """What a step has given."""
        job, name = known.unit(step), known.name
        stage = step.split(".")[0]
        if job is None:
            raise Conflict(f"{name} has no {kind} yet; RetryVideo with stage {stage} makes them")
        if job.state == JobState.GIVEN_UP:
            cause = f"{job.reason}: {job.message}"
            raise Conflict(f"the {kind} of {name} are missing: {cause}; RetryVideo with stage {stage} makes them")
        if job.state != JobState.SUCCEEDED or kind not in job.artifacts:
            raise Conflict(f"the {kind} of {name} are not there yet; {why_not_yet(known.row)}")
        return self._store.load(job.artifacts[kind], noun)

    def sources(self, known: Known) -> dict[str, str]:
        """Object keys by kind of what chapters are made from; what was given up is left out."""
        job = known.unit(CHAPTER)
        if job is None:
            raise Conflict(f"{known.name} was indexed before there were chapters; RetryVideo with stage chaptering")
        keys = workflow.inputs(job, known.jobs, ledger.given(known.row))
        if keys is None:
            raise Conflict(f"{known.name} is not known well enough yet; {why_not_yet(known.row)}")
        return {kind: found[0] for kind, found in keys.items() if kind not in workflow.GIVEN}

    def _duration(self, name: VideoName) -> int:
        duration = self.known(name).row.duration
        if not duration:
            raise Conflict(f"the length of {name} is not known yet; set its chapters once it has been decoded")
        return duration


def find(chapters: Chapters, id_: str, video: VideoName) -> int:
    """Index of the chapter of that id. Raises NotFound."""
    for index, chapter in enumerate(chapters.chapters):
        if chapter.id == id_:
            return index
    raise NotFound(f"{video} has no chapter {id_[:40]!r}; ListChapters tells those that it has")


def told(content: bytes) -> str:
    """The format of a file of chapters, by how it begins."""
    begins = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begins.startswith(b"WEBVTT"):
        return "webvtt"
    if begins.startswith(b";FFMETADATA"):
        return "ffmetadata"
    return "srt" if _SRT.match(begins) else "youtube"


def checked(chapters: Sequence[tuple[int, int, str]], duration: int) -> tuple[Chapter, ...]:
    """Locked chapters from (start, end, title), in nanoseconds, in order of time.

    Where less than GAP is left at the beginning, between two or at the end, it goes to the chapter beside it.
    Raises InvalidInput, which names the first that is wrong: outside the video of `duration`, shorter than a
    millisecond, by which it is named, overlapping another, or with a title that is no line of at most 200 characters.
    """
    if len(chapters) > MOST:
        raise _wrong("chapters.chapters", f"at most {MOST}")
    order = sorted(range(len(chapters)), key=lambda i: chapters[i][0])
    found: list[Chapter] = []
    for i in order:
        start, end, title = chapters[i]
        field = f"chapters.chapters[{i}]"
        if not 0 <= start < end <= duration:
            shown = f"0 s to {duration / SECOND:.3f} s"
            raise _wrong(f"{field}.range", f"begins and ends, in this order, within {shown}")
        range_ = TimeRange(start, end)
        if range_.duration < MILLISECOND:
            raise _wrong(f"{field}.range", "it is shorter than a millisecond")
        if found and found[-1].range.end > start:
            raise _wrong(f"{field}.range", "it overlaps another chapter")
        found.append(Chapter(range_, _title(title, f"{field}.title"), locked=True))
    return _joined(found, duration)


def _joined(chapters: Sequence[Chapter], duration: int) -> tuple[Chapter, ...]:
    nexts = [one.range.start for one in chapters[1:]] + [duration]
    found, at = [], 0
    for one, next_ in zip(chapters, nexts, strict=False):
        start = at if one.range.start - at < GAP else one.range.start
        at = next_ if next_ - one.range.end < GAP else one.range.end
        found.append(replace(one, range=TimeRange(start, at)))
    return tuple(found)


def _title(title: str, field: str, least: int = 0) -> str:
    shown = title.strip()
    if not least <= len(shown) <= LONGEST_TITLE or not shown.isprintable():
        raise _wrong(field, f"{least} to {LONGEST_TITLE} printable characters on one line")
    return shown


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
