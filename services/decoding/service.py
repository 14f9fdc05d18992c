"""Use cases of decoding: probe a file, take a frame, plan a video, decode a segment, join the shots."""

import io
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from services.core.artifacts import job_keys
from services.core.errors import Exhausted, InvalidInput, NotFound
from services.core.jobs import Job, Outputs, Progress
from services.core.media import Plan, Probe, SampledFrames, Shot, Shots
from services.core.store import Artifacts
from services.core.times import SECOND, TimeRange
from services.decoding.domain import chapters, detection
from services.decoding.domain.cutting import parts
from services.decoding.domain.segments import plan_segments
from services.decoding.domain.shots import join
from services.decoding.ports import MediaReader, Sampling

VERSION = 4
"""Grows when the same input and settings give other output."""
CUT_HEIGHT, MOST_CUT_HEIGHT = 720, 4320
"""Of a film that is cut: what it has at most when nothing is wanted, and what may be wanted."""


@dataclass(frozen=True)
class Shape:
    """Settings that shape what is written."""

    segment: int = 300 * SECOND
    """Nanoseconds of a segment, about."""
    sampling: Sampling = field(default_factory=Sampling)


class Decoding:
    """The stage. `folder` is where files lie while they are made; the system's temporary folder when None.

    Of films that are cut `max_cuts` may be under way; more raise Exhausted.
    """

    def __init__(
        self, artifacts: Artifacts, reader: MediaReader, shape: Shape, folder: Path | None = None, max_cuts: int = 8
    ) -> None:
        self._artifacts = artifacts
        self._reader = reader
        self._shape = shape
        self._folder = folder
        self._cuts = threading.Semaphore(max_cuts)

    def probe(self, source: str) -> Probe:
        """What a stored file holds."""
        with self._artifacts.objects.local(source) as path:
            return self._reader.probe(path)

    def frame(self, source: str, time: int, max_height: int = 0) -> tuple[bytes, int]:
        """JPEG of the frame shown at a time (ns) and when it begins; of the first frame when none has begun."""
        if time < 0:
            raise InvalidInput("time lies before the video's start: use 0 or later", fields={"time": "at least 0"})
        if not 0 <= max_height <= 1 << 16:
            raise InvalidInput("max_height is out of range", fields={"max_height": "0 to 65536"})
        with self._artifacts.objects.local(source) as path:
            return self._reader.frame(path, time, max_height)

    @contextmanager
    def cut(self, source: str, ranges: Sequence[TimeRange], max_height: int, progress: Progress) -> Iterator[BinaryIO]:
        """Ranges of a stored file, one after another, as an MP4 file, which is gone when the block ends.

        Raises InvalidInput for ranges that `domain.cutting` refuses or that lie beyond the video, and a height that is
        not 0 (for 720) to 4320; Exhausted. What `progress` raises ends the work.
        """
        if not 0 <= max_height <= MOST_CUT_HEIGHT:
            rule = f"0 to {MOST_CUT_HEIGHT}"
            raise InvalidInput(f"max_height: {rule}", fields={"max_height": rule})
        found = parts(ranges)
        if not self._cuts.acquire(blocking=False):
            raise Exhausted("too many films are being cut; try again later")
        try:
            with self._artifacts.objects.local(source) as path, self._scratch() as folder:
                self._reader.cut(path, found, max_height or CUT_HEIGHT, folder / "cut.mp4", progress)
                file = (folder / "cut.mp4").open("rb")
            # From here on it has no name: it goes with the last who reads it, however he ends.
            with file:
                yield file
        finally:
            self._cuts.release()

    def plan(self, job: Job, progress: Progress) -> Outputs:
        """decoding.plan: what the file holds and how it is cut into segments, with its text subtitles."""
        parameters = {"version": VERSION, "chapters": chapters.VERSION, "segment": self._shape.segment}
        keys = job_keys(job, ("subtitles", "plan"), parameters)
        if not self._artifacts.have([keys["plan"]]):
            with self._artifacts.objects.local(job.one("source")) as path, self._scratch() as folder:
                found = self._reader.inspect(path, folder)
                progress(1, 2)
                if found.subtitles:
                    self._artifacts.objects.put(keys["subtitles"], _zip(found.subtitles))
                segments = plan_segments(found.probe.duration, found.keyframes, self._shape.segment)
                self._artifacts.save(keys["plan"], Plan(found.probe, segments))
        plan = self._artifacts.load(keys["plan"], Plan)
        if not self._artifacts.have([keys["subtitles"]]):
            del keys["subtitles"]
        return Outputs(keys, {"segments": len(plan.segments), "duration_ns": plan.probe.duration})

    def segment(self, job: Job, progress: Progress) -> Outputs:
        """decoding.segment: sampled frames, shots, thumbnails and sound of one segment."""
        plan = self._artifacts.load(job.one("plan"), Plan)
        if job.segment is None or not 0 <= job.segment < len(plan.segments):
            raise NotFound(f"the plan has no segment {job.segment}: it has {len(plan.segments)}")
        kinds = ["jpegs", "thumbnails", *(["audio"] if plan.probe.audio else []), "cuts", "frames"]
        parameters = {"version": VERSION, "detection": detection.VERSION, **asdict(self._shape.sampling)}
        keys = job_keys(job, kinds, parameters)
        if not self._artifacts.have(keys.values()):
            range_ = plan.segments[job.segment].range
            with self._artifacts.objects.local(job.one("source")) as path, self._scratch() as folder:
                made = self._reader.segment(path, plan, range_, folder, progress)
                self._upload(keys["jpegs"], made.jpegs)
                self._upload(keys["thumbnails"], made.thumbnails)
                if made.audio is not None:
                    self._upload(keys["audio"], made.audio)
                shots = tuple(_with_thumbnail(shot, keys["thumbnails"]) for shot in made.shots)
                self._artifacts.save(keys["cuts"], Shots(shots))
                self._artifacts.save(keys["frames"], SampledFrames(keys["jpegs"], tuple(made.frames)))
        frames = self._artifacts.load(keys["frames"], SampledFrames)
        cuts = self._artifacts.load(keys["cuts"], Shots)
        return Outputs(keys, {"frames": len(frames.frames), "shots": len(cuts.shots)})

    def assemble(self, job: Job, progress: Progress) -> Outputs:
        """decoding.assemble: the video's shots out of those of its segments."""
        keys = job_keys(job, ("shots",), {"version": VERSION})
        if not self._artifacts.have(keys.values()):
            parts = [self._artifacts.load(key, Shots) for key in job.inputs.get("cuts", ())]
            self._artifacts.save(keys["shots"], join(parts))
        return Outputs(keys, {"shots": len(self._artifacts.load(keys["shots"], Shots).shots)})

    def _scratch(self) -> "_Folder":
        return _Folder(self._folder)

    def _upload(self, key: str, path: Path) -> None:
        with path.open("rb") as file:
            self._artifacts.objects.put(key, file)


class _Folder(tempfile.TemporaryDirectory[str]):
    """A folder of its own, gone afterwards."""

    def __init__(self, parent: Path | None) -> None:
        super().__init__(prefix="vidx-decoding-", dir=parent, ignore_cleanup_errors=True)

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())


def _with_thumbnail(shot: Shot, key: str) -> Shot:
    return replace(shot, thumbnail=replace(shot.thumbnail, key=key)) if shot.thumbnail else shot


def _zip(files: list[Path]) -> bytes:
    """The same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
