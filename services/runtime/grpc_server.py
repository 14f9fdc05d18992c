"""One way to make a gRPC server: health, reflection, errors to status, log lines, a drain on SIGTERM."""

import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

from services.core.errors import Internal, InvalidInput, Unavailable, VidxError
from services.runtime import telemetry, tls, tracing
from services.runtime.grpc_client import MAX_MESSAGE_BYTES
from services.runtime.grpc_errors import to_status
from services.runtime.grpc_streams import Streams
from services.runtime.grpc_watch import ServerWatch
from services.runtime.guard import Guard, Look, Peers
from services.runtime.settings import ServerSettings

KEEPALIVE_MS = 60_000
LOOK_S = 0.5
Register = Callable[[grpc.Server], None]
_log = telemetry.log(__name__)


class Server:
    """A started server that knows how to stop in order."""

    def __init__(self, server: grpc.Server, port: int, health_servicer: health.HealthServicer, drain_s: float) -> None:
        self._server = server
        self._health = health_servicer
        self._drain_s = drain_s
        self.port = port

    def stop(self) -> None:
        """Report not serving, refuse new calls, and let those under way end for at most the drain time."""
        self._health.enter_graceful_shutdown()
        self._server.stop(self._drain_s).wait()

    def serve_until(self, asked: threading.Event) -> None:
        """Serve until `asked_to_end` is set, then stop."""
        # Python runs handlers in the main thread alone, which does not wake up when the kernel hands the signal to
        # another thread; so it looks for itself.
        while not asked.wait(LOOK_S):
            pass
        self.stop()


def asked_to_end() -> threading.Event:
    """What SIGTERM and SIGINT set from now on. Call it before the server is made: who is answered is not cut off."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked


def create_server(
    settings: ServerSettings,
    services: Sequence[tuple[ServiceDescriptor, Register]],
    guard: Guard | None = None,
    streams: int | None = None,
) -> Server:
    """Start a server with these services and return it with the port that it listens on.

    `guard` says who may call what; without one, that is what the methods' rules say of services and their certificates.
    `streams` of requests may be open at a time, half as many as there are threads when it is not said.
    """
    guard = guard or Peers(settings, [descriptor for descriptor, _ in services])
    server = grpc.server(
        futures.ThreadPoolExecutor(settings.threads, thread_name_prefix="rpc"),
        interceptors=[
            ServerWatch(),
            _Doorkeeper(guard, Streams(streams or max(1, settings.threads // 2), settings.idle_s)),
        ],
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
            # Clients that ping during quiet streams, as ours do once a minute, are not hung up on.
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
            # Clients that went without a word are noticed: their streams would hold a thread for ever.
            ("grpc.keepalive_time_ms", KEEPALIVE_MS),
            ("grpc.http2.ping_timeout_ms", KEEPALIVE_MS // 2),
            ("grpc.http2.max_pings_without_data", 0),
            # Without a grace period of its own, so that no call is cut short.
            *(
                [("grpc.max_connection_age_ms", int(settings.connection_age_s * 1000))]
                if settings.connection_age_s
                else []
            ),
        ],
    )
    health_servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = [descriptor.full_name for descriptor, _ in services]
    for _, register in services:
        register(server)
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    try:
        credentials = tls.server_credentials(settings)
        port = (
            server.add_insecure_port(settings.address)
            if credentials is None
            else server.add_secure_port(settings.address, credentials)
        )
    except RuntimeError as error:
        raise Unavailable(f"cannot listen on {settings.address}: {error}") from error
    server.start()
    for name in ("", *names):
        health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    host = settings.address.rsplit(":", 1)[0]
    _log.info("serving", address=f"{host}:{port}", services=names)
    return Server(server, port, health_servicer, settings.drain_s)


class _Doorkeeper(grpc.ServerInterceptor):  # type: ignore[misc]
    """Lets in whom the guard lets in, turns errors into status, and logs one line a call."""

    def __init__(self, guard: Guard, streams: Streams) -> None:
        self._guard = guard
        self._streams = streams

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        handler = continuation(details)
        # Whether a server serves is nobody's secret, and probes have no key.
        if handler is None or details.method.startswith(f"/{health.SERVICE_NAME}/"):
            return handler
        for kind, make in (
            ("unary_unary", grpc.unary_unary_rpc_method_handler),
            ("unary_stream", grpc.unary_stream_rpc_method_handler),
            ("stream_unary", grpc.stream_unary_rpc_method_handler),
            ("stream_stream", grpc.stream_stream_rpc_method_handler),
        ):
            behaviour = getattr(handler, kind)
            if behaviour:
                wrap = _guard_stream if kind.endswith("_stream") else _guard_unary
                look = _all_looked_at if handler.request_streaming else _looked_at
                opened = self._streams.opened if handler.request_streaming else _as_it_is
                return make(
                    wrap(behaviour, details.method, self._guard, look, opened),
                    request_deserializer=_lenient(handler.request_deserializer),
                    response_serializer=handler.response_serializer,
                )
        return handler


def _lenient(deserialize: Any) -> Any:
    """Hands on what cannot be read as an error, to be raised where it is answered; gRPC would answer INTERNAL."""

    def read(data: bytes) -> Any:
        try:
            return deserialize(data)
        except DecodeError:
            return InvalidInput("the request is not a message of this method; texts must be UTF-8")

    return read


def _looked_at(request: Any, look: Look) -> Any:
    """The request, which can be read and may be made."""
    if isinstance(request, InvalidInput):
        raise request
    look(request)
    return request


def _all_looked_at(requests: Iterator[Any], look: Look) -> Iterator[Any]:
    """The same of a stream: of its first message before anything else is done, of each other as it comes."""
    first = [_looked_at(request, look) for request in itertools.islice(requests, 1)]
    return itertools.chain(first, (_looked_at(request, look) for request in requests))


def _message(request: Any) -> Message | None:
    return request if isinstance(request, Message) else None


@contextmanager
def _as_it_is(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    yield request


def _guard_unary(behaviour: Any, method: str, guard: Guard, looked_at: Any, opened: Any) -> Any:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        began = time.monotonic()
        try:
            with guard.enter(method, context, _message(request)) as look, opened(request, context) as found:
                response = behaviour(looked_at(found, look), context)
        except Exception as error:
            _abort(context, method, began, error)
        _log.debug("call", method=method, ms=_ms(began))
        return response

    return call


def _guard_stream(behaviour: Any, method: str, guard: Guard, looked_at: Any, opened: Any) -> Any:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        began = time.monotonic()
        try:
            with guard.enter(method, context, _message(request)) as look, opened(request, context) as found:
                for response in behaviour(looked_at(found, look), context):
                    look(None)
                    yield response
        except Exception as error:
            _abort(context, method, began, error)
        _log.debug("call", method=method, ms=_ms(began))

    return call


def _abort(context: grpc.ServicerContext, method: str, began: float, error: Exception) -> None:
    if isinstance(error, VidxError):
        _log.info("call_refused", method=method, ms=_ms(began), reason=error.reason, message=error.message)
    elif not context.is_active():
        _log.info("call_abandoned", method=method, ms=_ms(began))
    else:
        _log.error("call_failed", method=method, ms=_ms(began), exc_info=error)
    known = error if isinstance(error, VidxError) else Internal("a fault of the platform; its log has the details")
    tracing.current().set_attribute("vidx.reason", known.reason)
    context.abort_with_status(rpc_status.to_status(to_status(known)))


def _ms(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 2)
