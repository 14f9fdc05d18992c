"""The order of work, as data: what each step needs and gives. All rules here are pure.

A step can run when all that it needs is there, and all that it wants is there or given up. A step on one segment takes
per-segment artifacts of its own segment only, or of its neighbours too; a step on the whole video takes those of all
segments. A new stage is new rows of this table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.catalog.states import ENDED, WHOLE_VIDEO, JobState
from services.core.jobs import Job
from services.core.names import VideoName
from services.core.text import Track

GIVEN = ("source", "info")
"""Artifacts that exist before the first step."""


@dataclass(frozen=True)
class Step:
    """A step of a stage; `name` is "{stage}.{what}", and the stage's word is its queue."""

    name: str
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    optional: tuple[str, ...] = ()
    """Given only by some videos, such as audio."""
    wants: tuple[str, ...] = ()
    """Taken when it was given; waited for, but done without when it was not."""
    near: tuple[str, ...] = ()
    """Wanted of the segments before and after as well, in order of segments."""
    each_segment: bool = False
    track: Track | None = None
    """What cannot be searched without this step. When such a step is given up, the video goes on without the track."""
    extra: bool = False
    """What it gives is no part of searching: the video goes on without it as well. When any other step is given up, the
    video fails."""

    @property
    def stage(self) -> str:
        return self.name.split(".")[0]

    @property
    def dispensable(self) -> bool:
        """Whether the video goes on when the step is given up."""
        return self.extra or self.track is not None

    @property
    def takes(self) -> tuple[str, ...]:
        """Every kind that it may read."""
        return (*self.needs, *self.wants, *self.near)


STEPS = (
    Step("decoding.plan", needs=("source",), gives=("plan",), optional=("subtitles",)),
    Step(
        "decoding.segment",
        needs=("source", "plan"),
        gives=("frames", "jpegs", "cuts", "thumbnails"),
        optional=("audio",),
        each_segment=True,
    ),
    Step("decoding.assemble", needs=("plan", "cuts"), gives=("shots",)),
    Step(
        "embedding.segment",
        needs=("frames",),
        gives=("frame_vectors",),
        optional=("frame_classes",),
        each_segment=True,
    ),
    Step("embedding.assemble", needs=("frames", "frame_vectors", "shots"), gives=("shot_vectors",)),
    Step(
        "transcription.subtitles",
        needs=("info", "plan"),
        wants=("subtitles",),
        gives=("subtitle_cues",),
        track=Track.SPEECH,
    ),
    Step(
        "transcription.segment",
        needs=("plan",),
        wants=("subtitle_cues",),
        near=("audio",),
        gives=("heard",),
        each_segment=True,
        track=Track.SPEECH,
    ),
    Step(
        "transcription.assemble",
        needs=("plan",),
        wants=("subtitle_cues", "heard"),
        gives=("transcript",),
        track=Track.SPEECH,
    ),
    Step("captioning.text", needs=("frames",), gives=("readings",), each_segment=True, track=Track.ON_SCREEN_TEXT),
    Step(
        "captioning.describe",
        needs=("plan", "shots", "frames", "frame_vectors"),
        wants=("frame_classes",),
        gives=("descriptions",),
        each_segment=True,
        track=Track.CAPTION,
    ),
    Step(
        "captioning.assemble",
        needs=("info", "shots", "shot_vectors"),
        wants=("readings", "descriptions"),
        gives=("on_screen_text", "captions", "shot_labels"),
    ),
    Step(
        "embedding.text",
        needs=("on_screen_text", "captions"),
        wants=("transcript",),
        gives=("passages", "passage_vectors"),
    ),
    Step(
        "chaptering.chapter",
        needs=("info", "plan", "shots", "shot_vectors", "passages", "passage_vectors"),
        wants=("transcript", "on_screen_text"),
        gives=("chapters",),
        extra=True,
    ),
    Step(
        "chaptering.summarize",
        needs=("plan", "shots", "passages", "passage_vectors"),
        wants=("chapters", "transcript"),
        gives=("summaries",),
        extra=True,
    ),
    Step("embedding.title", needs=("info",), gives=("title_vectors",)),
    Step(
        "search.index",
        needs=(
            "info",
            "plan",
            "shots",
            "frames",
            "frame_vectors",
            "shot_vectors",
            "shot_labels",
            "passages",
            "passage_vectors",
            "title_vectors",
        ),
        gives=(),
    ),
)
BY_NAME = {step.name: step for step in STEPS}
STAGES = tuple(dict.fromkeys(step.stage for step in STEPS))
PLANNING = "decoding.plan"
INDEXING = "search.index"
INFO_READERS = {
    "title": ("embedding.title",),
    "labels": (INDEXING,),
    "subtitles": ("transcription.subtitles",),
    "transcript": ("transcription.subtitles",),
    "shot_labels": ("captioning.assemble",),
    "chapters": ("chaptering.chapter",),
}
"""Steps that work on a part of what is said of a video; when it changes, they and all that depends on them are done
again."""
_GIVER = {kind: step for step in STEPS for kind in (*step.gives, *step.optional)}


