"""The order of work, as data: what each step needs and gives. All rules here are pure.

A step can run when all that it needs is there. A step on one segment needs per-segment artifacts of its own segment
only; a step on the whole video needs those of all segments. A new stage is new rows of this table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.catalog.states import WHOLE_VIDEO, JobState
from services.core.jobs import Job
from services.core.names import VideoName

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
    each_segment: bool = False

    @property
    def stage(self) -> str:
        return self.name.split(".")[0]


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
    Step("embedding.segment", needs=("frames",), gives=("frame_vectors",), each_segment=True),
    Step("embedding.assemble", needs=("frames", "frame_vectors", "shots"), gives=("shot_vectors",)),
    Step("search.index", needs=("info", "plan", "shots", "frames", "frame_vectors", "shot_vectors"), gives=()),
)
BY_NAME = {step.name: step for step in STEPS}
STAGES = tuple(dict.fromkeys(step.stage for step in STEPS))
PLANNING = "decoding.plan"
INDEXING = "search.index"
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


def first_units() -> list[tuple[str, int]]:
    """(step, segment) of the jobs that every video has, before its segments are known."""
    return [(step.name, WHOLE_VIDEO) for step in STEPS if not step.each_segment]


def segment_units(segments: int) -> list[tuple[str, int]]:
    """(step, segment) of the jobs that a plan with so many segments adds."""
    return [(step.name, i) for step in STEPS if step.each_segment for i in range(segments)]


def inputs(unit: Unit, units: Sequence[Unit], given: Mapping[str, str]) -> dict[str, tuple[str, ...]] | None:
    """Object keys that a unit needs, by kind; None while any is missing."""
    step = BY_NAME[unit.step]
    found: dict[str, tuple[str, ...]] = {}
    for kind in step.needs:
        if kind in given:
            found[kind] = (given[kind],)
            continue
        giver = _GIVER[kind]
        givers = [u for u in units if u.step == giver.name and (not step.each_segment or _same(u, unit, giver))]
        if not givers or any(u.state != JobState.SUCCEEDED or kind not in u.artifacts for u in givers):
            return None
        found[kind] = tuple(u.artifacts[kind] for u in sorted(givers, key=lambda u: u.segment))
    return found


def due(units: Sequence[Unit], given: Mapping[str, str]) -> list[Unit]:
    """Waiting units whose inputs are all there."""
    planned = any(u.step == PLANNING and u.state == JobState.SUCCEEDED for u in units)
    return [
        u
        for u in units
        if u.state == JobState.WAITING and (u.step == PLANNING or planned) and inputs(u, units, given) is not None
    ]


def job(video: VideoName, unit: Unit, attempt: int, units: Sequence[Unit], given: Mapping[str, str]) -> Job | None:
    """The message for a unit, or None while an input is missing."""
    keys = inputs(unit, units, given)
    if keys is None:
        return None
    return Job(video, unit.step, None if unit.segment == WHOLE_VIDEO else unit.segment, attempt, keys)


def downstream(stage: str) -> set[str]:
    """Names of the steps of a stage and of all that depends on them."""
    found = {step.name for step in STEPS if step.stage == stage}
    while True:
        given = {kind for name in found for kind in (*BY_NAME[name].gives, *BY_NAME[name].optional)}
        more = {step.name for step in STEPS if given & set(step.needs)} - found
        if not more:
            return found
        found |= more


def searchable(units: Iterable[Unit], counts: Mapping[str, int]) -> bool:
    """What READY means: every job is done, and the index holds exactly the rows that were written, and some."""
    return (
        all(u.state == JobState.SUCCEEDED for u in units)
        and counts.get("rows", 0) > 0
        and counts.get("rows") == counts.get("expected")
    )


def backoff_ns(tries: int) -> int:
    """Nanoseconds to wait before the next attempt: 1 s, doubling, at most a minute."""
    seconds: int = min(60, 2 ** max(0, min(tries, 7) - 1))
    return seconds * 1_000_000_000


def _same(giver: Unit, unit: Unit, step: Step) -> bool:
    return not step.each_segment or giver.segment == unit.segment
