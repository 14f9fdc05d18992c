"""What is wrong with the fields of a request."""

from vidx.media.v1 import media_pb2

from services.core.errors import InvalidInput
from services.runtime import media_proto

LONGEST_FOCUS = 1000


def bounds(range_: media_pb2.TimeRange, field: str) -> tuple[int, int]:
    """Start and end in ns. Raises InvalidInput."""
    start, end = media_proto.nanoseconds(range_.start), media_proto.nanoseconds(range_.end)
    if not 0 <= start < end:
        raise wrong(field, "0 <= start < end")
    return start, end


def wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", fields={field: rule})
