"""One way to call another service: a channel with retries, a deadline on every call, status back to errors."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import grpc

from services.runtime import tls, tracing
from services.runtime.grpc_details import details_of
from services.runtime.grpc_errors import from_call
from services.runtime.renewed import RenewedChannel
from services.runtime.settings import ClientSettings

MAX_MESSAGE_BYTES = 16 << 20
"""Of one message, either way. Here, so that a client need not load what a server needs."""
T = TypeVar("T")

# Where a name stands for several servers, calls go to all of them in turn.
_BALANCED: dict[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
BALANCED = json.dumps(_BALANCED)
"""gRPC's service config of that."""
_RETRIES = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
_RETRIED = _BALANCED | {"methodConfig": [{"name": [{}], "retryPolicy": _RETRIES}]}
PLAIN = ClientSettings.model_construct()


def channel(address: str, settings: ClientSettings = PLAIN, *, retries: bool = True, name: str = "") -> grpc.Channel:
    """A channel to host:port. Calls are tried again, with backoff, while the server is UNAVAILABLE.

    `name` is what the server's certificate must be for; the address's host when empty.
    Streams of requests need one without `retries`: gRPC 1.85 aborts the process when such a stream that it would try
    again is answered before its last message.
    """
    options = [
        ("grpc.service_config", json.dumps(_RETRIED) if retries else BALANCED),
        ("grpc.enable_retries", int(retries)),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        *([("grpc.ssl_target_name_override", name)] if name else []),
    ]

    def make() -> grpc.Channel:
        credentials = tls.client_credentials(settings)
        if credentials is None:
            return grpc.insecure_channel(address, options)
        return grpc.secure_channel(address, credentials, options)

    files = tls.client_files(settings)
    made = RenewedChannel(make, files) if files else make()
    return _traced(made) if tracing.on() else made


def _traced(made: grpc.Channel) -> grpc.Channel:
    # Imported here: the command line has no use for it, nor for the metrics that it brings.
    from services.runtime.grpc_watch import ClientWatch

    return grpc.intercept_channel(made, ClientWatch())


def with_key(plain: grpc.Channel, key: str) -> grpc.Channel:
    """The channel, with a key or token of the public API in the metadata of each call; as it is when that is empty."""
    return grpc.intercept_channel(plain, _Key(key)) if key else plain


class _Key(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
    grpc.StreamStreamClientInterceptor,  # type: ignore[misc]
):
    def __init__(self, key: str) -> None:
        self._pair = ("authorization", f"Bearer {key}")

    def _pass_on(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(details_of(details)._replace(metadata=[*(details.metadata or ()), self._pair]), request)

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass_on(continuation, details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass_on(continuation, details, request)

    def intercept_stream_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass_on(continuation, details, request)

    def intercept_stream_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._pass_on(continuation, details, request)


def call(method: Callable[..., T], request: Any, timeout_s: float) -> T:
    """One unary call; a failed one raises the error that its status stands for."""
    try:
        return method(request, timeout=timeout_s)
    except grpc.RpcError as error:
        raise from_call(error) from error


def stream(
    method: Callable[..., Any], request: Any, timeout_s: float, on_end: Callable[[Callable[[], None]], bool]
) -> Iterator[Any]:
    """The messages of a stream; a failed one raises the error that its status stands for.

    It is cancelled when nobody reads on, or when what `on_end` registers is called: when the caller has gone, which
    `on_end` says as well.
    """
    messages = method(request, timeout=timeout_s)
    if not on_end(messages.cancel):
        messages.cancel()
    try:
        yield from messages
    except grpc.RpcError as error:
        raise from_call(error) from error
    finally:
        messages.cancel()
