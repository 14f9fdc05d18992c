"""How far a video has come, told by its jobs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.catalog.states import JobState


class JobView(Protocol):
    """What is looked at: a row of the catalog's jobs. Times in nanoseconds."""

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
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...


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
    troubled = next((j for j in mine if j.reason and j.state == JobState.FAILED), None) or next(
        (j for j in mine if j.reason and j.state != JobState.SUCCEEDED), None
    )
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
        ended=max(j.ended for j in mine) if mine and state in ("SUCCEEDED", "FAILED", "CANCELLED") else 0,
        reason=troubled.reason if troubled else "",
        message=troubled.message if troubled else "",
    )


def remaining_ns(stages: Sequence[StageView], elapsed_ns: int) -> int | None:
    """Nanoseconds until the work is done, if it goes on as it went; None while there is too little to tell from."""
    total = sum(s.total for s in stages)
    done = sum(s.progress * s.total for s in stages)
    if total == 0 or done < 0.05 * total or elapsed_ns <= 0:
        return None
    return max(0, round(elapsed_ns * (total - done) / done))


def _part(job: JobView) -> float:
    if job.state == JobState.SUCCEEDED:
        return 1.0
    # A unit that is not done never counts as done, whatever its worker says.
    return min(job.done / job.total, 0.99) if job.state == JobState.RUNNING and job.total > 0 else 0.0


def _state(jobs: Sequence[JobView]) -> str:
    states = {j.state for j in jobs}
    for state in (JobState.FAILED, JobState.CANCELLED):
        if state in states:
            return state.value
    if states == {JobState.SUCCEEDED}:
        return "SUCCEEDED"
    if states & {JobState.RUNNING, JobState.SUCCEEDED}:
        return "RUNNING"
    return "WAITING"
