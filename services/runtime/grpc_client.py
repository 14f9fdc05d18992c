"""One way to call another service: a channel with retries, a deadline on every call, status back to errors."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from services.runtime.grpc_errors import from_call
from services.runtime.grpc_server import MAX_MESSAGE_BYTES

T = TypeVar("T")

_SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


def channel(address: str, *, retries: bool = True) -> grpc.Channel:
    """A channel to host:port. Calls are tried again, with backoff, while the server is UNAVAILABLE.

    Streams of requests need one without `retries`: gRPC 1.85 aborts the process when such a stream that it would try
    again is answered before its last message.
    """
    retrying = [("grpc.service_config", _SERVICE_CONFIG)] if retries else [("grpc.enable_retries", 0)]
    return grpc.insecure_channel(
        address,
        options=[
            *retrying,
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2_000),
        ],
    )


def call(method: Callable[..., T], request: Any, timeout_s: float) -> T:
    """One unary call; a failed one raises the error that its status stands for."""
    try:
        return method(request, timeout=timeout_s)
    except grpc.RpcError as error:
        raise from_call(error) from error
