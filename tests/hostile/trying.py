"""What becomes of a video, subtitles or a picture at the stage that opens it: READY, or the cause of its failure."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.captioning.sandboxed import SandboxedPictures as PicturesInSandbox
from services.chaptering import formats
from services.chaptering.sandboxed import READING_BYTES, SandboxedFormats
from services.core.errors import InvalidInput, TimedOut, VidxError, WorkerLost
from services.core.jobs import no_progress
from services.core.media import Plan
from services.core.times import SECOND
from services.decoding.domain.segments import plan_segments
from services.decoding.ports import Limits, Sampling
from services.decoding.reader import SandboxedReader, Timeouts
from services.embedding.images import PillowPictures
from services.embedding.images import SandboxedPictures as CanvasesInSandbox
from services.runtime import pictures
from services.runtime.pictures import OPENING_BYTES
from services.runtime.sandbox import Sandbox
from services.transcription.domain import subtitles
from services.transcription.sandboxed import SandboxedReaders
from tests.media.hostile import Case

READY = "READY"
PARTS = 2
"""Segments of a film that are decoded, from its front; each is decoded alone, whatever the film's length."""
PIXELS = 36_000_000
Try = Callable[[Case], str]


@dataclass
class Report:
    """How the tries ended: a state or cause, and the files."""

    ends: dict[str, list[Case]] = field(default_factory=dict)
    faults: list[tuple[Case, str]] = field(default_factory=list)
    """Files at which something else came than an error of the platform's that says a cause."""

    @property
    def tried(self) -> int:
        return sum(map(len, self.ends.values()))

    @property
    def hangs(self) -> Sequence[Case]:
        """Files that had to be ended at the limit of time, or at which the process died."""
        return [case for cause in (TimedOut.reason, WorkerLost.reason) for case in self.ends.get(cause, [])]


def tried(cases: Iterable[Case], attempt: Try) -> Report:
    """Every one, each whatever the others did."""
    report = Report()
    for case in cases:
        try:
            end = attempt(case)
        except VidxError as error:
            end = error.reason
            if not error.message or "Traceback" in error.message:
                report.faults.append((case, f"no cause: {error!r}"))
        except Exception as error:
            end = f"fault: {type(error).__name__}"
            report.faults.append((case, repr(error)[:300]))
        report.ends.setdefault(end, []).append(case)
    return report


@contextmanager
def decoding(folder: Path) -> Iterator[Try]:
    """Tries a file as the stage's steps do: it is inspected, its first segments are decoded, a frame of it is shown."""
    with Sandbox(1, 4 << 30, 1 << 28, what="reading the file", within=[folder]) as sandbox:
        reader = SandboxedReader(sandbox, sandbox, Limits(), Sampling(), Timeouts(base_s=30))

        def attempt(case: Case) -> str:
            scratch = Path(tempfile.mkdtemp(dir=folder))
            try:
                path = scratch / "source"
                path.write_bytes(case.data)
                made = scratch / "made"
                made.mkdir()
                found = reader.inspect(path, made)
                segments = plan_segments(found.probe.duration, found.keyframes, 300 * SECOND)
                plan = Plan(found.probe, segments)
                for segment in segments[:PARTS]:
                    reader.segment(path, plan, segment.range, made, no_progress)
                reader.frame(path, found.probe.duration // 2, 0)
                return READY
            finally:
                shutil.rmtree(scratch)

        yield attempt


@contextmanager
def reading() -> Iterator[Try]:
    """Tries subtitles as transcription does."""
    with Sandbox(1, 2 << 30, what="reading the subtitles", within=[]) as sandbox:
        readers = SandboxedReaders(sandbox)

        def attempt(case: Case) -> str:
            subtitles.cues(readers.read(case.data[: subtitles.LONGEST_FILE], case.name).entries)
            return READY

        yield attempt


@contextmanager
def outlining() -> Iterator[Try]:
    """Tries a file of chapters as chaptering does, in every format."""
    with Sandbox(1, READING_BYTES, what="reading the chapters", within=[]) as sandbox:
        reader = SandboxedFormats(sandbox)

        def attempt(case: Case) -> str:
            error: InvalidInput | None = None
            for format_ in formats.READERS:
                try:
                    reader.read(format_, case.data[: formats.LONGEST_FILE], 3600 * SECOND)
                    return READY
                except InvalidInput as found:
                    error = found
            assert error is not None
            raise error

        yield attempt


@contextmanager
def looking() -> Iterator[Try]:
    """Tries a picture that somebody brings as embedding and captioning do."""
    with Sandbox(1, OPENING_BYTES, what="opening the picture", within=[]) as sandbox:
        embedding = CanvasesInSandbox(sandbox, PillowPictures(300, 300, PIXELS))
        captioning = PicturesInSandbox(sandbox, PIXELS)

        def attempt(case: Case) -> str:
            embedding.canvases(case.data)
            captioning.pixels(case.data)
            # What a captioner is shown is opened in the service, and is a picture whatever came.
            pictures.opened(captioning.made_anew(case.data), PIXELS)
            return READY

        yield attempt
