"""What can go wrong, in the platform's own words.

    VidxError
    ├── InvalidInput          the caller must change the request
    │   ├── ChecksumMismatch  the bytes are not those that were announced
    │   └── BadMedia          the file is not a video that can be indexed
    │       ├── NoVideoStream
    │       └── MediaLimit    larger than this platform is set to open
    ├── NotFound
    ├── AlreadyExists
    ├── Conflict              not in the state that this needs
    ├── Outdated              changed since the caller read it
    ├── Unauthenticated       nobody knows who asks
    ├── Denied                not allowed, to this caller or to anybody
    ├── Cancelled
    ├── Exhausted             out of room or quota; may pass
    │   ├── StorageFull
    │   └── QuotaExceeded     more than the collection may have
    ├── Unavailable           a part does not answer; may pass
    │   └── TimedOut
    └── Internal              a fault of the platform
        ├── WorkerLost        a process died under the work; may pass
        └── Incomplete        counts do not match what was written; may pass

`reason` is what clients match on; the message is for people and says what to do. Only what may pass is `retryable`.
"""

from collections.abc import Mapping


class VidxError(Exception):
    """Base of all errors that cross a service's door.

    `fields` names the request fields at fault and what is wrong with each.
    """

    reason = "INTERNAL"
    retryable = False

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields: dict[str, str] = dict(fields or {})

    def __str__(self) -> str:
        return self.message


class InvalidInput(VidxError):
    reason = "INVALID_INPUT"


class ChecksumMismatch(InvalidInput):
    reason = "CHECKSUM_MISMATCH"


class BadMedia(InvalidInput):
    reason = "DECODE_ERROR"


class NoVideoStream(BadMedia):
    reason = "NO_VIDEO_STREAM"


class MediaLimit(BadMedia):
    reason = "MEDIA_LIMIT"


class NotFound(VidxError):
    reason = "NOT_FOUND"


class AlreadyExists(VidxError):
    reason = "ALREADY_EXISTS"


class Conflict(VidxError):
    reason = "CONFLICT"


class Unauthenticated(VidxError):
    reason = "UNAUTHENTICATED"


class Outdated(VidxError):
    reason = "OUTDATED"


class Denied(VidxError):
    reason = "DENIED"


class Cancelled(VidxError):
    reason = "CANCELLED"


class Exhausted(VidxError):
    reason = "EXHAUSTED"
    retryable = True


class StorageFull(Exhausted):
    reason = "STORAGE_FULL"


class QuotaExceeded(Exhausted):
    """`fields`: the collection, and what it may have. `retry_s`: seconds after which it may have more, if it will."""

    reason = "QUOTA_EXCEEDED"

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None, retry_s: float | None = None) -> None:
        super().__init__(message, fields=fields)
        self.retry_s = retry_s


class Unavailable(VidxError):
    reason = "UNAVAILABLE"
    retryable = True


class TimedOut(Unavailable):
    reason = "TIMED_OUT"


class Internal(VidxError):
    reason = "INTERNAL"


class WorkerLost(Internal):
    reason = "WORKER_LOST"
    retryable = True


class Incomplete(Internal):
    reason = "INCOMPLETE"
    retryable = True


def all_errors() -> list[type[VidxError]]:
    """Every error class, the base first."""
    found: list[type[VidxError]] = [VidxError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return found
