"""States of videos and of their jobs."""

from enum import StrEnum


class VideoState(StrEnum):
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    DELETING = "DELETING"


class JobState(StrEnum):
    WAITING = "WAITING"
    """Its inputs are not there yet."""
    DUE = "DUE"
    """May be sent, once there is room in the queue and `not_before` has passed."""
    QUEUED = "QUEUED"
    """Sent; no worker has said that it began."""
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    GIVEN_UP = "GIVEN_UP"
    """All its attempts failed, and the video goes on without what it would have given."""


IN_FLIGHT = (JobState.QUEUED, JobState.RUNNING)
ENDED = (JobState.SUCCEEDED, JobState.GIVEN_UP)
"""Nothing has to wait for it any more."""
UNFINISHED = (JobState.WAITING, JobState.DUE, JobState.QUEUED, JobState.RUNNING)
WHOLE_VIDEO = -1
