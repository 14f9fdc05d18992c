"""A unit of a stage's work, as it travels on a queue: names in, names out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.core.errors import InvalidInput
from services.core.names import VideoName

Progress = Callable[[int, int], None]
"""Called with (done, total) parts of the unit; raises Cancelled when the work is no longer wanted."""


@dataclass(frozen=True)
class Job:
    """What to do: one step, on one segment (from 0) or on the whole video (None)."""

    video: VideoName
    step: str
    segment: int | None = None
    attempt: int = 1
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Object keys by artifact kind, in order of segments."""
    trace: str = ""
    """Where the work belongs in a trace, as a W3C traceparent; it is told beside the job, and changes nothing of it."""

    def one(self, kind: str) -> str:
        """The only input of a kind. Raises InvalidInput, for a job may come from a caller's own pipeline."""
        keys = self.inputs.get(kind, ())
        if len(keys) != 1:
            rule = f"one {kind}"
            raise InvalidInput(f"{self.step[:80]} needs {rule}, got {len(keys)}", fields={"job.inputs": rule})
        return keys[0]


@dataclass(frozen=True)
class Fault:
    """Why something is missing: one of the platform's reasons (see `errors`), what happened and what to do."""

    reason: str
    message: str


@dataclass(frozen=True)
class Outputs:
    """What was done: object keys by artifact kind, and figures."""

    artifacts: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    fault: Fault | None = None
    """Set when the work is done but for a part that is missing, which a retry may fill in."""


Handler = Callable[[Job, Progress], Outputs]
"""A step's use case. May run twice for the same job; the second run finds its outputs and does nothing."""


def no_progress(done: int, total: int) -> None:
    """For callers that watch nothing."""
