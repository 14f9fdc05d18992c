"""How far a video has come, told by its jobs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.catalog.states import ENDED, JobState
from services.core.text import Track
from services.pipeline import workflow

_ORDER = {step.name: number for number, step in enumerate(workflow.STEPS)}
_TOLD: dict[str, int] = {JobState.FAILED: 0, JobState.GIVEN_UP: 1, JobState.SUCCEEDED: 3}
"""Which of a stage's troubles is told first; between them comes what is being tried again."""


class JobView(Protocol):
    """What is looked at: a row of the catalog's jobs. Times in nanoseconds."""

    @property
    def step(self) -> str: ...
    @property
    def segment(self) -> int: ...
    @property
    def queue(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def tries(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def started(self) -> int: ...
    @property
    def ended(self) -> int: ...
    @property
    def busy(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def artifacts(self) -> dict[str, str]: ...


@dataclass(frozen=True)
class MissingView:
    """A track that is missing, whole or in part: the stage to do again, and the first of its errors."""

    track: Track
    stage: str
    reason: str
    message: str


@dataclass(frozen=True)
class StageView:
    """One stage of a video: units of work done and in all, and the share done with parts of units counted."""

    stage: str
    state: str
    done: int
    total: int
    progress: float
    attempts: int
    busy: int
    started: int
    ended: int
    reason: str
    message: str


def stage_view(stage: str, jobs: Sequence[JobView], planned: bool) -> StageView:
    """The stage's state from its jobs. Before the plan is known a stage with work per segment is not complete."""
    mine = [j for j in jobs if j.queue == stage]
    done = sum(j.state == JobState.SUCCEEDED for j in mine)
    parts = sum(_part(j) for j in mine)
    troubled = min((j for j in mine if j.reason), key=lambda j: _TOLD.get(j.state, 2), default=None)
    begun = [j.started for j in mine if j.started]
    state = _state(mine)
    return StageView(
        stage=stage,
        state=state,
        done=done,
        total=len(mine),
        progress=parts / len(mine) if mine and (planned or not parts) else 0.0,
        attempts=max((j.attempt for j in mine), default=0),
        busy=sum(j.busy for j in mine),
        started=min(begun, default=0),
        ended=max(j.ended for j in mine) if mine and state not in ("WAITING", "RUNNING") else 0,
        reason=troubled.reason if troubled else "",
        message=troubled.message if troubled else "",
    )


def missing_tracks(jobs: Sequence[JobView]) -> tuple[MissingView, ...]:
    """The tracks that cannot be searched, or only in part, in the order of work.

    Told by the units that ended without all that they should have given; where there are several of a track, the
    message is the first one's and says how many more there are.
    """
    short = sorted((j for j in jobs if workflow.missing(j)), key=lambda j: (_ORDER[j.step], j.segment))
    found: dict[Track, list[JobView]] = {}
    for job in short:
        track = workflow.BY_NAME[job.step].track
        if track is not None:
            found.setdefault(track, []).append(job)
    return tuple(_missing(track, units) for track, units in found.items())


def remaining_ns(stages: Sequence[StageView], elapsed_ns: int) -> int | None:
    """Nanoseconds until the work is done, if it goes on as it went; None while there is too little to tell from."""
    total = sum(s.total for s in stages)
    done = sum(s.progress * s.total for s in stages)
    if total == 0 or done < 0.05 * total or elapsed_ns <= 0:
        return None
    return max(0, round(elapsed_ns * (total - done) / done))


def _missing(track: Track, units: Sequence[JobView]) -> MissingView:
    first, more = units[0], len(units) - 1
    message = f"{first.message} (and {more} more)" if more else first.message
    return MissingView(track, first.queue, first.reason, message)


def _part(job: JobView) -> float:
    if job.state in ENDED:
        return 1.0
    # A unit that is not done never counts as done, whatever its worker says.
    return min(job.done / job.total, 0.99) if job.state == JobState.RUNNING and job.total > 0 else 0.0


def _state(jobs: Sequence[JobView]) -> str:
    states = {j.state for j in jobs}
    for state in (JobState.FAILED, JobState.CANCELLED):
        if state in states:
            return state.value
    if states and states <= set(ENDED):
        return "INCOMPLETE" if any(workflow.missing(j) for j in jobs) else "SUCCEEDED"
    if states & {JobState.RUNNING, *ENDED}:
        return "RUNNING"
    return "WAITING"
