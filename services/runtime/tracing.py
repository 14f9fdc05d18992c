"""Traces: OpenTelemetry spans over calls and queue hops, sent to an OTLP collector when the environment names one.

A span travels as a W3C `traceparent`: in the metadata of gRPC calls, in the headers of Celery's messages, and in the
catalog's row of a video, so that what Redis lost goes on in the same trace. Sending happens in a thread of its own from
a bounded queue: a collector that is away costs spans, and nothing else. Without a collector nothing is recorded.
"""

import atexit
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.core.errors import VidxError
from services.runtime.settings import Tracing

EXPORT_S = 5.0
"""Longest that one batch may take to be sent."""
END_S = 2.0
"""Longest that a process waits at its end for what is not sent yet."""
HEADER = "traceparent"
Attributes = Mapping[str, str | int | float | bool]
_W3C = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("vidx")
_on = False


def configure(service: str, settings: Tracing) -> None:
    """Record and send spans from now on, if the settings name a collector; call once, before channels are made."""
    if not settings.endpoint:
        return
    # Imported here: half a second that a process without traces, such as the command line, need not spend.
    from services.runtime.tracing_export import provider

    made, close = provider(service, settings, EXPORT_S, END_S)
    trace.set_tracer_provider(made)
    atexit.register(close)
    # What it says of a collector that is away, a few lines a second, `tracing_export` says once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    global _on
    _on = True


def on() -> bool:
    """Whether spans are recorded in this process."""
    return _on


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    parent: Mapping[str, str] | None = None,
    attributes: Attributes | None = None,
    errors: bool = True,
) -> Iterator[Span]:
    """A span over the block, under `parent`'s traceparent, or the span that is current.

    What the block raises is noted by its reason, unless without `errors` somebody else does so.
    """
    context = None if parent is None else context_of(parent)
    with _tracer.start_as_current_span(
        name, context, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as made:
        try:
            yield made
        except Exception as error:
            if errors:
                fail(made, error.reason if isinstance(error, VidxError) else type(error).__name__)
            raise


def start(name: str, kind: SpanKind, attributes: Attributes) -> Span:
    """A span under the current one that does not become current; the caller ends it."""
    return _tracer.start_span(name, kind=kind, attributes=attributes)


def record(name: str, parent: str, start_ns: int, attributes: Attributes, fault: str = "") -> None:
    """A span from `start_ns` (since the epoch) until now that nothing runs under."""
    made = _tracer.start_span(name, context_of({HEADER: parent}), attributes=attributes, start_time=start_ns)
    if fault:
        fail(made, fault)
    made.end()


def fail(made: Span, reason: str) -> None:
    """Note that what the span is about failed."""
    made.set_status(Status(StatusCode.ERROR, reason))
    made.set_attribute("error.type", reason)


def current() -> Span:
    """The span that is current in this thread; one that records nothing when there is none."""
    return trace.get_current_span()


def carrier(made: Span | None = None) -> dict[str, str]:
    """The span, or the current one, as headers for a message; empty when there is none."""
    headers: dict[str, str] = {}
    _W3C.inject(headers, None if made is None else trace.set_span_in_context(made))
    return headers


def traceparent() -> str:
    """The current span as one text to keep; empty when there is none."""
    return carrier().get(HEADER, "")


def context_of(headers: Mapping[str, str]) -> Context:
    """Where a message's headers say that it belongs; nowhere when they say nothing that can be read."""
    return _W3C.extract(headers, Context())


def headers_of(metadata: Sequence[tuple[str, str | bytes]] | None) -> dict[str, str]:
    """The part of gRPC metadata that says where a call belongs."""
    return {key: value for key, value in metadata or () if key in _W3C.fields and isinstance(value, str)}
