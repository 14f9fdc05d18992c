"""The use case: what is known of a video becomes chapters and summaries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.chaptering import sources
from services.chaptering.domain.boundaries import Wanted, boundaries
from services.chaptering.domain.extracts import extract
from services.chaptering.domain.film import Film
from services.chaptering.domain.grounding import ground
from services.chaptering.domain.material import Material
from services.chaptering.naming import Namer
from services.chaptering.ports import File, Formats, SentenceEncoder
from services.core.artifacts import job_keys
from services.core.chapters import Chapter, Chapters, Length, Summaries, Summary, TitleSource
from services.core.errors import Incomplete, InvalidInput
from services.core.jobs import Job, Outputs, Progress
from services.core.media import VideoInfo
from services.core.store import Artifacts
from services.core.times import TimeRange

ALGORITHM = 1
"""Raised when this stage would find other chapters or summaries in the same inputs."""


class Chaptering:
    """The stage. `wanted` is what chapters of a video are to be like when nobody asks for anything else."""

    def __init__(
        self, artifacts: Artifacts, sentences: SentenceEncoder, namer: Namer, formats: Formats, wanted: Wanted
    ) -> None:
        self._artifacts = artifacts
        self._sentences = sentences
        self._namer = namer
        self._formats = formats
        self._wanted = wanted

    @property
    def wanted(self) -> Wanted:
        return self._wanted

    def chapter(self, job: Job, progress: Progress) -> Outputs:
        """chaptering.chapter: the video's chapters, with those that an editor locked as they are."""
        keys = job_keys(job, ("chapters",), self._parameters())
        if self._artifacts.have(keys.values()):
            return Outputs(keys, {"chapters": len(self._artifacts.load(keys["chapters"], Chapters).chapters)})
        progress(0, 1)
        locked = self._locked(job)
        material, space = sources.load(self._artifacts, _given(job))
        whole = TimeRange(0, material.duration)
        # An editor may have taken the video for a little longer than it is.
        inside = [(c, c.range.intersection(whole)) for c in locked]
        locked = tuple(replace(c, range=r) for c, r in inside if r is not None)
        found = self._found(material, space, self._wanted, locked)
        self._artifacts.save(keys["chapters"], found)
        progress(1, 1)
        return Outputs(keys, {"chapters": len(found.chapters)})

    def summarize(self, job: Job, progress: Progress) -> Outputs:
        """chaptering.summarize: summaries of the video in every length, and a short one of each chapter."""
        keys = job_keys(job, ("summaries",), [ALGORITHM])
        if self._artifacts.have(keys.values()):
            return Outputs(keys, {"summaries": len(self._artifacts.load(keys["summaries"], Summaries).summaries)})
        chapters = self._artifacts.load(job.one("chapters"), Chapters).chapters
        material, _ = sources.load(self._artifacts, _given(job))
        ranges = [chapter.range for chapter in chapters]
        whole = TimeRange(0, material.duration)
        parts = [(whole, length, -1) for length in Length] + [(r, Length.SHORT, i) for i, r in enumerate(ranges)]
        found = []
        for done, (scope, length, chapter) in enumerate(parts):
            progress(done, len(parts))
            found.append(Summary(scope, length, extract(material, ranges, scope, length), chapter))
        self._artifacts.save(keys["summaries"], Summaries(tuple(found)))
        progress(len(parts), len(parts))
        return Outputs(keys, {"summaries": len(found)})

    def chapters(
        self, keys: Mapping[str, str], wanted: Wanted, locked: Sequence[Chapter] = (), titles: Sequence[str] = ()
    ) -> Chapters:
        """Chapters of a video whose artifacts have these keys; nothing is stored.

        With `titles`, one for each, where it is spoken of. Raises InvalidInput, Unavailable.
        """
        material, space = sources.load(self._artifacts, keys)
        if not titles:
            return self._found(material, space, wanted, tuple(locked))
        encoded = self._sentences.encode(titles)
        vectors = encoded.vectors if encoded.space == space else encoded.vectors[:0]
        try:
            ranges = ground(material, titles, vectors)
        except ValueError as error:
            raise InvalidInput(str(error), fields={"titles": str(error)}) from error
        pairs = zip(ranges, titles, strict=True)
        return Chapters(tuple(Chapter(r, title, source=TitleSource.EDITED) for r, title in pairs))

    def summary(
        self,
        keys: Mapping[str, str],
        chapters: Sequence[Chapter],
        scope: TimeRange | None,
        length: Length,
        focus: str = "",
    ) -> Summary:
        """A summary of a range of a video, or of the whole; nothing is stored. Raises InvalidInput, Unavailable."""
        material, space = sources.load(self._artifacts, keys)
        whole = TimeRange(0, material.duration)
        scope = whole if scope is None else scope.intersection(whole)
        if scope is None:
            rule = f"inside the video's {material.duration / 1e9:.3f} s"
            raise InvalidInput(f"the range is not {rule}", fields={"range": rule})
        vector = None
        if focus and len(material.passage_vectors):
            encoded = self._sentences.encode([focus])
            if encoded.space != space:
                raise Incomplete(
                    f"the passages' vectors are of space {space}, not {encoded.space}: embed the video again"
                )
            vector = encoded.vectors[0]
        ranges = [chapter.range for chapter in chapters]
        number = ranges.index(scope) if scope in ranges else -1
        return Summary(scope, length, extract(material, ranges, scope, length, vector), number, focus)

    def export(self, format_: str, chapters: Sequence[Chapter], film: Film) -> File:
        """The chapters as a file of another tool. Raises InvalidInput."""
        return self._formats.write(format_, chapters, film)

    def import_(self, format_: str, content: bytes, duration: int) -> Chapters:
        """The chapters of such a file, for a video of `duration` ns. Raises InvalidInput."""
        if duration <= 0:
            raise InvalidInput("duration: more than 0", fields={"duration": "more than 0"})
        return Chapters(self._formats.read(format_, content, duration))

    def _found(self, material: Material, space: str, wanted: Wanted, locked: tuple[Chapter, ...]) -> Chapters:
        try:
            ranges = boundaries(material, replace(wanted, locked=tuple(c.range for c in locked)))
        except ValueError as error:
            raise InvalidInput(str(error), fields={"locked": str(error)}) from error
        return Chapters(self._namer.name(material, space, ranges, locked))

    def _locked(self, job: Job) -> tuple[Chapter, ...]:
        if not job.inputs.get("info"):
            return ()
        key = getattr(self._artifacts.load(job.one("info"), VideoInfo), "chapters_key", "")
        held = self._artifacts.load(key, Chapters).chapters if key else ()
        return tuple(chapter for chapter in held if chapter.locked)

    def _parameters(self) -> list[object]:
        w = self._wanted
        return [ALGORITHM, w.shortest, w.longest, w.whole]


def _given(job: Job) -> dict[str, str]:
    """The keys of a job that are read as sources."""
    return {kind: job.one(kind) for kind in sources.KINDS if job.inputs.get(kind)}
