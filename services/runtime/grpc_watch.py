"""Counts, times and traces gRPC calls: one interceptor for servers, one for clients.

Names are those of go-grpc-prometheus, whose dashboards and rules many have, and of OpenTelemetry's conventions for RPC.
"""

import time
from collections.abc import Iterator
from typing import Any

import grpc
from opentelemetry.trace import SpanKind

from services.runtime import metrics, tracing
from services.runtime.grpc_details import details_of

_KINDS = (
    ("unary_unary", "unary", grpc.unary_unary_rpc_method_handler),
    ("unary_stream", "server_stream", grpc.unary_stream_rpc_method_handler),
    ("stream_unary", "client_stream", grpc.stream_unary_rpc_method_handler),
    ("stream_stream", "bidi_stream", grpc.stream_stream_rpc_method_handler),
)
_TROUBLES = frozenset(
    (
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    )
)
"""Codes that are the server's fault; the others are the caller's, and an answer like any other."""


def code_name(code: grpc.StatusCode) -> str:
    """A status code as metrics name it: OK, NotFound, DeadlineExceeded."""
    if code is grpc.StatusCode.OK:
        return "OK"
    # As Go's gRPC spells it, and with it every dashboard of gRPC servers.
    return "Canceled" if code is grpc.StatusCode.CANCELLED else code.name.title().replace("_", "")


class ServerWatch(grpc.ServerInterceptor):  # type: ignore[misc]
    """Goes first, so that it sees what the others refuse. Health and reflection are not watched."""

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        handler = continuation(details)
        if handler is None or details.method.startswith("/grpc."):
            return handler
        for kind, type_, make in _KINDS:
            behaviour = getattr(handler, kind)
            if behaviour:
                watch = _watched_stream if kind.endswith("_stream") else _watched
                return make(
                    watch(behaviour, _Call(details, type_)),
                    request_deserializer=handler.request_deserializer,
                    response_serializer=handler.response_serializer,
                )
        return handler


class _Call:
    """One call to be watched."""

    def __init__(self, details: grpc.HandlerCallDetails, type_: str) -> None:
        self._method = details.method.removeprefix("/")
        self._parent = tracing.headers_of(details.invocation_metadata)
        self._labels = (type_, *self._method.rsplit("/", 1))

    def begin(self) -> Any:
        """The span over the call."""
        metrics.RPC_STARTED.labels(*self._labels).inc()
        self._began = time.perf_counter()
        about = _attributes(self._method)
        return tracing.span(self._method, SpanKind.SERVER, parent=self._parent, attributes=about, errors=False)

    def end(self, context: Any, failed: bool) -> None:
        code = context.code() or (grpc.StatusCode.UNKNOWN if failed else grpc.StatusCode.OK)
        if not context.is_active() and code is grpc.StatusCode.OK:
            code = grpc.StatusCode.CANCELLED
        metrics.RPC_SECONDS.labels(*self._labels).observe(time.perf_counter() - self._began)
        metrics.RPC_HANDLED.labels(*self._labels, code_name(code)).inc()
        _note(tracing.current(), code)


def _watched(behaviour: Any, call: _Call) -> Any:
    def watched(request: Any, context: grpc.ServicerContext) -> Any:
        failed = True
        with call.begin():
            try:
                response = behaviour(request, context)
                failed = False
                return response
            finally:
                call.end(context, failed)

    return watched


def _watched_stream(behaviour: Any, call: _Call) -> Any:
    def watched(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        failed = True
        with call.begin():
            try:
                yield from behaviour(request, context)
                failed = False
            except GeneratorExit:
                failed = False
                raise
            finally:
                call.end(context, failed)

    return watched


class ClientWatch(
    grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]
    grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
    grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
    grpc.StreamStreamClientInterceptor,  # type: ignore[misc]
):
    """A span a call, which ends with it, told to the server in the call's metadata."""

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return _called(continuation, client_call_details, request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return _called(continuation, client_call_details, request)

    def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return _called(continuation, client_call_details, request_iterator)

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return _called(continuation, client_call_details, request_iterator)


def _called(continuation: Any, details: Any, request: Any) -> Any:
    method = details.method.removeprefix("/")
    made = tracing.start(method, SpanKind.CLIENT, _attributes(method))
    metadata = (*(details.metadata or ()), *tracing.carrier(made).items())
    call = continuation(details_of(details)._replace(metadata=metadata), request)
    call.add_done_callback(lambda done: _ended(made, done))
    return call


def _ended(made: Any, call: Any) -> None:
    _note(made, call.code() or grpc.StatusCode.OK)
    made.end()


def _note(made: Any, code: grpc.StatusCode) -> None:
    made.set_attribute("rpc.grpc.status_code", code.value[0])
    if code in _TROUBLES:
        tracing.fail(made, code.name)


def _attributes(method: str) -> dict[str, str]:
    service, _, name = method.rpartition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
