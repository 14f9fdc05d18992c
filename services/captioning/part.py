"""A segment's part of a video, as a captioner is shown it."""

from collections.abc import Sequence

from services.captioning.domain.parts import beginning_in, rows_of, spread, weights_of
from services.captioning.ports import View
from services.core.errors import Incomplete, NotFound
from services.core.jobs import Job
from services.core.jpegs import places
from services.core.media import Plan, SampledFrames, Shot, Shots
from services.core.store import Artifacts
from services.core.vectors import F32, FrameClasses, classes_from_npz, from_npz


class Part:
    """A segment's part of a video: the shots that begin in it, its frames, and what is known of them."""

    def __init__(self, artifacts: Artifacts, job: Job) -> None:
        plan = artifacts.load(job.one("plan"), Plan)
        if job.segment is None or not 0 <= job.segment < len(plan.segments):
            raise NotFound(f"the plan has no segment {job.segment}: it has {len(plan.segments)}")
        segment = plan.segments[job.segment].range
        self.share = segment.duration / max(1, plan.probe.duration)
        """Of the video's length."""
        sampled = artifacts.load(job.one("frames"), SampledFrames)
        self.frames = sampled.frames
        self.vectors, self.space = _vectors(artifacts, job.one("frame_vectors"), len(self.frames))
        self._classes = _classes(artifacts, job, len(self.frames))
        self._artifacts = artifacts
        self._tar = sampled.tar_key
        self._offsets: dict[int, tuple[int, int]] | None = None
        found = beginning_in(artifacts.load(job.one("shots"), Shots).shots, segment)
        # A shot of which this segment has no frame is one that a neighbour shows.
        self.shots = [shot for shot in found if rows_of(shot, self.frames)]

    def view(self, shot: Shot, pictures: int) -> View:
        """What a captioner that looks at so many pictures is shown of a shot."""
        rows = rows_of(shot, self.frames)
        classes = self._classes
        if classes is not None:
            classes = FrameClasses(classes.names[rows], classes.probabilities[rows])
        chosen = spread(rows, pictures) if pictures else []
        return View(self._pictures(chosen), classes, tuple(weights_of(shot, self.frames, rows)))

    def _pictures(self, rows: Sequence[int]) -> tuple[bytes, ...]:
        if not rows:
            return ()
        if self._offsets is None:
            with self._artifacts.objects.open(self._tar) as tar:
                self._offsets = places(tar, self.frames)
        return tuple(self._artifacts.objects.read(self._tar, *self._offsets[row]) for row in rows)


def _vectors(artifacts: Artifacts, key: str, n: int) -> tuple[F32, str]:
    try:
        vectors, space = from_npz(artifacts.objects.get(key))
    except ValueError as error:
        raise Incomplete(f"object {key}: {error}: embed the segment again") from error
    if len(vectors) != n:
        raise Incomplete(f"{n} sampled frames but {len(vectors)} vectors: embed the segment again")
    return vectors, space


def _classes(artifacts: Artifacts, job: Job, n: int) -> FrameClasses | None:
    """The frames' classes; None when the embedding stage gave none."""
    if not job.inputs.get("frame_classes"):
        return None
    key = job.one("frame_classes")
    try:
        classes = classes_from_npz(artifacts.objects.get(key))
    except ValueError as error:
        raise Incomplete(f"object {key}: {error}: embed the segment again") from error
    if len(classes.names) != n:
        raise Incomplete(f"{n} sampled frames but classes of {len(classes.names)}: embed the segment again")
    return classes