class Unit(Protocol):
    """What the rules look at: a row of the catalog's jobs."""

    @property
    def step(self) -> str: ...
    @property
    def segment(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def artifacts(self) -> dict[str, str]: ...
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def reason(self) -> str: ...


def first_units() -> list[tuple[str, int]]:
    """(step, segment) of the jobs that every video has, before its segments are known."""
    return [(step.name, WHOLE_VIDEO) for step in STEPS if not step.each_segment]


def segment_units(segments: int) -> list[tuple[str, int]]:
    """(step, segment) of the jobs that a plan with so many segments adds."""
    return [(step.name, i) for step in STEPS if step.each_segment for i in range(segments)]


def inputs(unit: Unit, units: Sequence[Unit], given: Mapping[str, str]) -> dict[str, tuple[str, ...]] | None:
    """Object keys that a unit takes, by kind, without what was given up or not given; None while it has to wait."""
    return _inputs(unit, _by_step(units), given)


def due(units: Sequence[Unit], given: Mapping[str, str]) -> list[Unit]:
    """Waiting units whose inputs are all there."""
    planned = any(u.step == PLANNING and u.state == JobState.SUCCEEDED for u in units)
    known = _by_step(units)
    return [
        u
        for u in units
        if u.state == JobState.WAITING and (u.step == PLANNING or planned) and _inputs(u, known, given) is not None
    ]


def job(video: VideoName, unit: Unit, attempt: int, units: Sequence[Unit], given: Mapping[str, str]) -> Job | None:
    """The message for a unit, or None while an input is missing."""
    keys = inputs(unit, units, given)
    if keys is None:
        return None
    return Job(video, unit.step, None if unit.segment == WHOLE_VIDEO else unit.segment, attempt, keys)


def downstream(steps: Iterable[str]) -> set[str]:
    """Names of the steps and of all that depends on them."""
    found = set(steps)
    while True:
        given = {kind for name in found for kind in (*BY_NAME[name].gives, *BY_NAME[name].optional)}
        more = {step.name for step in STEPS if given & set(step.takes)} - found
        if not more:
            return found
        found |= more


def steps_of(stage: str) -> set[str]:
    """Names of a stage's steps."""
    return {step.name for step in STEPS if step.stage == stage}


def missing(unit: Unit) -> bool:
    """True when a unit has ended without all that it should have given; doing it again may fill that in."""
    return unit.state == JobState.GIVEN_UP or (unit.state == JobState.SUCCEEDED and bool(unit.reason))


def complete(counts: Mapping[str, int]) -> bool:
    """Whether the index holds exactly the rows that were written, and some."""
    return counts.get("rows", 0) > 0 and counts.get("rows") == counts.get("expected")


def ready(units: Sequence[Unit]) -> bool:
    """What READY means: every job has ended, and the index is complete."""
    indexed = any(u.step == INDEXING and u.state == JobState.SUCCEEDED and complete(u.counts) for u in units)
    return indexed and all(u.state in ENDED for u in units)


def backoff_ns(tries: int) -> int:
    """Nanoseconds to wait before the next attempt: 1 s, doubling, at most a minute."""
    seconds: int = min(60, 2 ** max(0, min(tries, 7) - 1))
    return seconds * 1_000_000_000


def _by_step(units: Sequence[Unit]) -> dict[str, dict[int, Unit]]:
    """Units by step and segment: a long video has many, and each unit looks at a few."""
    found: dict[str, dict[int, Unit]] = {}
    for unit in units:
        found.setdefault(unit.step, {})[unit.segment] = unit
    return found


def _inputs(
    unit: Unit, known: Mapping[str, Mapping[int, Unit]], given: Mapping[str, str]
) -> dict[str, tuple[str, ...]] | None:
    step = BY_NAME[unit.step]
    found: dict[str, tuple[str, ...]] = {}
    for kind in step.takes:
        if kind in given:
            found[kind] = (given[kind],)
            continue
        givers = _givers(unit, step, kind, known.get(_GIVER[kind].name, {}))
        there = [u for u in givers if u.state == JobState.SUCCEEDED and kind in u.artifacts]
        enough = len(there) == len(givers) if kind in step.needs else all(u.state in ENDED for u in givers)
        if not givers or not enough:
            return None
        if there:
            found[kind] = tuple(u.artifacts[kind] for u in sorted(there, key=lambda u: u.segment))
    return found


def _givers(unit: Unit, step: Step, kind: str, units: Mapping[int, Unit]) -> list[Unit]:
    """Those of the units that give a kind, by segment, from which this unit takes it."""
    if not step.each_segment or WHOLE_VIDEO in units:
        return list(units.values())
    reach = 1 if kind in step.near else 0
    return [units[i] for i in range(unit.segment - reach, unit.segment + reach + 1) if i in units]
