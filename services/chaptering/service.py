"""The use case: what is known of a video becomes chapters and summaries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.chaptering import sources
from services.chaptering.asking import Asking, Writing
from services.chaptering.domain.boundaries import Wanted, boundaries
from services.chaptering.domain.extracts import extract
from services.chaptering.domain.filed import VERSION as FILED
from services.chaptering.domain.filed import given
from services.chaptering.domain.film import Film
from services.chaptering.domain.grounding import ground
from services.chaptering.domain.material import Material
from services.chaptering.naming import Namer
from services.chaptering.ports import File, Formats, SentenceEncoder
from services.chaptering.summing import Summing
from services.chaptering.titling import title
from services.core.artifacts import job_keys
from services.core.chapters import Chapter, Chapters, Length, Summaries, Summary, TitleSource
from services.core.errors import InvalidInput
from services.core.jobs import Fault, Job, Outputs, Progress
from services.core.media import Plan, VideoInfo
from services.core.store import Artifacts
from services.core.times import TimeRange

ALGORITHM = 3
"""Raised when this stage would find other chapters or summaries in the same inputs."""


class Chaptering:
    """The stage. `wanted` is what chapters of a video are to be like when nobody asks for anything else.

    With a language model (`writing`) titles and summaries are by it, as far as they hold; what is built in stands in.
    With `file_chapters` a video has the chapters that its file names, and the rest of it is divided around them.
    """

    def __init__(
        self,
        artifacts: Artifacts,
        sentences: SentenceEncoder,
        namer: Namer,
        formats: Formats,
        wanted: Wanted,
        writing: Writing | None = None,
        file_chapters: bool = True,
    ) -> None:
        self._artifacts = artifacts
        self._sentences = sentences
        self._namer = namer
        self._formats = formats
        self._wanted = wanted
        self._writing = writing
        self._file_chapters = file_chapters

    @property
    def wanted(self) -> Wanted:
        return self._wanted

    def chapter(self, job: Job, progress: Progress) -> Outputs:
        """chaptering.chapter: the video's chapters, those that an editor locked or else the file names as they are."""
        parameters = [*self._parameters(), self._wanted.shortest, self._wanted.longest, self._wanted.whole]
        parameters += [FILED] if self._file_chapters else []
        keys = job_keys(job, ("chapters",), parameters)
        if self._artifacts.have(keys.values()):
            return Outputs(keys, {"chapters": len(self._artifacts.load(keys["chapters"], Chapters).chapters)})
        progress(0, 1)
        locked = self._locked(job)
        material, space = sources.load(self._artifacts, _given(job))
        whole = TimeRange(0, material.duration)
        # An editor may have taken the video for a little longer than it is.
        inside = [(c, c.range.intersection(whole)) for c in locked]
        locked = tuple(replace(c, range=r) for c, r in inside if r is not None)
        held = (*locked, *self._filed(job, locked))
        found = self._found(material, space, self._wanted, held, self._writing.step() if self._writing else None)
        if found.fault:
            missing = [c.source is TitleSource.MODEL for c in found.chapters]
            keys = job_keys(job, ("chapters",), [*parameters, missing, found.fault])
        self._artifacts.save(keys["chapters"], found)
        progress(1, 1)
        return Outputs(keys, {"chapters": len(found.chapters)}, _part("titles", found.fault))

    def summarize(self, job: Job, progress: Progress) -> Outputs:
        """chaptering.summarize: summaries of the video in every length, and a short one of each chapter."""
        keys = job_keys(job, ("summaries",), self._parameters())
        if self._artifacts.have(keys.values()):
            return Outputs(keys, {"summaries": len(self._artifacts.load(keys["summaries"], Summaries).summaries)})
        # Without chapters, which may have been given up, the video is summed up as one.
        chapters = self._artifacts.load(job.one("chapters"), Chapters).chapters if job.inputs.get("chapters") else ()
        material, space = sources.load(self._artifacts, _given(job))
        ranges = [chapter.range for chapter in chapters]
        model = self._summing(material, space, ranges, self._writing.step() if self._writing else None)
        whole = TimeRange(0, material.duration)
        # Chapters first: a model writes the summaries of the whole from theirs.
        parts = [(r, Length.SHORT, i) for i, r in enumerate(ranges)] + [(whole, length, -1) for length in Length]
        so_far_key = job_keys(job, ("summaries",), [*self._parameters(), "so far"])["summaries"]
        known = self._so_far(so_far_key) if model else {}
        found = []
        for done, (scope, length, chapter) in enumerate(parts):
            progress(done, len(parts))
            summary = known.get((length, chapter))
            if summary is None:
                summary = Summary(scope, length, extract(material, ranges, scope, length), chapter)
                summary = model.summary(summary) if model else summary
            elif model:
                model.know(summary)
            found.append(summary)
        found = found[len(ranges) :] + found[: len(ranges)]
        faults = [summary.fault for summary in found]
        fault = next(filter(None, faults), None)
        if fault:
            # Kept for the next attempt, which then asks for the others only.
            kept = [summary for summary in found if summary.fault is None]
            self._artifacts.save(so_far_key, Summaries(tuple(kept)))
            keys = job_keys(job, ("summaries",), [*self._parameters(), faults])
        self._artifacts.save(keys["summaries"], Summaries(tuple(found)))
        progress(len(parts), len(parts))
        return Outputs(keys, {"summaries": len(found)}, _part("summaries", fault))

    def chapters(
        self, keys: Mapping[str, str], wanted: Wanted, locked: Sequence[Chapter] = (), titles: Sequence[str] = ()
    ) -> Chapters:
        """Chapters of a video whose artifacts have these keys; nothing is stored.

        With `titles`, one for each, where it is spoken of. Raises InvalidInput, Unavailable.
        """
        material, space = sources.load(self._artifacts, keys)
        if not titles:
            return self._found(material, space, wanted, tuple(locked), self._writing.call() if self._writing else None)
        encoded = self._sentences.encode(titles)
        vectors = encoded.vectors if encoded.space == space else encoded.vectors[:0]
        try:
            ranges = ground(material, titles, vectors)
        except ValueError as error:
            raise InvalidInput(str(error), fields={"titles": str(error)}) from error
        pairs = zip(ranges, titles, strict=True)
        return Chapters(tuple(Chapter(r, title, source=TitleSource.EDITED) for r, title in pairs))

    def export(self, format_: str, chapters: Sequence[Chapter], film: Film) -> File:
        """The chapters as a file of another tool. Raises InvalidInput."""
        return self._formats.write(format_, chapters, film)

    def import_(self, format_: str, content: bytes, duration: int) -> Chapters:
        """The chapters of such a file, for a video of `duration` ns. Raises InvalidInput."""
        if duration <= 0:
            raise InvalidInput("duration: more than 0", fields={"duration": "more than 0"})
        return Chapters(self._formats.read(format_, content, duration))

    def _found(
        self, material: Material, space: str, wanted: Wanted, locked: tuple[Chapter, ...], asking: Asking | None
    ) -> Chapters:
        try:
            ranges = boundaries(material, replace(wanted, locked=tuple(c.range for c in locked)))
        except ValueError as error:
            raise InvalidInput(str(error), fields={"locked": str(error)}) from error
        named = self._namer.name(material, space, ranges, locked)
        given = {chapter.range for chapter in locked if chapter.title}
        return title(asking, material, named, given) if asking else Chapters(named)

    def _summing(
        self, material: Material, space: str, chapters: Sequence[TimeRange], asking: Asking | None
    ) -> Summing | None:
        return Summing(asking, self._sentences, material, space, chapters) if asking else None

    def _so_far(self, key: str) -> dict[tuple[Length, int], Summary]:
        """Summaries of an attempt before this one, by length and chapter."""
        if not self._artifacts.have([key]):
            return {}
        return {(s.length, s.chapter): s for s in self._artifacts.load(key, Summaries).summaries}

    def _locked(self, job: Job) -> tuple[Chapter, ...]:
        if not job.inputs.get("info"):
            return ()
        key = self._artifacts.load(job.one("info"), VideoInfo).chapters_key
        held = self._artifacts.load(key, Chapters).chapters if key else ()
        return tuple(chapter for chapter in held if chapter.locked)

    def _filed(self, job: Job, locked: Sequence[Chapter]) -> tuple[Chapter, ...]:
        """The chapters of the video's file that stay beside those that an editor locked."""
        if not self._file_chapters:
            return ()
        probe = self._artifacts.load(job.one("plan"), Plan).probe
        return given(probe.chapters, probe.duration, [chapter.range for chapter in locked])

    def _parameters(self) -> list[object]:
        return [ALGORITHM, self._writing.writer.version] if self._writing else [ALGORITHM]


def _part(what: str, fault: Fault | None) -> Fault | None:
    """A fault of some of the things that a step gives, as the step's."""
    return fault and Fault(fault.reason, f"{what} are built-in ones in part or in whole: {fault.message}")


def _given(job: Job) -> dict[str, str]:
    """The keys of a job that are read as sources."""
    return {kind: job.one(kind) for kind in sources.KINDS if job.inputs.get(kind)}
