"""What a client interceptor is told of a call, in a form that it may change."""

from typing import Any, NamedTuple


class CallDetails(NamedTuple):
    """grpc.ClientCallDetails, as gRPC reads it."""

    method: Any
    timeout: Any
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


def details_of(details: Any) -> CallDetails:
    """What gRPC has told, which names some of these only."""
    return CallDetails(*(getattr(details, name, None) for name in CallDetails._fields))
